"""Clips for video trainers: exactly the asked frames, sound and lengths, and the same bytes again."""

from __future__ import annotations

import io
import json
import wave
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pyarrow as pa
import pytest
from clipping import FPS, RATE, SHOTS, clip, drawing_of, drawn_database, picture, samples
from export_material import Measured, content
from PIL import Image
from videos import write_video

from animeds_db.captions import CaptionProfile
from animeds_db.cli.clip_options import moving, proposals
from animeds_db.dataset import Dataset
from animeds_db.errors import AnimedsError, ExportError, QueryError, SourceError, UsageError
from animeds_db.export import ClipOptions, CropOptions, rebuild
from animeds_db.export.clips import writing
from animeds_db.export.clips.making import Made, make_clip
from animeds_db.export.manifest import read_manifest
from animeds_db.export.pictures.picture import Picture
from animeds_db.media import Video, plane_array
from animeds_db.media.clips import frames_between

WHOLE = "SELECT shot_id FROM shots WHERE shot < 2 ORDER BY shot"
EXACT: dict[str, Any] = {"fps": None, "frames": "any", "max_frames": None, "lossless": True}


def bare(**options: Any) -> ClipOptions:
    """Options without captions, which take longer to write than these clips."""
    return ClipOptions(captions=False, **options)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Dataset, Measured, list[int]]:
    return drawn_database(tmp_path_factory.mktemp("drawn"))


@pytest.fixture(scope="module")
def dataset(made: tuple[Dataset, Measured, list[int]]) -> Iterator[Dataset]:
    with made[0] as opened:
        yield opened


@pytest.fixture(scope="module")
def pts(made: tuple[Dataset, Measured, list[int]]) -> list[int]:
    return made[2]


def decoded(content: bytes | Path) -> list[av.VideoFrame]:
    source = str(content) if isinstance(content, Path) else io.BytesIO(content)
    with av.open(source, "r") as container:
        return list(container.decode(video=0))


def planes(frame: av.VideoFrame) -> list[bytes]:
    return [plane_array(frame, n).tobytes() for n in range(len(frame.planes))]


def drawings_in(path: Path) -> list[int]:
    """Return which drawing each frame of an exported clip shows, by the nearest of all of them."""
    every = {drawing_of(n): picture(n).astype(int) for n in range(SHOTS[-1][1])}
    with Video(path) as video:
        shown = [frame.pixels().astype(int) for frame in video.frames()]
    return [min(every, key=lambda one: np.abs(every[one] - pixels).sum()) for pixels in shown]


def test_a_lossless_clip_has_the_decoded_frames_bit_for_bit(
    dataset: Dataset, made: Any, pts: list[int], tmp_path: Path
) -> None:
    ids = [clip(pts, 3, 20), clip(pts, 15, 40), clip(pts, 83, 83), clip(pts, 60, 90)]
    report = dataset.export_clips(ids, tmp_path / "out", options=bare(**EXACT))
    assert report.n_pictures == 3 and "1 left out: no ingested frame" in report.notes[0]
    manifest = read_manifest(tmp_path / "out")
    for one in manifest.pictures:
        assert one.clip is not None
        source = frames_between(made[1].path, None, one.clip.first_pts, one.clip.last_pts)
        stored = decoded(tmp_path / "out" / one.path)
        assert [planes(frame) for frame in stored] == [planes(frame.decoded) for frame in source]
        assert len(stored) == one.clip.n_frames


def test_every_clip_has_a_number_of_frames_that_the_trainer_accepts(dataset: Dataset, tmp_path: Path) -> None:
    for fps, frames, most, counts in (
        (24, "8n+1", 33, {33: 2}),
        (12, "5,10,20", None, {10: 1, 20: 1}),
        (16, "4n+1", 81, {21: 1, 29: 1}),
    ):
        options = bare(fps=fps, frames=frames, max_frames=most)
        buckets = dataset.preview_clips(WHOLE, options=options).buckets
        assert {bucket["frames"]: bucket["clips"] for bucket in buckets} == counts
    dataset.export_clips(WHOLE, tmp_path / "out", options=options)
    found = []
    for path in sorted((tmp_path / "out").glob("*.mp4")):
        with av.open(str(path)) as container:
            assert container.streams.video[0].average_rate == fps
            found.append(len(list(container.decode(video=0))))
    assert found == list(counts)


def test_no_drawing_is_doubled_where_the_rate_allows_it(dataset: Dataset, tmp_path: Path) -> None:
    options = bare(fps=12, frames="any", crf=0)
    dataset.export_clips(WHOLE, tmp_path / "out", options=options)
    on_twos, on_ones = sorted((tmp_path / "out").glob("*.mp4"))
    assert drawings_in(on_twos) == list(range(18))
    shown = drawings_in(on_ones)
    assert len(set(shown)) == len(shown) == 24 and shown == sorted(shown)


def test_a_clip_of_a_shot_shows_no_other_shot(dataset: Dataset, tmp_path: Path) -> None:
    options = bare(fps=16, frames="any", crf=0)
    dataset.export_clips("SELECT shot_id FROM shots ORDER BY shot", tmp_path / "out", options=options)
    shots = [
        {number // 100 for number in drawings_in(path)} for path in sorted((tmp_path / "out").glob("*.mp4"))
    ]
    assert shots == [{0}, {1}, {2}]


def test_sound_begins_and_ends_with_the_pictures(dataset: Dataset, pts: list[int], tmp_path: Path) -> None:
    # the decoder gives these frames only at the end of the file
    at_end = bare(fps=None, frames="any", sound="1", wav=True)
    dataset.export_clips([clip(pts, 84, 91)], tmp_path / "end", options=at_end)
    ids = [clip(pts, 30, 61)]
    dataset.export_clips(ids, tmp_path / "in", options=bare(fps=16, frames="any", sound="default"))
    (path,) = (tmp_path / "in").glob("*.mp4")
    with av.open(str(path)) as container:
        heard = sum(frame.samples for frame in container.decode(audio=0))
    assert abs(heard / RATE - 21 / 16) <= 1024 / RATE
    dataset.export_clips(ids, tmp_path / "beside", options=bare(fps=16, frames="any", sound="1", wav=True))
    (path,) = (tmp_path / "beside").glob("*.wav")
    with wave.open(str(path)) as file:
        stored = np.frombuffer(file.readframes(file.getnframes()), "<i2").reshape(-1, 2)
    first = round(30 / FPS * RATE)
    assert (stored == samples()[first : first + round(21 / 16 * RATE)]).all()
    assert not decoded_sound((tmp_path / "beside").glob("*.mp4"))


def decoded_sound(paths: Iterator[Path]) -> list[Any]:
    found = []
    for path in paths:
        with av.open(str(path)) as container:
            found += list(container.streams.audio)
    return found


def test_a_track_that_does_not_exist_is_named_and_a_silent_source_has_no_sound(
    dataset: Dataset, tmp_path: Path
) -> None:
    with pytest.raises(SourceError, match='no track of sound "jpn"'):
        dataset.export_clips(WHOLE, tmp_path / "out", options=bare(sound="jpn"))
    assert not (tmp_path / "out").exists()
    (tmp_path / "silent").mkdir()
    silent, _, _ = drawn_database(tmp_path / "silent", sound=False)
    with silent:
        silent.export_clips(WHOLE, tmp_path / "out", options=bare(sound="jpn"))
    assert not decoded_sound((tmp_path / "out").glob("*.mp4"))


def test_a_manifest_builds_the_same_clips_again(dataset: Dataset, pts: list[int], tmp_path: Path) -> None:
    rows = pa.table(
        {
            "clip_id": [clip(pts, 3, 30), clip(pts, 40, 80)],
            "folder": ["emi", "fate"],
            "filename": ["one.mp4", None],
            "repeats": [2, 1],
            "crop": [[0.0, 0.0, 0.5, 1.0], None],
            "control_id": [clip(pts, 40, 70), clip(pts, 3, 60)],
        }
    )
    options = ClipOptions(fps=16, sound="default", first_frame=True, max_size=48, dialogue=True)
    report = dataset.export_clips(rows, tmp_path / "out", options=options)
    assert report.folders == {"emi": 1, "fate": 1} and report.noun == "clip"
    again = rebuild(tmp_path / "out", tmp_path / "again")
    assert content(tmp_path / "out") == content(tmp_path / "again") and again.differing == ()
    names = {path for path in content(tmp_path / "out") if "/" in path}
    assert {"emi/one.mp4", "emi/one.png", "emi/one.txt", "emi.control/one.mp4"} <= names
    with Image.open(tmp_path / "out" / "emi" / "one.png") as image:
        assert image.size == (36, 48)
    both = [len(decoded(tmp_path / "out" / place / "one.mp4")) for place in ("emi", "emi.control")]
    assert both == [17, 17]


def test_an_interrupted_export_continues_and_ends_with_the_same_bytes(
    dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = bare(fps=12, first_frame=True, workers=1)

    def stop(done: int, total: int) -> None:
        raise KeyboardInterrupt

    every = "SELECT shot_id FROM shots ORDER BY shot"
    with pytest.raises(KeyboardInterrupt):
        dataset.export_clips(every, tmp_path / "out", options=options, progress=stop)
    made: list[str] = []
    make = make_clip

    def counted(frames: Any, picture: Picture, *rest: Any) -> Made:
        made.append(picture.path)
        return make(frames, picture, *rest)

    monkeypatch.setattr(writing, "make_clip", counted)
    dataset.export_clips(every, tmp_path / "out", options=options)
    assert len(made) == 2
    monkeypatch.undo()
    dataset.export_clips(every, tmp_path / "other", options=options)
    assert content(tmp_path / "out") == content(tmp_path / "other")


def test_a_full_disk_leaves_nothing_behind(
    dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = Path.write_bytes

    def full(path: Path, data: bytes) -> int:
        if path.suffix == ".mp4":
            raise OSError(28, "No space left on device")
        return write(path, data)

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(ExportError, match="no space left"):
        dataset.export_clips(WHOLE, tmp_path / "out", options=bare())
    assert list(tmp_path.iterdir()) == []


def test_frames_become_pictures_in_folders(dataset: Dataset, pts: list[int], tmp_path: Path) -> None:
    options = ClipOptions(fps=24, frames="any", frame_folders=True)
    dataset.export_clips([clip(pts, 12, 20)], tmp_path / "out", options=options)
    (folder,) = (tmp_path / "out").glob("*.frames")
    assert [path.name for path in sorted(folder.iterdir())] == [f"{n:04d}.png" for n in range(9)]
    with Image.open(folder / "0003.png") as image:
        assert np.abs(np.asarray(image).astype(int) - picture(15)).mean() < 6
    assert (tmp_path / "out" / folder.with_suffix(".txt").name).is_file()
    assert rebuild(tmp_path / "out", tmp_path / "again").differing == ()


def test_a_dry_run_tells_what_each_bucket_keeps_and_drops(dataset: Dataset, pts: list[int]) -> None:
    rows = ["aaaaaaaa-c0_10000", clip(pts, 1, 3), clip(pts, 13, 35), clip(pts, 50, 62)]
    preview = dataset.preview_clips(rows, options=ClipOptions(frames="9,17", max_size=48))
    assert [(b["width"], b["height"], b["frames"], b["clips"]) for b in preview.buckets] == [
        (48, 32, 9, 1),
        (48, 32, 17, 1),
    ]
    assert [(d["frames"], d["why"]) for d in preview.dropped] == [
        (2, "too short for the smallest number of frames"),
        (8, "too short for the smallest number of frames"),
    ]
    assert any("end earlier than selected" in note for note in preview.notes)
    assert any("cut within" in note for note in preview.notes)


def test_what_people_dropped_is_not_exported(dataset: Dataset, tmp_path: Path) -> None:
    frames = [row[0] for row in dataset.sql("SELECT frame_id FROM frames WHERE time_s >= 1.5").fetchall()]
    dataset.label("frame", "set", "drop", frames)
    try:
        with pytest.raises(ExportError, match="No clip is left"):
            dataset.export_clips("SELECT shot_id FROM shots WHERE shot = 1", tmp_path / "out", options=bare())
    finally:
        dataset.undo()


@pytest.mark.parametrize(
    ("rows", "error", "message"),
    [
        ("SELECT frame_id FROM frames", QueryError, "no column clip_id or shot_id"),
        (["bbbbbbbb-c0_10"], ExportError, "bbbbbbbb-c0_10 is not a clip or shot"),
        (["nonsense"], ExportError, "nonsense is not a clip"),
        ("SELECT shot_id FROM shots WHERE false", ExportError, "selection is empty"),
        ("SELECT shot_id FROM shots WHERE shot = 2", ExportError, "1 left out .too short"),
        ("SELECT shot_id, 'x' AS control_id FROM shots", ExportError, "The control x is not a clip"),
    ],
)
def test_selections_that_cannot_be_exported_are_explained(
    dataset: Dataset, tmp_path: Path, rows: Any, error: type[AnimedsError], message: str
) -> None:
    with pytest.raises(error, match=message):
        dataset.export_clips(rows, tmp_path / "out", options=ClipOptions(frames="13,21"))
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"frames": "4n"}, "frames is 4n"),
        ({"fps": 0}, "fps is 0"),
        ({"wav": True}, "--wav needs"),
        ({"frame_folders": True, "sound": "default"}, "holds no sound"),
        ({"layouts": ("kohya",)}, "kohya cannot hold clips"),
        ({"layouts": ("diffusion-pipe",), "first_frame": True}, "would train on the files beside"),
        ({"layouts": ("ai-toolkit",), "frame_folders": True}, "reads video files"),
    ],
)
def test_options_that_contradict_each_other_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        ClipOptions(**options)


def test_a_source_that_changed_or_was_cut_short_is_refused(tmp_path: Path) -> None:
    dataset, source, pts = drawn_database(tmp_path)
    with dataset:
        data = source.path.read_bytes()
        source.path.write_bytes(data[: len(data) * 2 // 3])
        with pytest.raises(SourceError, match="ends at"):
            dataset.export_clips([clip(pts, 12, 85)], tmp_path / "out", options=bare(frames="any"))
        write_video(source.path, count=92, size=(96, 64))
        with pytest.raises(SourceError, match="is no longer the one that was stored"):
            dataset.export_clips([clip(pts, 12, 60)], tmp_path / "out", options=bare(frames="any"))
    assert not list(tmp_path.glob("*out*"))


def test_interlaced_sources_need_a_word(tmp_path: Path) -> None:
    dataset, _, pts = drawn_database(tmp_path, encoder={"x264-params": "tff=1", "flags": "+ildct+ilme"})
    with dataset:
        ids, options = [clip(pts, 12, 30)], bare(fps=24.0, frames="any")
        with pytest.raises(SourceError, match="interlaced or telecined"):
            dataset.export_clips(ids, tmp_path / "out", options=options)
        dataset.export_clips(ids, tmp_path / "out", options=replace(options, deinterlace=True))
    (path,) = (tmp_path / "out").glob("*.mp4")
    assert len(decoded(path)) == 19


def test_a_variable_frame_rate_needs_a_rate(tmp_path: Path) -> None:
    from export_material import database, encoded_source

    import animeds_db

    path = write_video(tmp_path / "vfr.mkv", count=48, vfr=True)
    store = database(tmp_path / "db.animeds", [encoded_source(path)])
    pts = [frame.pts for frame in Video(path).frames()]
    ids = [clip(pts, 0, 30)]
    with animeds_db.open(store.uri) as dataset:
        with pytest.raises(ExportError, match="variable frame rate"):
            dataset.export_clips(ids, tmp_path / "out", options=bare(fps=None, frames="any"))
        dataset.export_clips(ids, tmp_path / "out", options=bare(fps=8, frames="any"))
    (made,) = (tmp_path / "out").glob("*.mp4")
    expected = int((pts[30] - pts[0]) / 1000 * 8)
    assert abs(len(decoded(made)) - expected) <= 2


def test_captions_tell_what_is_said(dataset: Dataset, made: Any, tmp_path: Path) -> None:
    from animeds_db import schema

    line = dict.fromkeys(schema.LINES.schema.names) | {
        "line_id": "l1", "source_id": "aaaaaaaa", "start_s": 0.1, "end_s": 1.2, "kind": "dialogue",
        "text": "Good morning.", "speaker": "Emi", "track": 2, "layer": 0,
    }  # fmt: skip
    dataset.store.upsert("lines", pa.Table.from_pylist([line], schema.LINES.schema))
    with_words = Dataset(dataset.store)
    with with_words:
        options = ClipOptions(frames="any", dialogue=True, profile=CaptionProfile(activation_tag="waifu"))
        with_words.export_clips(WHOLE, tmp_path / "out", options=options)
    texts = [path.read_text("utf-8") for path in sorted((tmp_path / "out").glob("Drawn*.txt"))]
    assert texts == ['waifu, 1girl, red hair. Emi says: "Good morning."', "waifu, 1girl, red hair"]


def test_rates_of_television_are_exact(dataset: Dataset, pts: list[int], tmp_path: Path) -> None:
    dataset.export_clips(
        [clip(pts, 12, 30)], tmp_path / "out", options=bare(fps=23.976, frames="any", workers=1)
    )
    (path,) = (tmp_path / "out").glob("*.mp4")
    with av.open(str(path)) as container:
        assert container.streams.video[0].average_rate == Fraction(24000, 1001)
    line = json.loads((tmp_path / "out" / "animeds-export.json").read_text())["pictures"][0]
    assert line["clip"]["fps"] == "24000/1001"


def test_the_command_line_proposes_clips_for_its_options() -> None:
    values = moving(True, fps="24", frames="8n+1", max_frames=49, wav=False, crf=None)
    assert values == {"fps": 24.0, "frames": "8n+1", "max_frames": 49}
    sql = proposals({"characters": ["Emi"], "where": "seconds > 1"}, 5, values)
    assert "clips(fps := 24.0, frames := '8n+1', max_s := 2.0416666666666665)" in sql
    assert "WHERE list_has_any(characters, ['Emi']) AND (seconds > 1) ORDER BY" in sql
    assert sql.endswith(" LIMIT 5")
    assert moving(True, fps="source") == {"fps": None}
    for wrong in (
        lambda: moving(False, fps=None, sound="jpn"),
        lambda: moving(True, fps="fast"),
        lambda: proposals({"framing": ["portrait"]}, None, {}),
    ):
        with pytest.raises(UsageError, match="--(audio|fps|framing)"):
            wrong()


def test_a_crop_follows_a_character_through_the_clip(tmp_path: Path) -> None:
    dataset, source, pts = drawn_database(tmp_path, sound=False)
    with dataset:
        seen = {row["frame_id"]: round(row["time_s"] * FPS) for row in source.rows}
        boxes = [
            {
                "detection_id": f"{frame_id}-f0",
                "frame_id": frame_id,
                "source_id": source.source_id,
                "kind": "face",
                "score": 0.9,
                **dict(zip(("left", "top", "right", "bottom"), edges(number), strict=True)),
            }
            for frame_id, number in seen.items()
            if number in (36, 48)
        ]
        names = [
            {name: box[name] for name in ("detection_id", "frame_id", "source_id")}
            | {"character": "Emi", "score": 0.9, "margin": 0.5, "by": "examples"}
            for box in boxes
        ]
        for table, rows in (("detections", boxes), ("identities", names)):
            dataset.store.upsert(table, pa.Table.from_pylist(rows, dataset.store.schema(table).schema))
    with Dataset(dataset.store) as opened:
        options = bare(fps=None, frames="any", crops=CropOptions(kinds=("face",), margin=0.2), crf=0)
        report = opened.export_clips([clip(pts, 36, 48)], tmp_path / "out", options=options)
    assert report.n_pictures == 1
    (one,) = read_manifest(tmp_path / "out").pictures
    assert one.clip is not None and len(one.clip.path) == 2
    with Video(next((tmp_path / "out").glob("*.mp4"))) as video:
        shown = [frame.pixels().astype(int) for frame in video.frames()]
    assert len({pixels.shape for pixels in shown}) == 1 and len(shown) == 13
    # the bright box is 30 pixels wide; smoothing leaves a little of it outside at both ends
    widths = [(pixels[pixels.shape[0] // 2, :, 0] > 200).sum() for pixels in shown]
    assert min(widths[3:-3]) >= 29 and min(widths) >= 18
    assert rebuild(tmp_path / "out", tmp_path / "again").differing == ()


def edges(number: int) -> tuple[float, float, float, float]:
    """Return the bright box of a frame, 0…1."""
    left = (drawing_of(number) % 100 * 5) % 66
    return left / 96, 16 / 64, (left + 30) / 96, 48 / 64


def test_the_training_resolution_is_that_of_the_clips(tmp_path: Path) -> None:
    sizes: list[dict[str, int]] = [
        {},
        {"max_size": 640},
        {"short_edge": 360},
        {"resolution": 768, "max_size": 640},
    ]
    options = [ClipOptions(layouts=("musubi",), **size) for size in sizes]  # type: ignore[arg-type]
    assert [one.settings(one.chosen[0], tmp_path).resolution for one in options] == [512, 480, 360, 768]
