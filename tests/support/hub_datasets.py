"""A stand-in for the hub's HTTP interface for datasets: what huggingface_hub asks when it makes one and commits to it.

Large files go up by git LFS, as they do where the package hf_xet is not installed or is switched off.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from dataclasses import dataclass, field
from typing import Any

from hub_server import LARGE, Downloads, Hub

PICTURES = (*LARGE, ".png", ".webp", ".jpg", ".zip")


@dataclass
class Repo:
    """A dataset: its visibility, its files, and the messages of its commits."""

    private: bool
    files: dict[str, bytes] = field(default_factory=dict)
    commits: list[str] = field(default_factory=list)


class DatasetHub(Hub):
    """Datasets, the large files that were sent, and after how many commits the connection breaks."""

    def __init__(self) -> None:
        super().__init__()
        self.repos: dict[str, Repo] = {}
        self.blobs: dict[str, bytes] = {}
        self.sent: list[str] = []  # sha256 of each large file that came in
        self.owners = {"emi"}  # whom the token may write for
        self.breaks_at_commit: int | None = None  # the connection breaks at this commit, from 0, once


class Datasets(Downloads):
    """Answers uploads to datasets."""

    hub: DatasetHub

    def do_GET(self) -> None:  # noqa: N802 (its name in http.server)
        found = re.fullmatch(r"/api/datasets/([^/]+/[^/]+)(?:/revision/main)?", self.path)
        if not found:
            return self._answer()
        repo = self.hub.repos.get(found[1])
        if not self._may_enter() or repo is None:
            return self._send(404, b"", {"X-Error-Code": "RepoNotFound"})
        head = repo.files.get("README.md", b"").decode().partition("tags:")[2].partition("---")[0]
        return self._json(
            {
                "id": found[1],
                "sha": self.hub.commit,
                "private": repo.private,
                "tags": re.findall(r"^- (\S+)$", head, re.MULTILINE),
                "siblings": [{"rfilename": path} for path in sorted(repo.files)],
            }
        )

    def do_PUT(self) -> None:  # noqa: N802 (its name in http.server)
        body, oid = self._read(), self.path.rpartition("/")[2]
        assert hashlib.sha256(body).hexdigest() == oid
        self.hub.blobs[oid] = body
        self.hub.sent.append(oid)
        self._send(200, b"", {})

    def do_POST(self) -> None:  # noqa: N802 (its name in http.server)
        body = self._read()
        self.hub.requests.append(("POST", self.path, None))
        if not self._may_enter():
            return self._send(401, b"", {"X-Error-Message": "Invalid username or password."})
        if self.path == "/api/validate-yaml":
            assert json.loads(body)["content"].startswith("---\nlicense: ")
            return self._json({"errors": [], "warnings": []})
        if self.path == "/api/repos/create":
            return self._create(json.loads(body))
        if found := re.fullmatch(r"/datasets/(.+)\.git/info/lfs/objects/batch", self.path):
            return self._json(
                {"transfer": "basic", "objects": [self._place(o) for o in json.loads(body)["objects"]]}
            )
        found = re.fullmatch(r"/api/datasets/([^/]+/[^/]+)/(preupload|commit)/main", self.path)
        if not found or found[1] not in self.hub.repos:
            return self._send(404, b"", {"X-Error-Code": "RepoNotFound"})
        answer = self._modes if found[2] == "preupload" else self._commit
        return answer(self.hub.repos[found[1]], body)

    def _create(self, asked: dict[str, Any]) -> None:
        if asked["organization"] not in self.hub.owners:
            return self._send(403, b"", {"X-Error-Message": "You may not write there."})
        name = f"{asked['organization']}/{asked['name']}"
        assert asked["type"] == "dataset"
        self.hub.repos.setdefault(name, Repo(private=asked.get("visibility") == "private"))
        self.hub.repos[name].files.setdefault(".gitattributes", b"")
        return self._json({"url": f"{self.hub.address}/datasets/{name}"})

    def _place(self, asked: dict[str, Any]) -> dict[str, Any]:
        """Return where to send a large file; nowhere if it is there."""
        upload = {"upload": {"href": f"{self.hub.address}/lfs/{asked['oid']}"}}
        return asked if asked["oid"] in self.hub.blobs else asked | {"actions": upload}

    def _modes(self, repo: Repo, body: bytes) -> None:
        files = [self._mode(repo, file["path"]) for file in json.loads(body)["files"]]
        self._json({"files": files})

    def _mode(self, repo: Repo, path: str) -> dict[str, Any]:
        is_large, content = path.endswith(PICTURES), repo.files.get(path)
        oid = None if content is None else hashlib.sha256(content).hexdigest()
        if content is not None and not is_large:
            oid = hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()
        mode = "lfs" if is_large else "regular"
        return {"path": path, "uploadMode": mode, "shouldIgnore": False, "oid": oid}

    def _commit(self, repo: Repo, body: bytes) -> None:
        if self.hub.breaks_at_commit == len(repo.commits):
            self.hub.breaks_at_commit = None
            self.close_connection = True
            return
        for line in map(json.loads, body.splitlines()):
            value = line["value"]
            if line["key"] == "header":
                repo.commits.append(value["summary"])
            elif line["key"] == "file":
                repo.files[value["path"]] = base64.b64decode(value["content"])
            elif line["key"] == "lfsFile":
                repo.files[value["path"]] = self.hub.blobs[value["oid"]]
            else:
                assert line["key"] == "deletedFile"
                del repo.files[value["path"]]
        name = next(name for name, one in self.hub.repos.items() if one is repo)
        url = f"{self.hub.address}/datasets/{name}/commit/{self.hub.commit}"
        self._json({"commitUrl": url, "commitOid": self.hub.commit})

    def _may_enter(self) -> bool:
        return self.headers.get("Authorization") == f"Bearer {self.hub.token}"

    def _read(self) -> bytes:
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        parts = []
        while size := int(self.rfile.readline(), 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts)

    def _json(self, value: Any) -> None:
        self._send(200, json.dumps(value).encode(), {"Content-Type": "application/json"})
