"""A client for `animeds serve`: `animeds_db.connect("http://…")`.

The same calls return the same rows and raise the same errors as on a local dataset. It needs only the standard
library and pyarrow. Rows arrive as an Arrow IPC stream and are not copied on the way to polars.
"""

from __future__ import annotations

import http.client
import json
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

import pyarrow as pa

from animeds_db.errors import AnimedsError, QueryError, SourceError, StoreError, UsageError
from animeds_db.notebook import given_values
from animeds_db.web.errors import from_json

if TYPE_CHECKING:
    import polars as pl
    from PIL import Image

    from animeds_db.dataset.gallery import Gallery

ARROW = "application/vnd.apache.arrow.stream"
TIMEOUT_S = 300.0


def connect(url: str, *, token: str | None = None, timeout: float = TIMEOUT_S) -> RemoteDataset:
    """Return the database that `animeds serve` offers at this address (as it printed it, with the token).

    Raises StoreError when the service does not answer, UsageError for a wrong token or an invalid address.
    """
    dataset = RemoteDataset(url, token=token, timeout=timeout)
    dataset.status()
    return dataset


class Rows:
    """Rows of a query, in memory. `.pl()`, `.df()`, `.to_arrow_table()` and `.fetchall()` work as in DuckDB."""

    def __init__(self, table: pa.Table) -> None:
        self._table = table

    @property
    def columns(self) -> list[str]:
        """Names of the columns."""
        return list(self._table.column_names)

    def __len__(self) -> int:
        return int(self._table.num_rows)

    def __repr__(self) -> str:
        return f"Rows({len(self)} × {', '.join(self.columns)})"

    def to_arrow_table(self) -> pa.Table:
        """Return the rows as an Arrow table."""
        return self._table

    def pl(self) -> pl.DataFrame:
        """Return the rows as a polars DataFrame that shares their memory."""
        import polars as pl

        frame = pl.from_arrow(self._table, rechunk=False)
        assert isinstance(frame, pl.DataFrame)
        return frame

    def df(self) -> Any:
        """Return the rows as a pandas DataFrame."""
        return self._table.to_pandas()

    def fetchall(self) -> list[tuple[Any, ...]]:
        """Return the rows as tuples."""
        import duckdb  # so that values become the same Python objects as in a local dataset

        with duckdb.connect() as connection:
            return connection.from_arrow(self._table).fetchall()


class RemoteDataset:
    """A database behind a service: sql, query, character_set, search, frames, faces, gallery, image, thumbnail, status.

    Every other method of a Dataset raises UsageError: it needs the tables or the files themselves.
    """

    def __init__(self, url: str, *, token: str | None = None, timeout: float = TIMEOUT_S) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.netloc:
            raise UsageError(
                f'"{url}" is not the address of a service.', hint="connect('http://127.0.0.1:8321')"
            )
        self._base = f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}"
        self._token = token or dict(parse_qsl(parts.query)).get("token")
        self._timeout = timeout

    @property
    def uri(self) -> str:
        """The address of the service, without its token."""
        return self._base

    def __repr__(self) -> str:
        return f"RemoteDataset({self._base!r})"

    def __getattr__(self, name: str) -> Any:
        from animeds_db.dataset import Dataset

        if not name.startswith("_") and hasattr(Dataset, name):
            raise UsageError(
                f"A remote dataset has no {name}: it needs the tables or the files themselves.",
                hint="run it where the database is, with animeds_db.open(…)",
            )
        raise AttributeError(f"RemoteDataset has no attribute {name!r}")

    def sql(self, text: str, params: Mapping[str, Any] | Sequence[Any] | None = None, **values: Any) -> Rows:
        """Run one SELECT on the service and return its rows.

        Values fill `$name`, by keyword or as `params`; a list fills `$1`, `$2`, …. They are text, numbers, or lists of
        these. Raises QueryError with line, column and hint, and also when it takes longer than the service allows.
        """
        given = given_values(params, values)
        return self._rows("/api/sql", {"q": text, "params": given, "format": "arrow"})

    def query(self, name: str, params: Mapping[str, Any] | None = None, /, **values: Any) -> Rows:
        """Run a named query on the service, with parameters by keyword or as one mapping. Raises QueryError."""
        given = given_values(params, values)
        return self._rows(f"/api/queries/{quote(name, safe='')}", {"params": given, "format": "arrow"})

    def character_set(self, *characters: str, **conditions: Any) -> Rows:
        """Return frames of characters for training, the best first; see `Dataset.character_set`."""
        return self.query("character_set", {"characters": list(characters)}, **conditions)

    def frames(self, view: str = "frames") -> pl.LazyFrame:
        """Return a view of frames as a polars LazyFrame. All its rows are sent at once."""
        if not view.isidentifier():
            raise QueryError(f'There is no view "{view}".', hint="frames, kept, good or faces")
        return self.sql(f"SELECT * FROM {view}").pl().lazy()

    def faces(self) -> pl.LazyFrame:
        """Return the `faces` view as a polars LazyFrame. All its rows are sent at once."""
        return self.frames("faces")

    def gallery(self, selection: str | Sequence[str] | pl.Series, *, limit: int = 60) -> Gallery:
        """Return thumbnails for a notebook. `selection`: SQL with a column frame_id, or a list or Series of ids."""
        from animeds_db.dataset.gallery import Gallery

        if isinstance(selection, str):
            ids = [str(row[0]) for row in self.sql(f"SELECT frame_id FROM (\n{selection}\n)").fetchall()]
        else:
            ids = [str(one) for one in selection]
        webp = [(one, self._ask(f"/api/frames/{quote(one, safe='')}/thumbnail")[0]) for one in ids[:limit]]
        return Gallery(webp, len(ids))

    def search(
        self,
        text: str | None = None,
        *,
        frame_id: str | None = None,
        said: str | None = None,
        character: str | None = None,
        k: int = 20,
        where: str | None = None,
    ) -> Rows:
        """Return the k best frames for a text, a frame or what is said, best first; see `Dataset.search`."""
        query = {"text": text, "like": frame_id, "said": said, "character": character, "k": k, "where": where}
        given = {key: value for key, value in query.items() if value is not None} | {"format": "arrow"}
        return Rows(_table(self._ask(f"/api/search?{urlencode(given)}")[0]))

    def image(self, frame_id: str) -> Image.Image:
        """Return the exact frame: RGB, as displayed. Raises QueryError for an unknown id, SourceError when the video
        file is missing."""
        return self._picture(frame_id, "image")

    def thumbnail(self, frame_id: str) -> Image.Image:
        """Return the stored thumbnail (longer edge 256 px). Raises QueryError for an unknown id."""
        return self._picture(frame_id, "thumbnail")

    def status(self) -> dict[str, Any]:
        """Return the contents of the database and the limits of the service."""
        status: dict[str, Any] = json.loads(self._ask("/api/status")[0])
        return status

    def _rows(self, path: str, body: dict[str, Any]) -> Rows:
        try:
            data = json.dumps(body, allow_nan=False).encode()
        except (TypeError, ValueError) as error:
            raise UsageError(
                f"A parameter cannot be sent: {error}", hint="use text, numbers, or lists of these"
            ) from None
        return Rows(_table(self._ask(path, data)[0]))

    def _picture(self, frame_id: str, kind: str) -> Image.Image:
        from animeds_db.media.picture_files import open_picture

        data, headers = self._ask(f"/api/frames/{quote(frame_id, safe='')}/{kind}")
        missing = headers.get("X-Animeds-Missing")
        if missing is not None:
            raise SourceError(missing, hint="if the files moved: animeds sources relocate OLD NEW")
        return open_picture(data)

    def _ask(self, path: str, body: bytes | None = None) -> tuple[bytes, Mapping[str, str]]:
        headers = {"Accept": f"{ARROW}, application/json, */*"}
        if body is not None:
            headers["Content-Type"] = "application/json"
        if self._token:
            headers["Authorization"] = f"Bearer {self._token}"
        request = urllib.request.Request(self._base + path, data=body, headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=self._timeout) as answer:
                return _read(answer), answer.headers
        except urllib.error.HTTPError as error:
            with error:
                raise _refused(error) from None
        except (OSError, http.client.HTTPException) as error:
            reason = getattr(error, "reason", error)
            raise StoreError(
                f"{self._base} does not answer: {reason}", hint="check that `animeds serve` is running there"
            ) from error


def _read(answer: Any) -> bytes:
    """Return the body. If it ends early, return what arrived: its end explains the error."""
    try:
        return bytes(answer.read())
    except http.client.IncompleteRead as error:
        return bytes(error.partial)


def _table(body: bytes) -> pa.Table:
    """Return the rows of an Arrow IPC stream without copying. Raises the error that follows the stream, if any."""
    source = pa.BufferReader(body)
    try:
        with pa.ipc.open_stream(source) as reader:
            table = reader.read_all()
        facts = json.loads(body[source.tell() :])
    except (pa.ArrowException, OSError, ValueError) as error:
        raise StoreError("The response of the service was cut off.", hint="try again") from error
    if "error" in facts:
        raise from_json(facts["error"])
    return table


def _refused(error: urllib.error.HTTPError) -> AnimedsError:
    """Return the error of the service as the error that a local dataset raises."""
    try:
        fault = json.loads(error.read())["error"]
    except (ValueError, KeyError, TypeError, OSError):
        return StoreError(
            f"{error.url} answered with status {error.code}.",
            hint="check that `animeds serve` runs at this address",
        )
    if fault.get("kind") == "MissingError":
        return QueryError(fault["message"], hint=fault.get("hint"))
    if error.code == 401:
        return UsageError(
            fault["message"],
            hint="use the whole address that the service printed: connect('http://…/?token=…')",
        )
    return from_json(fault)
