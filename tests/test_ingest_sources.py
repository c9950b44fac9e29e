"""What discover finds under files and folders, and when two sources are the same."""

from __future__ import annotations

import os
import tarfile
import zipfile
from pathlib import Path
from typing import cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from animeds_db.errors import SourceError, UsageError
from animeds_ingest.sources import SourceSpec, content_hash, discover, fingerprint


def put(root: Path, *names: str, data: bytes = b"x") -> Path:
    """Write files of these names below a folder."""
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return root


def found(root: Path, **overrides: object) -> list[tuple[str, str]]:
    specs = discover([root], **overrides)  # type: ignore[arg-type]
    return [(cast(Path, spec.path).relative_to(root).as_posix(), spec.kind) for spec in specs]


def test_a_folder_of_episodes_gives_one_source_each_in_natural_order(tmp_path: Path) -> None:
    put(tmp_path, "Show - 10.mkv", "Show - 9.MKV", "Show - 1.mp4", "readme.txt", "Show - 1.ass")
    assert found(tmp_path) == [(f"Show - {n}", "video") for n in ("1.mp4", "9.MKV", "10.mkv")]
    assert [spec.name.episode for spec in discover([tmp_path])] == [1, 9, 10]


def test_folders_are_searched_on_every_level_and_names_may_be_anything(tmp_path: Path) -> None:
    put(tmp_path, "[組] 番組 (2012) [1080p]/Season 2/第03話 「題」.mkv", "a b/Ünï'c\"ode.WebM")
    specs = discover([tmp_path])
    assert [(s.name.show, s.name.season, s.name.episode) for s in specs] == [
        ("番組", 2, 3),
        ("Ünï'c\"ode", None, None),
    ]


def test_all_pictures_of_a_folder_are_one_source(tmp_path: Path) -> None:
    put(tmp_path, "1.png", "sub/2.JPG", "sub/deeper/3.webp")
    assert found(tmp_path) == [(".", "images")]


def test_a_mixed_folder_gives_its_videos_and_its_pictures(tmp_path: Path) -> None:
    put(tmp_path, "Show - 01.mkv", "caps/1.png", "caps/2.png")
    assert found(tmp_path) == [("Show - 01.mkv", "video"), (".", "images")]


@pytest.mark.parametrize(
    ("name", "text", "kind"),
    [
        ("metadata.jsonl", '\ufeff\n{"file_name": "1.png", "text": "a"}\n', "imagefolder"),
        ("metadata.csv", "file_name,text\n1.png,a\n", "imagefolder"),
        ("sub/metadata.csv", "file_name,text\n2.png,a\n", "imagefolder"),
        ("metadata.csv", "name,text\n1.png,a\n", "images"),
        ("metadata.jsonl", "not json", "images"),
        ("metadata.jsonl", "", "images"),
        ("captions.jsonl", '{"file_name": "1.png"}', "images"),
    ],
)
def test_a_metadata_file_with_file_name_makes_an_imagefolder(
    tmp_path: Path, name: str, text: str, kind: str
) -> None:
    put(tmp_path, "1.png", "sub/2.png")
    (tmp_path / name).write_text(text, encoding="utf-8")
    assert found(tmp_path) == [(".", kind)]


def test_archives_of_pictures_are_sources_and_those_of_fonts_are_not(tmp_path: Path) -> None:
    put(tmp_path, "caps.tar.gz", "broken.zip")
    for name, member in (("caps.zip", "a/1.PNG"), ("fonts.zip", "Arial.ttf")):
        with zipfile.ZipFile(tmp_path / name, "w") as archive:
            archive.writestr(member, b"x")
    assert found(tmp_path) == [("broken.zip", "archive"), ("caps.tar.gz", "archive"), ("caps.zip", "archive")]


def test_hidden_files_and_databases_are_passed_over(tmp_path: Path) -> None:
    put(
        tmp_path,
        "Show - 01.mkv",
        ".hidden.mkv",
        ".cache/02.mkv",
        "show.animeds/03.mkv",
        "show.animeds/t/1.png",
    )
    assert found(tmp_path) == [("Show - 01.mkv", "video")]


def test_a_file_is_taken_as_given_whatever_its_name(tmp_path: Path) -> None:
    put(tmp_path, ".hidden.mkv", "video.bin", "one.png", "caps.cbz")
    for name, kind in (
        (".hidden.mkv", "video"),
        ("video.bin", "video"),
        ("one.png", "images"),
        ("caps.cbz", "archive"),
    ):
        assert [spec.kind for spec in discover([tmp_path / name])] == [kind]


def test_what_is_named_twice_is_one_source(tmp_path: Path) -> None:
    put(tmp_path, "Show - 01.mkv", "Show - 02.mkv")
    (tmp_path / "link.mkv").symlink_to(tmp_path / "Show - 01.mkv")
    specs = discover([tmp_path / "Show - 02.mkv", tmp_path, tmp_path / "Show - 01.mkv"])
    assert [spec.path.resolve().name for spec in specs] == ["Show - 02.mkv", "Show - 01.mkv"]


def test_a_folder_with_nothing_in_it_says_what_was_looked_for(tmp_path: Path) -> None:
    put(tmp_path, "readme.txt", ".hidden.mkv")
    with pytest.raises(SourceError, match="contains nothing to ingest") as caught:
        discover([tmp_path])
    assert str(tmp_path) in str(caught.value)
    assert all(word in (caught.value.hint or "") for word in ("mkv", "avif", "tar.gz"))


def test_a_missing_path_is_named(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="Shwo does not exist") as caught:
        discover([tmp_path / "Shwo"])
    assert str(tmp_path) in (caught.value.hint or "")


@pytest.mark.skipif(getattr(os, "geteuid", lambda: 0)() == 0, reason="root may read everything")
def test_a_folder_without_permission_is_named(tmp_path: Path) -> None:
    put(tmp_path, "closed/01.mkv")
    (tmp_path / "closed").chmod(0)
    try:
        with pytest.raises(SourceError, match="permission denied"):
            discover([tmp_path])
    finally:
        (tmp_path / "closed").chmod(0o700)


def test_what_is_given_takes_the_place_of_what_the_name_tells(tmp_path: Path) -> None:
    put(tmp_path, "Show - S01E02.mkv")
    [spec] = discover(
        [tmp_path],
        show="Other",
        season=3,
        episode=4,
        title="T",
        credit="Studio",
        licence="CC0",
        url="https://example.org",
        image_type="fanart",
    )
    name = spec.name
    assert (name.show, name.season, name.episode, name.title) == ("Other", 3, 4, "T")
    assert (spec.credit, spec.licence, spec.url, spec.image_type) == (
        "Studio",
        "CC0",
        "https://example.org",
        "fanart",
    )
    assert discover([tmp_path], episode=0)[0].name.episode == 0


def test_values_that_make_no_sense_are_refused(tmp_path: Path) -> None:
    put(tmp_path, "Show - 01.mkv", "Show - 02.mkv")
    with pytest.raises(UsageError, match="fan_art") as caught:
        discover([tmp_path], image_type="fan_art")
    assert "fanart" in (caught.value.hint or "")
    with pytest.raises(UsageError, match="season must be 0 or more, not -1"):
        discover([tmp_path], season=-1)
    with pytest.raises(UsageError, match="2 videos cannot all have the episode 3"):
        discover([tmp_path], episode=3)


def spec_of(path: Path) -> SourceSpec:
    return discover([path])[0]


def test_content_is_the_same_wherever_it_lies(tmp_path: Path) -> None:
    data = os.urandom(5 * 2**20)
    put(tmp_path, "a/Show - 01.mkv", "b/renamed.mkv", data=data)
    one, two = spec_of(tmp_path / "a/Show - 01.mkv"), spec_of(tmp_path / "b/renamed.mkv")
    assert content_hash(one) == content_hash(two)
    assert len(content_hash(one)) == 32


def test_another_size_start_or_end_is_other_content(tmp_path: Path) -> None:
    data = bytes(5 * 2**20)
    variants = [data, data + b"\0", b"\1" + data[1:], data[:-1] + b"\1"]
    for i, variant in enumerate(variants):
        put(tmp_path, f"{i}.mkv", data=variant)
    assert len({content_hash(spec) for spec in discover([tmp_path])}) == len(variants)


@settings(max_examples=30, deadline=None)
@given(st.binary(max_size=300), st.integers(0, 400))
def test_any_changed_byte_of_a_small_file_is_other_content(
    tmp_path_factory: pytest.TempPathFactory, data: bytes, place: int
) -> None:
    root = tmp_path_factory.mktemp("pair")
    changed = bytearray(data or b"x")
    changed[place % len(changed)] ^= 1
    put(root, "a.mkv", data=data or b"x")
    put(root, "b.mkv", data=bytes(changed))
    one, two = discover([root])
    assert content_hash(one) != content_hash(two)


def test_a_folder_of_pictures_is_known_by_names_and_bytes(tmp_path: Path) -> None:
    for folder in ("a", "moved"):
        put(tmp_path / folder, "1.png", "sub/2.png", data=b"picture")
        put(tmp_path / folder, "notes.txt", data=folder.encode())
    one, two = spec_of(tmp_path / "a"), spec_of(tmp_path / "moved")
    before = content_hash(one)
    assert content_hash(two) == before
    put(tmp_path / "moved", "3.png")
    assert content_hash(two) != before
    (tmp_path / "a/1.png").write_bytes(b"Picture")
    assert content_hash(one) != before


def test_the_fingerprint_changes_with_size_time_or_number_of_files(tmp_path: Path) -> None:
    put(tmp_path, "1.png", "2.png")
    spec = spec_of(tmp_path)
    marks = [fingerprint(spec)]
    assert fingerprint(spec) == marks[0]
    os.utime(tmp_path / "1.png", ns=(1, 1))
    marks.append(fingerprint(spec))
    put(tmp_path, "3.png")
    marks.append(fingerprint(spec))
    (tmp_path / "2.png").rename(tmp_path / "4.png")
    marks.append(fingerprint(spec))
    assert len(set(marks)) == len(marks)


def test_a_renamed_file_keeps_its_fingerprint(tmp_path: Path) -> None:
    put(tmp_path, "a.mkv")
    before = fingerprint(spec_of(tmp_path / "a.mkv"))
    (tmp_path / "a.mkv").rename(tmp_path / "b.mkv")
    assert fingerprint(spec_of(tmp_path / "b.mkv")) == before


def test_a_file_that_went_away_is_named(tmp_path: Path) -> None:
    put(tmp_path, "a.mkv")
    spec = spec_of(tmp_path)
    (tmp_path / "a.mkv").unlink()
    for ask in (content_hash, fingerprint):
        with pytest.raises(SourceError, match="a.mkv does not exist"):
            ask(spec)


def test_a_tar_given_by_name_is_an_archive(tmp_path: Path) -> None:
    put(tmp_path, "1.png")
    with tarfile.open(tmp_path / "caps.tar", "w") as archive:
        archive.add(tmp_path / "1.png", "1.png")
    assert spec_of(tmp_path / "caps.tar").kind == "archive"
