"""Captions for the pictures of a plan, written by SQL (sql/tables/caption_words.sql)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from animeds_db.captions import CaptionProfile
from animeds_db.captions.tokens import count_tokens, load_tokenizer
from animeds_db.session.scripts import sql_script

if TYPE_CHECKING:
    from animeds_db.session import Session

_ONE_EACH = "SELECT picture, caption FROM {captions} ORDER BY picture"
_VARIANTS = """
SELECT picture, string_agg(caption, chr(10) ORDER BY variant) AS caption
FROM (SELECT picture, caption, min(variant) AS variant FROM {captions} GROUP BY ALL)
GROUP BY picture ORDER BY picture
"""
"""The captions of each picture; equal ones are written once."""
_LISTS = "listed_captions('pictures', 'caption_style')"
_ALL_FORMS = "captions_of('pictures', 'caption_style')"
_WITH_MORE = "captions_of('pictures', 'caption_style', more := 'more')"
_MORE = "WITH more AS (FROM more_about('pictures', 'caption_style')) "


def as_pictures(plan: pa.Table) -> pa.Table:
    """Return a plan as described() reads it: numbered (`picture`), and with the tags of crops (`picture_tags`)."""
    tags = plan["tags"]
    # The tags of a whole frame are looked up, which keeps the order of the tagger. Those of a crop were computed.
    cropped = pc.is_valid(plan["crop_kind"])
    own = pc.if_else(cropped, tags, pa.nulls(plan.num_rows, tags.type))
    numbers = pa.array(range(plan.num_rows), pa.int64())
    return plan.append_column("picture", numbers).append_column("picture_tags", own).drop_columns(["tags"])


def captioned(
    session: Session,
    plan: pa.Table,
    profile: CaptionProfile,
    *,
    settled: bool = False,
    form: str | None = None,
) -> pa.Table:
    """Return a plan (export.PLAN) in which every picture has a caption. Captions of the selection are kept.

    A picture with a `caption_profile` has the caption of that profile. Variants are separated by line breaks; equal
    ones are written once. settled: without anything random. form: that of all captions, instead of the profile's.
    Raises UsageError for a profile that is not shipped.
    """
    names = plan["caption_profile"]
    parts, places = [plan.slice(0, 0)], [pa.array([], pa.uint64())]
    for name in pc.unique(names).to_pylist():
        is_of_it = pc.is_null(names) if name is None else pc.fill_null(pc.equal(names, name), False)
        mine = profile if name is None else profile.in_dialect(name)
        mine = mine.settled() if settled else mine
        parts.append(_captioned(session, plan.filter(is_of_it), replace(mine, form=form or mine.form)))
        places.append(pc.indices_nonzero(is_of_it))
    return pa.concat_tables(parts).take(pc.sort_indices(pa.concat_arrays(places)))


def _captioned(session: Session, plan: pa.Table, profile: CaptionProfile) -> pa.Table:
    if "core" in profile.leave_out:
        profile = replace(profile, core_tags=_core_tags(session) | dict(profile.core_tags))
    script = _script(profile)
    tables = {"caption_style": profile.table()}
    parts = session.in_parts(script, "pictures", as_pictures(plan), tables)
    made = pa.chunked_array([column for part in parts for column in part["caption"].chunks], pa.string())
    place = plan.column_names.index("caption")
    return plan.set_column(place, plan.schema.field("caption"), pc.coalesce(plan["caption"], made))


def _script(profile: CaptionProfile) -> str:
    """Return the statement that writes the captions of a profile: picture, caption."""
    select = _ONE_EACH if profile.variants == 1 else _VARIANTS
    if profile.needs_more:
        return _MORE + select.format(captions=_WITH_MORE)
    return select.format(captions=_LISTS if profile.is_plain else _ALL_FORMS)


def documented(
    session: Session,
    plan: pa.Table,
    profile: CaptionProfile,
    kinds: Sequence[str],
    *,
    given: pa.ChunkedArray,
) -> pa.Table:
    """Return a plan with the texts of sidecars that the profile writes (`documents`): bbox, nl, variants.

    given: the captions of the selection, which have no variants.
    """
    if not kinds:
        return plan
    bare = plan.set_column(
        plan.column_names.index("caption"),
        plan.schema.field("caption"),
        pa.nulls(plan.num_rows, pa.string()),
    )
    columns: dict[str, list[str]] = {}
    for kind in kinds:
        if kind == "variants":
            made = captioned(session, bare, profile)["caption"]
            lines = pc.if_else(pc.is_valid(given), "", made).to_pylist()
            texts = zip(plan["caption"].to_pylist(), lines, strict=True)
            columns[kind] = [_variants(first, more) for first, more in texts]
        else:
            made = captioned(session, bare, profile, settled=True, form=kind)["caption"]
            columns[kind] = made.to_pylist()
    rows = [dict(zip(columns, texts, strict=True)) for texts in zip(*columns.values(), strict=True)]
    field = plan.schema.field("documents")
    values = pa.array([list(row.items()) for row in rows], field.type)
    return plan.set_column(plan.column_names.index("documents"), field, values)


def _variants(first: str, more: str) -> str:
    """Return a caption and its variants as trainers of Anima read them: a label, a tab and the text in each line."""
    texts = [first, *(line for line in more.split("\n") if line and line != first)]
    return "".join(f"v{number}\t{text}\n" for number, text in enumerate(texts))


def faults(
    session: Session,
    captions: Sequence[Mapping[str, Any]],
    profile: CaptionProfile,
    *,
    tokenizer: str | None = None,
    max_tokens: int = 75,
) -> list[dict[str, Any]]:
    """Return the faults in captions (frame_id, caption): frame_id, fault, words, caption. See the SQL file.

    Every line of a caption is a caption. tokenizer, max_tokens: see Dataset.check_captions.
    """
    lines = [(row["frame_id"], line) for row in captions for line in row["caption"].split("\n")]
    frames, texts = [frame for frame, _ in lines], [line for _, line in lines]
    lengths = None if tokenizer is None else count_tokens(load_tokenizer(tokenizer), texts)
    columns = {
        "frame_id": pa.array(frames, pa.string()),
        "caption": pa.array(texts, pa.string()),
        "n_tokens": pa.nulls(len(lines), pa.int64()) if lengths is None else pa.array(lengths, pa.int64()),
    }
    names = [name.strip().lower().replace("_", " ") for name in profile.activation_tag.split(",")]
    activation = pa.table({"name": pa.array([name for name in names if name], pa.string())})
    script = sql_script("steps/export", "check_captions.sql")
    found: list[dict[str, Any]] = session.step(
        script, {"captions": pa.table(columns), "activation": activation}, {"max_tokens": max_tokens}
    ).to_pylist()
    return found


def _core_tags(session: Session) -> dict[str, tuple[str, ...]]:
    """Return the tags that belong to each character, as the view core_tags finds them."""
    rows = session.arrow(
        "SELECT character, list(tag ORDER BY tag) AS tags FROM core_tags GROUP BY character ORDER BY 1"
    )
    return {row["character"]: tuple(row["tags"]) for row in rows.to_pylist()}
