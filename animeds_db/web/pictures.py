"""Thumbnails and exact frames, as bytes.

A grid requests a hundred thumbnails one by one: waiting requests are read together. A few frames are decoded at a
time, and the latest are cached.
"""

from __future__ import annotations

import asyncio
import io
import threading
from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from animeds_db.web.errors import BusyError, MissingError

if TYPE_CHECKING:
    from PIL import Image

    from animeds_db.dataset import Dataset

KEPT_BYTES = 128 << 20
AT_ONCE = 2
"""Maximum number of frames decoded at the same time."""
WAITING = 64
BATCH = 256
LONGEST_ID = 200
WIDTHS = (16, 4096)
Box = tuple[float, float, float, float]


class Kept:
    """A cache of bytes by key, with a maximum total size."""

    def __init__(self, most: int) -> None:
        self._most, self._size = most, 0
        self._bytes: OrderedDict[tuple[object, ...], bytes] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: tuple[object, ...]) -> bytes | None:
        """Return the cached bytes of a key, or None."""
        with self._lock:
            if key in self._bytes:
                self._bytes.move_to_end(key)
            return self._bytes.get(key)

    def put(self, key: tuple[object, ...], data: bytes) -> None:
        """Add bytes to the cache, and remove the oldest if it is full."""
        with self._lock:
            self._size += len(data) - len(self._bytes.pop(key, b""))
            self._bytes[key] = data
            while self._size > self._most:
                self._size -= len(self._bytes.popitem(last=False)[1])


class Pictures:
    """Reads the pictures of one dataset."""

    def __init__(self, dataset: Dataset) -> None:
        self._dataset = dataset
        self._kept = Kept(KEPT_BYTES)
        self._reader = ThreadPoolExecutor(1, thread_name_prefix="animeds-thumbnails")
        self._decoders = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="animeds-frames")
        self._decoding = 0
        self._wanted: dict[str, list[asyncio.Future[bytes | None]]] = {}

    def close(self) -> None:
        """End the threads."""
        for pool in (self._reader, self._decoders):
            pool.shutdown(cancel_futures=True)

    async def thumbnail(self, frame_id: str) -> bytes:
        """Return a thumbnail, WebP. Raises MissingError."""
        found = self._kept.get(("thumbnail", frame_id)) or await self._read(frame_id)
        if found is None:
            raise no_frame(frame_id)
        return found

    async def frame(
        self, frame_id: str, width: int | None = None, box: Box | None = None
    ) -> tuple[bytes, str]:
        """Return the exact frame or a part of it, and its media type: PNG, or WebP if it is scaled down.

        Raises MissingError, SourceError when the video is missing or has changed, BusyError.
        """
        kind = "image/png" if width is None else "image/webp"
        key = ("frame", frame_id, width, box)
        kept = self._kept.get(key)
        if kept is not None:
            return kept, kind
        if self._decoding >= WAITING:
            raise BusyError(
                f"The service is busy: {WAITING} frames are waiting to be decoded.",
                hint="try again in a moment",
            )
        self._decoding += 1
        try:
            loop = asyncio.get_running_loop()
            data = await loop.run_in_executor(self._decoders, self._decode, frame_id, width, box)
        finally:
            self._decoding -= 1
        self._kept.put(key, data)
        return data, kind

    def _decode(self, frame_id: str, width: int | None, box: Box | None) -> bytes:
        picture = self._dataset.image(frame_id)
        if box is not None:
            picture = _cut(picture, box)
        if width is not None and width < picture.width:
            picture = picture.resize((width, max(1, round(picture.height * width / picture.width))))
        out = io.BytesIO()
        if width is None:
            picture.save(out, "PNG", compress_level=1)
        else:
            picture.save(out, "WEBP", quality=90, method=2)
        return out.getvalue()

    async def _read(self, frame_id: str) -> bytes | None:
        loop = asyncio.get_running_loop()
        waiting: asyncio.Future[bytes | None] = loop.create_future()
        first = not self._wanted
        self._wanted.setdefault(frame_id, []).append(waiting)
        if first:
            loop.create_task(self._read_all())  # noqa: RUF006 (the waiting requests hold its futures)
        return await waiting

    async def _read_all(self) -> None:
        """Read all thumbnails that have been requested so far."""
        loop = asyncio.get_running_loop()
        await asyncio.sleep(0)  # requests of this turn of the loop are read together
        while self._wanted:
            wanted = dict(list(self._wanted.items())[:BATCH])
            found: dict[str, bytes] | Exception
            try:
                found = await loop.run_in_executor(self._reader, self._take, list(wanted))
            except Exception as error:  # noqa: BLE001 (passed to the waiting requests)
                found = error
            for frame_id in wanted:
                for waiting in self._wanted.pop(frame_id):
                    if waiting.done():
                        continue
                    if isinstance(found, Exception):
                        waiting.set_exception(found)
                    else:
                        waiting.set_result(found.get(frame_id))

    def _take(self, ids: list[str]) -> dict[str, bytes]:
        rows = self._dataset.store.take("thumbnails", ids, ["frame_id", "webp"])
        found = dict(zip(rows["frame_id"].to_pylist(), rows["webp"].to_pylist(), strict=True))
        for frame_id, data in found.items():
            self._kept.put(("thumbnail", frame_id), data)
        return found


def no_frame(frame_id: str) -> MissingError:
    """Return the error for an unknown frame id."""
    return MissingError(
        f"There is no frame {frame_id[:80]}.",
        hint="ids look like k3f9a2qd-000754212: SELECT frame_id FROM frames",
    )


def _cut(picture: Image.Image, box: Box) -> Image.Image:
    """Return the part of a picture in a box of relative coordinates, at least one pixel in size."""
    left, top = int(box[0] * picture.width), int(box[1] * picture.height)
    right, bottom = round(box[2] * picture.width), round(box[3] * picture.height)
    left, top = min(left, picture.width - 1), min(top, picture.height - 1)
    return picture.crop((left, top, max(right, left + 1), max(bottom, top + 1)))
