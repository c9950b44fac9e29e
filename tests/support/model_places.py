"""Where tests keep models: nothing of the user's own folders is read or written."""

from __future__ import annotations

from pathlib import Path

import pytest


def only_here(monkeypatch: pytest.MonkeyPatch, folder: Path) -> Path:
    """Point manifest, record and hub cache into `folder`; return the path of the user's manifest."""
    for name in (
        "HF_TOKEN",
        "HUGGING_FACE_HUB_TOKEN",
        "HF_HUB_OFFLINE",
        "HF_ENDPOINT",
        "HF_HUB_ETAG_TIMEOUT",
    ):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("ANIMEDS_MODELS", str(folder / "models.toml"))
    monkeypatch.setenv("ANIMEDS_DATA", str(folder / "data"))
    monkeypatch.setenv("HF_HUB_CACHE", str(folder / "hub"))
    monkeypatch.setenv("HF_HUB_DISABLE_XET", "1")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")
    return folder / "models.toml"
