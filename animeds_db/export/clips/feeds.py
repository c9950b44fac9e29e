"""Frames on their way from the thread that decodes to the threads that make clips of them."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator

from animeds_db.media import VideoFrame


class StoppedError(Exception):
    """The decoder has failed, so that a clip cannot be finished."""


class Budget:
    """Limits the bytes that wait in all feeds together. A frame above the limit waits until it is alone."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.held = 0
        self.changed = threading.Condition()


class Feed:
    """The frames of one clip: one thread adds them, another iterates over them."""

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self._frames: deque[VideoFrame] = deque()
        self._is_complete = self._is_stopped = self._is_left = False

    def add(self, frame: VideoFrame) -> None:
        """Add a frame; wait while too many bytes are held. A clip that needs no more frames gets none."""
        budget, size = self._budget, _size(frame)
        with budget.changed:
            budget.changed.wait_for(
                lambda: self._is_left or not budget.held or budget.held + size <= budget.most
            )
            if not self._is_left:
                self._frames.append(frame)
                budget.held += size
                budget.changed.notify_all()

    def end(self) -> None:
        """All frames have been added."""
        with self._budget.changed:
            self._is_complete = True
            self._budget.changed.notify_all()

    def stop(self) -> None:
        """No more frames will come, because of an error. Who iterates gets StoppedError."""
        with self._budget.changed:
            self._is_stopped = not self._is_complete
            self._budget.changed.notify_all()

    def leave(self) -> None:
        """Nobody iterates any more: drop the frames that wait."""
        with self._budget.changed:
            self._is_left = True
            self._budget.held -= sum(map(_size, self._frames))
            self._frames.clear()
            self._budget.changed.notify_all()

    def __iter__(self) -> Iterator[VideoFrame]:
        """Yield the frames, waiting for each."""
        while True:
            with self._budget.changed:
                self._budget.changed.wait_for(lambda: self._frames or self._is_complete or self._is_stopped)
                if self._is_stopped:
                    raise StoppedError
                if not self._frames:
                    return
                frame = self._frames.popleft()
                self._budget.held -= _size(frame)
                self._budget.changed.notify_all()
            yield frame


def _size(frame: VideoFrame) -> int:
    return 3 * frame.width * frame.height
