"""Fetching stored frames: bit for bit the same, from any codec, in any order of asking, or a clear refusal."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from pathlib import Path

import av
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from videos import ALL_CLIPS, PACKED, shared_clip, write_clip, write_video

from animeds_db.errors import SourceError
from animeds_db.media import Frame, FrameKey, Video, exact, fetch
from animeds_db.media.decoding import decode_in_order

stored_frames: dict[str, list[FrameKey]] = {}


def stored(name: str) -> list[FrameKey]:
    """What an ingest of all frames would keep of a clip."""
    if name not in stored_frames:
        stored_frames[name] = [key_of(frame) for frame in Video(shared_clip(name)).frames()]
    return stored_frames[name]


def key_of(frame: Frame, *, hash_: str | None = None) -> FrameKey:
    return FrameKey(
        f"aaaaaaaa-{frame.pts:09d}",
        frame.stream,
        frame.pts,
        frame.key_pts,
        None,
        hash_ or frame.content_hash(),
    )


def fetched(name: str, keys: Sequence[FrameKey]) -> list[tuple[FrameKey, Frame]]:
    return list(fetch(str(shared_clip(name)), "video", keys))


@pytest.mark.parametrize("name", ALL_CLIPS)
def test_every_frame_is_found_again_bit_for_bit(name: str) -> None:
    keys = stored(name)
    found = fetched(name, random.Random(5).sample(keys, len(keys)))
    assert sorted(key.pts for key, _ in found) == sorted(key.pts for key in keys)
    assert all(frame.content_hash() == key.content_hash for key, frame in found)
    assert all((f.pts, f.key_pts, f.stream) == (k.pts, k.key_pts, k.stream) for k, f in found)


@pytest.mark.parametrize("name", ALL_CLIPS)
def test_single_frames_are_found_again(name: str) -> None:
    keys = stored(name)
    key_frames = [key for key in keys if key.pts == key.key_pts]
    others = random.Random(name).sample([key for key in keys if key.pts != key.key_pts] or keys, 3)
    for key in [key_frames[-1], key_frames[1], keys[-1], *others]:
        [(_, frame)] = fetched(name, [key])
        assert frame.content_hash() == key.content_hash
        assert frame.is_keyframe == (key in key_frames)


@pytest.mark.parametrize(
    "name", ["h264 open", "h264 open mp4", "h264 open ts", "hevc open", "mpeg2 ts", "vfr open"]
)
def test_leading_pictures_of_an_open_gop_are_found_from_the_key_frame_before(name: str) -> None:
    with av.open(str(shared_clip(name))) as container:
        latest, leading = None, []
        for packet in container.demux(video=0):
            if packet.is_keyframe:
                latest = packet.pts
            elif packet.pts is not None and latest is not None and packet.pts < latest:
                leading.append(packet.pts)
    keys = [key for key in stored(name) if key.pts in leading]
    assert len(keys) >= 3, "the clip has no open GOP"
    for key in keys:
        assert key.key_pts < key.pts
        assert len(fetched(name, [key])) == 1


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
@pytest.mark.parametrize("name", ["h264 open ts", "hevc open", "mpeg2 ps", PACKED])
def test_any_selection_comes_back_complete(name: str, data: st.DataObject) -> None:
    keys = stored(name)
    chosen = data.draw(st.lists(st.sampled_from(keys), max_size=12))
    found = [key for key, _ in fetched(name, chosen)]
    assert sorted(found, key=repr) == sorted(chosen, key=repr)
    if name != PACKED:
        assert [key.pts for key in found] == sorted(key.pts for key in chosen)


def test_a_stretch_is_decoded_once_and_unwanted_gops_not_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    decoded = []

    def counting(*arguments: object) -> Iterator[av.VideoFrame]:
        for frame in decode_in_order(*arguments):  # type: ignore[arg-type]
            decoded.append(frame.pts)
            yield frame

    monkeypatch.setattr(exact, "decode_in_order", counting)
    keys = stored("h264 closed")
    fetched("h264 closed", keys)
    assert len(decoded) == 48

    decoded.clear()
    fetched("h264 closed", [keys[3], keys[9], keys[40]])
    assert max(decoded.count(pts) for pts in decoded) == 1
    assert len(decoded) <= 10 + 5 + 2

    decoded.clear()
    fetched("h264 closed", [key for key in keys if key.pts == key.key_pts])
    assert decoded == []  # key frames are decoded alone


def test_a_frame_stored_as_a_key_frame_of_a_stream_that_lies_is_found_from_the_start(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mkv", gop=12)
    frames = list(Video(path).frames())
    # As after a remux that moved a key flag: the key frame named is none.
    keys = [FrameKey("x", 0, f.pts, frames[14].pts, None, f.content_hash()) for f in frames[14:20]]
    assert [frame.pts for _, frame in fetch(str(path), "video", keys)] == [f.pts for f in frames[14:20]]


@pytest.mark.parametrize("name", ["h264 open", "hevc 10-bit"])
def test_frames_of_a_file_without_an_index_are_found(tmp_path: Path, name: str) -> None:
    path = write_clip(tmp_path, name, muxer={"live": "1", "cluster_time_limit": "300"})
    with av.open(str(path)) as container:
        assert len(container.streams.video[0].index_entries) <= 1  # what opening came across
    keys = [key_of(frame) for frame in Video(path).frames()]
    for chosen in (keys, keys[::9], [keys[40]], [key for key in keys if key.pts == key.key_pts][2:]):
        assert [key for key, _ in fetch(str(path), "video", chosen)] == list(chosen)


def test_the_same_frame_may_be_wanted_twice() -> None:
    key = stored("h264 closed")[5]
    twin = FrameKey("other", key.stream, key.pts, key.key_pts, None, key.content_hash)
    assert {key.frame_id for key, _ in fetched("h264 closed", [key, twin])} == {key.frame_id, "other"}


def test_nothing_wanted_is_nothing_done(tmp_path: Path) -> None:
    assert list(fetch(str(tmp_path / "gone.mkv"), "video", [])) == []


@pytest.mark.parametrize("position", [0, 7, 12, 47])
def test_a_changed_file_is_refused_with_file_frame_and_way_out(tmp_path: Path, position: int) -> None:
    path = write_video(tmp_path / "a.mkv")
    key = key_of(list(Video(path).frames())[position])
    write_video(path, options={"crf": "45"})
    with pytest.raises(SourceError, match="no longer the one that was stored") as caught:
        list(fetch(str(path), "video", [key]))
    assert str(path) in caught.value.message
    assert key.frame_id in caught.value.message
    assert "ingest" in str(caught.value.hint)


def test_a_file_cut_short_since_is_refused_at_the_frame_that_is_gone(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mkv")
    keys = [key_of(frame) for frame in Video(path).frames()]
    write_video(path, count=24)
    found: list[object] = []
    with pytest.raises(SourceError, match=f"{keys[47].frame_id}.*no longer exists"):
        found.extend(fetch(str(path), "video", [keys[47]]))
    assert found == []


def test_a_missing_file_is_named() -> None:
    with pytest.raises(SourceError, match="gone.mkv does not exist"):
        list(fetch("/nowhere/gone.mkv", "video", stored("h264 closed")[:1]))


def test_a_stream_that_is_gone_is_named() -> None:
    key = FrameKey("x", 7, 0, 0, None, "0" * 32)
    with pytest.raises(SourceError, match="no longer has video stream 7"):
        fetched("h264 closed", [key])
