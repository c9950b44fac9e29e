"""The shipped recipe `anime2sd`, run on the sample show; and the page that says where each of its flags went."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import sampleshow

import animeds_db
from animeds_db.recipes.drafting import shipped_text

PAGE = Path(__file__).parents[1] / "docs" / "recipes.md"
FLAGS = [
    "--process_from_original_tags",
    "--append_dropped_character_tags",
    "--append_dropped_character_tags_wildcard",
    "--drop_all_core",
    "--emb_init_all_core",
    "--emb_min_difficulty",
    "--emb_max_difficulty",
    "--use_existing_core_tag_file",
    "--compute_core_tag_up_levels",
    "--character_outer_sep",
    "--overwrite_emb_init_info",
    "--keep_unnamed_clusters",
    "--max_size",
    "--core_frequency_thresh",
    "--prune_mode",
    "--min_multiply",
]


def test_the_shipped_recipe_makes_a_folder_of_characters_with_multiply_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the keys that its comments offer: unnamed groups of faces are kept, so that nobody has to be asked."""
    monkeypatch.chdir(tmp_path)
    shutil.copytree(sampleshow.database(), "show.animeds")
    changes = {
        "version = 1": 'version = 1\ndatabase = "show.animeds"',
        '"animes"': f'"{sampleshow.episodes().as_posix()}"',
        '"changes"': '"keyframes"',
        "[dedup]": '[models]\nprofile = "tiny"\n\n[dedup]',
        "# keep_unnamed": "keep_unnamed",
        "min_images_per_combination = 10": "min_images_per_combination = 2",
        "min_crop_size = 320": "min_crop_size = 160",  # the sample show is 360 pixels high
    }
    text = shipped_text("anime2sd")
    for old, new in changes.items():
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    Path("recipe.toml").write_text(text, "utf-8")
    made = animeds_db.make("recipe.toml")
    assert made.question is None
    pictures = sorted(Path("training").rglob("*.webp"))
    captions = [path.with_suffix(".txt").read_text("utf-8") for path in pictures]
    assert pictures and {path.relative_to("training").parts[0] for path in pictures} == {"screenshots"}
    assert all("anime screencap" in caption for caption in captions)
    assert any(caption.startswith("unnamed") for caption in captions)
    assert any("person cropped" in caption for caption in captions)
    multiply = {float(path.read_text("utf-8")) for path in Path("training").rglob("multiply.txt")}
    assert min(multiply) >= 1 and max(multiply) <= 100


def test_the_page_says_where_each_flag_went() -> None:
    rows = [
        line.partition(" | ")[0] for line in PAGE.read_text("utf-8").splitlines() if line.startswith("| `--")
    ]
    assert [flag for flag in FLAGS if not any(f"`{flag}`" in row for row in rows)] == []
