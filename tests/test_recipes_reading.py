"""Recipes are checked before any work is done, and an error names the file, the line and the key."""

from __future__ import annotations

import json
import re
import sys
import tomllib
from pathlib import Path

import importlib_resources
import pytest

from animeds_db.errors import UsageError
from animeds_db.recipes import Making, parse
from animeds_db.recipes.building import export_of, exports_of, selection_of
from animeds_db.recipes.drafting import ShortForm, draft, recipe_of, shipped_names, shipped_text, write_recipe
from animeds_db.recipes.edits import rewrite, with_names
from animeds_db.recipes.json_schema import json_schema
from animeds_db.recipes.keys import TOP, sections
from animeds_db.recipes.lines import line_of

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "recipes.md").read_text("utf-8")
GOOD = """\
version = 1
[[sources]]
paths = ["episodes"]

[select]
characters = ["Emi"]
count = 12

[captions]
profile = "kohya"
max_tags = 5

[[export]]
folder = "first"

[[export]]
folder = "second"
layouts = "kohya"
[export.captions]
activation_tag = "emi"
"""


def refused(old: str, new: str) -> UsageError:
    """Return the error about the recipe with one line changed."""
    assert old in GOOD
    with pytest.raises(UsageError) as caught:
        exports_of(parse(GOOD.replace(old, new), Path("my.toml")))
    return caught.value


def test_a_recipe_says_which_options_its_exports_have() -> None:
    recipe = parse(GOOD, Path("/somewhere/my.toml"))
    first, second = exports_of(recipe)
    assert first.folder == "/somewhere/first" and first.options.layouts == ("plain",)
    assert first.options.profile.keep_tokens_separator == "|||" and first.options.profile.max_tags == 5
    assert second.options.layouts == ("kohya",)
    assert second.options.profile.activation_tag == "emi" and second.options.profile.max_tags == 0
    chosen = selection_of(recipe, 0)
    assert chosen.query == "character_set" and chosen.params == {"characters": ["Emi"], "count": 12}


def test_a_wrong_type_names_the_line_and_the_key() -> None:
    error = refused("count = 12", 'count = "many"')
    assert error.message.startswith('my.toml:7: select.count: "many" is not valid here.')
    assert "a whole number" in error.message


def test_an_unknown_key_is_told_with_the_close_ones() -> None:
    error = refused("count = 12", "cuont = 12")
    assert error.message.startswith("my.toml:7: select.cuont") and '"count"' in str(error.hint)
    error = refused("[select]", "[selekt]")
    assert error.message.startswith("my.toml:5: selekt") and '"select"' in str(error.hint)
    error = refused('layouts = "kohya"', 'layout = "kohya"')
    assert error.message.startswith("my.toml:18: export.layout") and '"layouts"' in str(error.hint)


def test_a_value_that_is_not_known_names_the_key() -> None:
    assert refused('layouts = "kohya"', 'layouts = "koya"').message.startswith("my.toml:16: export")
    error = refused('profile = "kohya"', 'profile = "koha"')
    assert "captions" in error.message and '"kohya"' in str(error.hint)
    assert "between 1 and 100" in refused('layouts = "kohya"', "quality = 0").message
    error = refused('layouts = "kohya"', 'image = "gif"')
    assert error.message == 'my.toml:18: export.image: "gif" is not one of png, webp, jpg.'


def test_a_recipe_of_a_newer_version_is_refused() -> None:
    error = refused("version = 1", "version = 99")
    assert "my.toml:1: version" in error.message and "version 99" in error.message
    assert "upgrade" in str(error.hint)


def test_a_missing_key_is_named() -> None:
    error = refused('folder = "second"', "max_size = 512")
    assert error.message.startswith("my.toml:16: export: The key folder is missing.")


def test_two_exports_need_two_folders() -> None:
    error = refused('folder = "second"', 'folder = "./first/"')
    assert error.message.startswith("my.toml:17: export.folder: Two exports of this recipe write to")


def test_a_selection_is_a_query_or_sql_or_conditions() -> None:
    error = refused("count = 12", 'sql = "SELECT frame_id FROM kept"')
    assert "sql and characters cannot be combined" in error.message
    error = refused('characters = ["Emi"]\ncount = 12', 'query = "by_tag"')
    assert "There is no query" in error.message and '"by_tags"' in str(error.hint)
    error = refused('characters = ["Emi"]\ncount = 12', 'query = "by_tags"\nparams = { hsa = ["1girl"] }')
    assert 'no parameter "hsa"' in error.message


def test_invalid_toml_and_a_missing_file_are_explained(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"my.toml is not valid TOML: .*line 2"):
        parse("version = 1\nname = \n", Path("my.toml"))
    with pytest.raises(UsageError, match="There is no recipe") as caught:
        Making(tmp_path / "none.toml")
    assert "animeds init" in str(caught.value.hint)


def test_the_line_of_a_key_is_found_in_lists_and_dotted_keys() -> None:
    text = '[[a]]\nx = 1\n[[a]]\n"x" = 2\n[a.b]\ny.z = 3\n'
    assert line_of(text, ("a", 0, "x")) == 2
    assert line_of(text, ("a", 1, "x")) == 4
    assert line_of(text, ("a", 1, "b", "y", "z")) == 6
    assert line_of(text, ("a", 1, "b", "unknown")) == 5
    assert line_of(text, ("nothing",)) is None


def test_the_shipped_schema_is_that_of_the_declaration() -> None:
    file = importlib_resources.files("animeds_db.recipes").joinpath("recipe.schema.json")
    write = "python -m animeds_db.recipes.json_schema > animeds_db/recipes/recipe.schema.json"
    assert file.read_text("utf-8") == json_schema(), f"A key was changed. Write the schema again: {write}"
    properties = json.loads(json_schema())["definitions"]
    assert set(properties) == set(sections())
    assert "count" in properties["select"]["properties"]


@pytest.mark.parametrize("name", ["anime2sd", "screencaps", "screenshot-pipeline", "tag-guide"])
def test_a_shipped_recipe_is_valid(name: str) -> None:
    assert name in shipped_names() and f"`{name}`" in PAGE
    recipe = parse(shipped_text(name), Path(f"{name}.toml"))
    assert exports_of(recipe) and recipe.text.startswith("#:schema ")
    again = re.sub(
        r"^# (\w+ = |\[\[)", r"\1", recipe.text, flags=re.MULTILINE
    )  # what is commented out is valid, too
    assert exports_of(parse(again, recipe.path))


def test_the_page_explains_every_key() -> None:
    bar = "\\|"
    for key in TOP:
        assert f"| `{key.name}` | {key.help} |" in PAGE
    for name, section in sections().items():
        part = PAGE.partition(f"### `[[{name}]]`" if section.is_list else f"### `[{name}]`")[2].partition(
            "\n### "
        )[0]
        for key in section.keys:
            is_setting = name == "captions" and key.help.startswith(
                "The setting "
            )  # docs/captions.md has those
            assert is_setting or f"| `{key.name}` | {key.help.replace('|', bar)} |" in part, (name, key.name)


def test_the_recipe_of_the_page_is_valid() -> None:
    text = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)[0]
    assert exports_of(parse(text, Path("recipe.toml")))


def test_names_are_added_to_a_recipe_and_its_comments_stay() -> None:
    text = with_names("# mine\n[dedup]\n", {"aaaa-1-f0": "Emi"}, "cluster 3")
    text = with_names(text, {"bbbb-1-f0": 'A "b"'}, "cluster 5")
    text = with_names(text, {"aaaa-1-f0": "Aoi"}, "cluster 3")
    assert text.startswith("# mine\n[dedup]\n") and "# cluster 5" in text
    assert tomllib.loads(text)["characters"]["clusters"] == {"aaaa-1-f0": "Aoi", "bbbb-1-f0": 'A "b"'}


def test_a_draft_is_valid_and_says_what_was_found(tmp_path: Path) -> None:
    show = tmp_path / "My Show"
    show.mkdir()
    for number in (1, 2):
        (show / f"My Show - S01E0{number}.mkv").write_bytes(b"")
    (tmp_path / "examples").mkdir()
    recipe = tmp_path / "recipe.toml"
    text = draft(show, recipe)
    assert "# Found: 2 episodes." in text and 'show = "My Show"' in text and 'examples = ["examples"]' in text
    content = parse(text, recipe)
    assert content.sources[0]["paths"] == ["My Show"] and export_of(content, 0).options.layouts == ("kohya",)
    assert "@" not in text
    write_recipe(text, recipe)
    with pytest.raises(UsageError, match="exists already"):
        write_recipe(text, recipe)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no limit on the size of files")
def test_a_recipe_is_whole_when_the_disk_takes_only_a_part_of_its_change(tmp_path: Path) -> None:
    import resource

    path = tmp_path / "recipe.toml"
    path.write_text("version = 1\n# my own notes\n", "utf-8")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10, hard))
    try:
        with pytest.raises(UsageError, match=r"recipe\.toml cannot be written"):
            rewrite("version = 1\n# other notes\n", path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert path.read_text("utf-8") == "version = 1\n# my own notes\n"
    assert [file.name for file in tmp_path.iterdir()] == ["recipe.toml"]


def test_a_short_form_becomes_a_recipe_that_can_change(tmp_path: Path) -> None:
    def short_form(count: int) -> ShortForm:
        return ShortForm(
            (str(tmp_path / "episodes"),),
            f"{tmp_path}/out/",
            ("Emi",),
            count,
            "appearance",
            ("kohya",),
            "emi",
            "tiny",
        )

    path, is_new = recipe_of(short_form(12))
    assert path == tmp_path / "out.toml" and is_new
    recipe = parse(path.read_text("utf-8"), path)
    assert recipe.sources[0]["paths"] == ["episodes"] and recipe.exports[0]["folder"] == "out"
    assert recipe.section("select") == {"characters": ["Emi"], "count": 12, "per": "appearance"}
    path.write_text(with_names(path.read_text("utf-8"), {"3": "Emi"}, "cluster 3"), "utf-8")
    assert recipe_of(short_form(12)) == (path, False)
    assert recipe_of(short_form(20)) == (path, True)
    content = parse(path.read_text("utf-8"), path).content
    assert content["select"]["count"] == 20 and content["characters"]["clusters"] == {"3": "Emi"}
    path.write_text(path.read_text("utf-8") + "[[export]]\nfolder = 'b'\nmax_size = 9\n", "utf-8")
    with pytest.raises(UsageError, match=r"export.max_size"):
        recipe_of(short_form(12))
