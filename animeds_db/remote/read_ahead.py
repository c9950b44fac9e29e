"""Reads files in a bucket, with read-ahead and a cache.

Every request takes tens of milliseconds, however small it is. So while a file is read in order, each request
fetches twice as much as the one before. All readers of a file share the cache: a decoder that opens the file again
finds its header and index there.
"""

from __future__ import annotations

import io
import os
import re
import threading
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from typing import Any

from animeds_db.cores import map_in_order
from animeds_db.errors import SourceError
from animeds_db.remote.requests import AT_ONCE, asked, filesystem

BLOCK = 256 * 2**10
"""Size of a cached block in bytes."""
FIRST = 4
"""Number of blocks fetched after a seek: 1 MiB. A request takes as long as transferring a few MiB.

Measured for one frame of an mkv of 143 MiB, with 256 KiB | 1 MiB | 4 MiB: a key frame takes 4 | 3 | 3 requests
and 1.2 | 2.2 | 8.2 MiB; a frame in the middle of a GOP of 7 MiB takes 7 | 5 | 3 requests and 8.2 MiB each.
"""
MOST = 32
"""Maximum number of blocks per request when reading in order: 8 MiB, with which that file took 21 requests. Twice as
many would save three requests per hundred megabytes but make every stop more expensive."""
KEPT_BYTES = 64 * 2**20
"""Maximum number of cached blocks of all files. The least recently used are dropped."""

_OUT_OF_RANGE = re.compile(r"InvalidRange|HTTP status 416|[Oo]ut of bounds")

Mark = tuple[object, ...]
"""An object and its version, which identify its bytes."""


class _Kept:
    """Cache of the most recently used blocks of all files."""

    def __init__(self, most: int) -> None:
        self._most, self._size = most, 0
        self._blocks: OrderedDict[tuple[Mark, int], bytes] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, mark: Mark, number: int) -> bytes | None:
        with self._lock:
            block = self._blocks.get((mark, number))
            if block is not None:
                self._blocks.move_to_end((mark, number))
            return block

    def has(self, mark: Mark, number: int) -> bool:
        with self._lock:
            return (mark, number) in self._blocks

    def put(self, mark: Mark, number: int, block: bytes) -> None:
        with self._lock:
            self._size += len(block) - len(self._blocks.pop((mark, number), b""))
            self._blocks[mark, number] = block
            while self._size > self._most:
                self._size -= len(self._blocks.popitem(last=False)[1])


KEPT = _Kept(KEPT_BYTES)


class BucketFile(io.RawIOBase):
    """A file in a bucket, open for reading by one thread at a time.

    Raises FileNotFoundError, BucketError, and SourceError if the file changes while it is read. FFmpeg may treat
    an error as the end of the file, so `failure` keeps the error, and nothing more is read.
    """

    def __init__(self, uri: str) -> None:
        super().__init__()
        self.uri = uri
        self.name = uri.rpartition("/")[2]  # FFmpeg uses the suffix
        key = uri.partition("://")[2]
        storage = filesystem(uri)
        self._object: Any = asked(uri, lambda: storage.open_input_file(key))
        self.size = int(self._object.size())
        self._mark: Mark = (uri, self.size, *sorted((self._object.metadata() or {}).items()))
        self._at = 0
        self._last = -1  # index of the block read last
        self._ahead = 0  # number of blocks fetched with it
        self.failure: SourceError | None = None

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        start = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self.size}[whence]
        if start + offset < 0:
            raise OSError(22, "seek before the start of the file")
        self._at = start + offset
        return self._at

    def readinto(self, buffer: Any, /) -> int:
        """Fill a buffer at most up to the end of a block, and return the number of bytes."""
        view = memoryview(buffer).cast("B")
        if self._at >= self.size or self.failure is not None:
            return 0
        number, skip = divmod(self._at, BLOCK)
        piece = memoryview(self._block(number))[skip : skip + len(view)]
        view[: len(piece)] = piece
        self._at += len(piece)
        return len(piece)

    def spans(self, spans: Iterable[tuple[int, int]]) -> Iterator[bytes]:
        """Yield the bytes at each (offset, length) without read-ahead. Small files are read at once."""
        if self.size <= FIRST * BLOCK:
            whole = b"".join(self._block(number) for number in range(-(-self.size // BLOCK)))
            yield from (whole[offset : offset + length] for offset, length in spans)
        else:
            yield from map_in_order(lambda span: self._fetched(*span), spans, AT_ONCE)

    def close(self) -> None:
        """Close the file. Its blocks stay in the cache for the next reader."""
        if not self.closed:
            self._object.close()
        super().close()

    def _block(self, number: int) -> bytes:
        is_next = number in (self._last, self._last + 1)
        self._last = number
        block = KEPT.get(self._mark, number)
        if block is None:
            self._ahead = min(2 * self._ahead, MOST) if is_next and self._ahead else FIRST
            block = self._fetch(number, self._ahead)
        elif not is_next:
            self._ahead = 0
        return block

    def _fetch(self, first: int, most: int) -> bytes:
        """Fetch blocks up to the next cached one, and return the first."""
        last = first + 1
        while last < first + most and last * BLOCK < self.size and not KEPT.has(self._mark, last):
            last += 1
        start = first * BLOCK
        data = memoryview(self._fetched(start, min(last * BLOCK, self.size) - start))
        for number in range(first, last):
            piece = bytes(data[(number - first) * BLOCK : (number - first + 1) * BLOCK])
            KEPT.put(self._mark, number, piece)
        return bytes(data[:BLOCK])

    def _fetched(self, offset: int, length: int) -> bytes:
        if not length:
            return b""
        try:
            data = bytes(asked(self.uri, lambda: self._object.read_at(length, offset)))
        except FileNotFoundError as error:  # Google also raises this for a version that was overwritten
            self.failure = self._changed()
            raise self.failure from error
        except SourceError as error:
            self.failure = self._changed() if _OUT_OF_RANGE.search(error.message) else error
            raise self.failure from error
        if len(data) != length:
            self.failure = self._changed()
            raise self.failure
        return data

    def _changed(self) -> SourceError:
        info = asked(self.uri, lambda: filesystem(self.uri).get_file_info(self.uri.partition("://")[2]))
        if info.type.name == "NotFound":
            return SourceError(
                f"{self.uri} was deleted while it was read", hint="restore the file and run the command again"
            )
        return SourceError(
            f"{self.uri} changed while it was read",
            hint="wait until the file is complete and run the command again: what was committed is safe",
        )
