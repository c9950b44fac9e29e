"""Interlaced frames, which show two moments in alternate lines, and how they are made whole."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import replace

import av
from av.filter import Graph

from animeds_db.media.frame import VideoFrame


def is_interlaced(frame: VideoFrame) -> bool:
    """Return True if the file says that the frame is interlaced. Hard telecine is marked so too."""
    return bool(frame.decoded.interlaced_frame)


def deinterlaced(frames: Iterable[VideoFrame]) -> Iterator[VideoFrame]:
    """Yield the frames of a stretch with interlaced ones made whole by FFmpeg's bwdif, as many as before.

    Frames that are not interlaced stay as they are.
    """
    graph: Graph | None = None
    waiting: deque[VideoFrame] = deque()
    for frame in frames:
        graph = graph or _graph(frame.decoded)
        waiting.append(frame)
        graph.push(frame.decoded)
        yield from _pulled(graph, waiting)
    if graph is not None:
        graph.push(None)
        yield from _pulled(graph, waiting)


def _graph(first: av.VideoFrame) -> Graph:
    graph = Graph()
    graph.threads = 1
    source = graph.add_buffer(
        width=first.width, height=first.height, format=first.format, time_base=first.time_base
    )
    filtering = graph.add("bwdif", "mode=send_frame:parity=auto:deint=interlaced")
    sink = graph.add("buffersink")
    source.link_to(filtering)
    filtering.link_to(sink)
    graph.configure()
    return graph


def _pulled(graph: Graph, waiting: deque[VideoFrame]) -> Iterator[VideoFrame]:
    while True:
        try:
            made = graph.pull()
        except (av.BlockingIOError, av.EOFError):
            return
        assert isinstance(made, av.VideoFrame)
        made.pts, made.time_base = waiting[0].decoded.pts, waiting[0].decoded.time_base
        # a new object: values that a frame computed once, such as its pixels, are of the picture with comb lines
        yield replace(waiting.popleft(), decoded=made)
