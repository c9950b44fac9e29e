"""Named queries: header, types, whose file wins, and the built-in ones."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tables import add_source, frame, new_store, rows

from animeds_db.errors import QueryError
from animeds_db.session import Session
from animeds_db.session.queries.named import (
    NamedQuery,
    as_relation,
    find,
    list_queries,
    parse,
    read,
    render,
)
from animeds_db.session.query_params import Param, split_list

HEADER = """-- name: mine
-- Frames of a character.
-- Best first,
-- worst last.
-- param character: text
-- param n: int = 50                 how many
-- param threshold: real = 0.35
-- param strict: bool = false        no exceptions
-- param has: list = 1girl, red_hair   tags to have
-- param none: list = []
-- param show: text = 'It''s  a show'    its name
-- param episode: int = null    one only
-- param places: list                where to look
SELECT 1; -- param not: int
"""


def query(text: str) -> NamedQuery:
    return parse(text, Path("mine.sql"))


def test_a_header_is_read() -> None:
    read_back = query(HEADER)
    assert read_back.name == "mine"
    assert read_back.title == "Frames of a character."
    assert read_back.description == "Best first,\nworst last."
    assert read_back.params == (
        Param("character", "text", required=True),
        Param("n", "int", required=False, default=50, help="how many"),
        Param("threshold", "real", required=False, default=0.35),
        Param("strict", "bool", required=False, default=False, help="no exceptions"),
        Param("has", "list", required=False, default=["1girl", "red_hair"], help="tags to have"),
        Param("none", "list", required=False, default=[]),
        Param("show", "text", required=False, default="It's  a show", help="its name"),
        Param("episode", "int", required=False, default=None, help="one only"),
        Param("places", "list", required=True, help="where to look"),
    )
    assert read_back.sql == HEADER


def test_a_query_needs_no_header() -> None:
    bare = query("SELECT 1")
    assert (bare.name, bare.title, bare.params) == ("mine", "", ())


def test_values_are_bound_in_their_types() -> None:
    bound = query(HEADER).bind(
        {
            "character": 7,
            "n": "12",
            "threshold": "1e-2",
            "strict": "yes",
            "has": "a, 'b, c'",
            "places": ["x", 1],
        }
    )
    assert bound == {
        "character": "7",
        "n": 12,
        "threshold": 0.01,
        "strict": True,
        "has": ["a", "b, c"],
        "none": [],
        "show": "It's  a show",
        "episode": None,
        "places": ["x", "1"],
    }


@pytest.mark.parametrize(
    ("given_values", "words", "hint"),
    [
        ({"places": "x"}, "needs a value for character", "-p character="),
        ({"character": "x", "place": "y"}, 'no parameter "place"', 'did you mean "places"'),
        ({"character": "x", "places": "y", "n": "many"}, "needs a whole number for n, not 'many'", None),
        ({"character": "x", "places": "y", "n": 1.5}, "needs a whole number for n, not 1.5", None),
        ({"character": "x", "places": "y", "strict": "perhaps"}, "needs true or false for strict", None),
        ({"character": "x", "places": "y", "threshold": "high"}, "needs a number for threshold", None),
        ({"character": "x", "places": 5}, "needs a list", None),
    ],
)
def test_values_that_do_not_fit_are_named(
    given_values: dict[str, object], words: str, hint: str | None
) -> None:
    with pytest.raises(QueryError, match=words) as caught:
        query(HEADER).bind(given_values)
    assert "mine" in str(caught.value)
    assert hint is None or hint in (caught.value.hint or "")


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("-- name: other", 'The name "other" must be the name of the file'),
        ("-- param", None),
        ("-- param x", "A parameter must be written"),
        ("-- param x: number = 1", '"number" is not a parameter type'),
        ("-- param x: int = many", "many is not a whole number"),
        ("-- param 1x: int", "A parameter must be written"),
        ("-- param a: int", "The parameter a is declared twice"),
    ],
)
def test_a_broken_header_is_told_by_file_and_line(line: str, words: str | None) -> None:
    text = f"-- A title.\n-- param a: int = 1\n{line}\nSELECT $a"
    if words is None:
        assert query(text).description == "param"
        return
    with pytest.raises(QueryError, match=words) as caught:
        query(text)
    assert (caught.value.file, caught.value.line) == ("mine.sql", 3)


words_ = st.text(st.characters(exclude_categories=["Cs", "Cc", "Z"], exclude_characters="-"), min_size=1)
sentences = (
    st.lists(words_, min_size=1, max_size=5)
    .map(" ".join)
    .filter(lambda s: not s.startswith(("name:", "param ", "=")))
)
texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\n\r"))
names = st.from_regex(r"[A-Za-z_]\w{0,9}", fullmatch=True)
defaults: dict[str, st.SearchStrategy[Any]] = {
    "text": texts,
    "int": st.integers(-(2**63), 2**63 - 1),
    "real": st.floats(allow_nan=False),
    "bool": st.booleans(),
    "list": st.lists(texts, max_size=4),
    "tags": st.lists(texts, max_size=4),
    "character": texts,
    "show": texts,
}


@st.composite
def params(draw: st.DrawFn) -> Param:
    kind = draw(st.sampled_from(sorted(defaults)))
    required = draw(st.booleans())
    default = None if required else draw(st.none() | defaults[kind])
    return Param(draw(names), kind, required, default, draw(st.just("") | sentences))


@st.composite
def queries(draw: st.DrawFn) -> NamedQuery:
    title = draw(sentences)
    description = "\n".join(draw(st.lists(sentences, max_size=3)))
    found = tuple(draw(st.lists(params(), max_size=4, unique_by=lambda p: p.name)))
    return NamedQuery("mine", title, description, found, "SELECT 1", Path("mine.sql"))


@given(queries())
def test_what_is_rendered_is_read_back(original: NamedQuery) -> None:
    back = query(render(original))
    assert (back.title, back.description, back.params) == (
        original.title,
        original.description,
        original.params,
    )
    assert render(back) == render(original)


@given(st.lists(texts))
def test_lists_are_split_as_they_were_joined(items: list[str]) -> None:
    assert split_list(", ".join("'" + item.replace("'", "''") + "'" for item in items)) == items


@given(st.lists(st.text(st.characters(categories=["L", "Nd"], include_characters="_:()'-"), min_size=1)))
def test_bare_lists_are_split_at_commas(items: list[str]) -> None:
    plain = [item for item in items if not item.startswith("'")]
    assert split_list(" , ".join(plain)) == plain


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("ANIMEDS_QUERIES", raising=False)
    (tmp_path / "queries").mkdir()
    return tmp_path / "queries"


def test_the_users_query_wins(folder: Path) -> None:
    assert find("sample").path.parent != folder
    (folder / "sample.sql").write_text("-- Mine.\nSELECT 1")
    assert find("sample").title == "Mine."
    assert [q.title for q in list_queries() if q.name == "sample"] == ["Mine."]


def test_the_folder_of_the_setting_wins_over_the_one_here(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "sample.sql").write_text("-- Here.\nSELECT 1")
    (folder / "only_here.sql").write_text("-- Only here.\nSELECT 1")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "sample.sql").write_text("-- Elsewhere.\nSELECT 1")
    monkeypatch.setenv("ANIMEDS_QUERIES", str(tmp_path / "elsewhere"))
    assert find("sample").title == "Elsewhere."
    assert find("only_here").title == "Only here."


def test_an_unknown_query_gets_suggestions(folder: Path) -> None:
    with pytest.raises(QueryError, match='There is no query "by_tag"') as caught:
        find("by_tag")
    assert caught.value.hint == 'did you mean "by_tags"?'


def test_a_broken_file_hides_no_other(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    broken = folder / "broken.sql"
    broken.write_text("-- Broken.\n-- param x: what\nSELECT 1")
    (folder / "binary.sql").write_bytes(b"\xff\xfe\x00")
    with caplog.at_level(logging.WARNING, "animeds"):
        found = [q.name for q in list_queries()]
    assert "by_tags" in found
    assert "broken" not in found
    assert f"{Path('queries', 'broken.sql')}:2" in caplog.text
    with pytest.raises(QueryError, match=r"broken\.sql:2"):
        find("broken")
    with pytest.raises(QueryError, match="Cannot read this query"):
        find("binary")


def test_the_list_of_queries_is_a_relation(folder: Path) -> None:
    relation = as_relation()
    assert relation.columns == ["name", "title", "params", "description", "path"]
    listed = {row[0]: row[2] for row in relation.fetchall()}
    assert listed["sample"] == "n: int = 100, seed: int = 0, copies: bool = false, dropped: bool = false"
    assert {"by_tags", "tag_counts", "episodes", "best_frames", "sample", "status"} <= set(listed)


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
    store = new_store(tmp_path_factory.mktemp("queries"))
    ids = store.ensure_tags([("1girl", "general"), ("red_hair", "general"), ("rei", "character")])
    for number, source in enumerate(("aaaaaaaa", "bbbbbbbb"), start=1):
        add_source(store, source, episode=number, duration_s=90.0, title=source)
        values = [
            frame(
                source,
                i,
                shot=i // 2,
                sharpness=float(i),
                is_blank=i == 3,
                text_lower=0.5 if i == 5 else 0.0,
                tags=[ids["1girl"], ids["rei" if number == 1 else "red_hair"]],
                tag_scores=[90, 30 + 10 * i],
                tagger="tagger@1",
            )
            for i in range(6)
        ]
        store.upsert("frames", rows(store, "frames", *values))
    opened = Session(store)
    yield opened
    opened.close()


def run(session: Session, name: str, **values: object) -> list[tuple[object, ...]]:
    found = find(name, [])
    return session.sql(found.sql, found.bind(values), file=str(found.path)).fetchall()


@pytest.mark.parametrize("named", list_queries([]), ids=lambda q: q.name)
def test_a_built_in_query_declares_its_parameters_and_runs(session: Session, named: NamedQuery) -> None:
    import duckdb

    statements = duckdb.connect().extract_statements(named.sql)
    assert statements[0].named_parameters == {param.name for param in named.params}
    assert named.title.endswith(".")
    assert read(named.path).text.startswith(f"-- name: {named.name}\n")
    if not any(param.required for param in named.params):
        session.arrow(named.sql, named.bind({}), file=str(named.path))


def test_by_tags(session: Session) -> None:
    assert len(run(session, "by_tags")) == 12
    assert len(run(session, "by_tags", has="1girl, red hair")) == 5
    assert len(run(session, "by_tags", has=["1girl"], has_none="red_hair")) == 7
    assert len(run(session, "by_tags", has="red_hair", threshold=0.6)) == 3
    assert len(run(session, "by_tags", has="rei", limit=2)) == 2
    assert run(session, "by_tags", has="nobody") == []


def test_tag_counts(session: Session) -> None:
    assert run(session, "tag_counts") == [
        ("1girl", "general", 12, 1.0, 0.9),
        ("red_hair", "general", 5, 5 / 12, 0.6),
        ("rei", "character", 5, 5 / 12, 0.6),
    ]
    assert [row[0] for row in run(session, "tag_counts", category="character")] == ["rei"]
    assert [row[2] for row in run(session, "tag_counts", threshold=0.8)] == [12, 1, 1]
    assert len(run(session, "tag_counts", limit=1)) == 1


def test_episodes(session: Session) -> None:
    found = run(session, "episodes")
    assert [row[:8] for row in found] == [
        ("Show", 1, 1, "aaaaaaaa", 1.5, 6, 3, 1),
        ("Show", 1, 2, "bbbbbbbb", 1.5, 6, 3, 1),
    ]


def test_best_frames(session: Session) -> None:
    found = run(session, "best_frames", episode=1)
    assert [row[0] for row in found] == ["aaaaaaaa-000004000", "aaaaaaaa-000002000", "aaaaaaaa-000001000"]
    assert len(run(session, "best_frames", per_shot=2)) == 8
    assert len(run(session, "best_frames", per_shot=2, max_text=1)) == 10
    assert run(session, "best_frames", show="Nobody") == []


def test_sample_draws_the_same_frames_for_the_same_seed(session: Session) -> None:
    first = run(session, "sample", n=5)
    assert first == run(session, "sample", n=5)
    assert len(first) == 5
    assert run(session, "sample", n=3) == first[:3]
    assert run(session, "sample", n=5, seed=1) != first
    assert len(run(session, "sample")) == 12
