"""Chooses the pictures that a captioner describes, and writes the prompt for each from what the database knows."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from animeds_db.models.captioners.answers import language_name
from animeds_db.models.prompts import Prompt, load_prompt
from animeds_db.session import Session
from animeds_db.session.box_kinds import expect_kinds
from animeds_db.session.scripts import sql_script


@dataclass(frozen=True)
class Style:
    """Which descriptions are wanted: by a model's id, with a prompt, in a language such as "en"."""

    model: str
    prompt: Prompt
    language: str

    @property
    def ids(self) -> dict[str, str]:
        """The values that a stored description of this style has."""
        return {"model": self.model, "prompt": self.prompt.id, "language": self.language}


def style_of(model: str, prompt: str | Path, language: str) -> Style:
    """Return a style. Raises UsageError for a prompt that does not exist or is not valid, and for the language."""
    language_name(language)
    return Style(model, load_prompt(prompt), language)


def pictures_left(
    session: Session, frames: Collection[str] | None, kinds: Sequence[str], style: Style
) -> pa.Table:
    """Return the pictures without a description of this style: see sql/steps/describe/pictures.sql.

    `frames` are ids; None means all. `kinds` are kinds of boxes; none means whole frames. Raises UsageError for an
    unknown kind.
    """
    expect_kinds(session, kinds)
    chosen = session.arrow("SELECT frame_id FROM frames") if frames is None else _table(sorted(frames))
    script = sql_script("steps/describe", "pictures.sql")
    return session.step(script, {"chosen": chosen}, {"kinds": list(dict.fromkeys(kinds)), **style.ids})


def with_prompts(session: Session, pictures: pa.Table, style: Style) -> pa.Table:
    """Return the pictures with a column `prompt`: the template, filled with what the database knows of each."""
    kinds = pictures["crop_kind"].to_pylist()
    facts: list[dict[str, str | None]] = [{} for _ in kinds]
    if style.prompt.places - {"picture"} and pictures.num_rows:
        script = sql_script("steps/describe", "facts.sql")
        facts = session.step(script, {"pictures": pictures}).to_pylist()
    language = language_name(style.language)
    prompts = [
        style.prompt.filled(known | {"language": language, "picture": _picture(kind)})
        for known, kind in zip(facts, kinds, strict=True)
    ]
    return pictures.append_column("prompt", pa.array(prompts, pa.string()))


def typical_cost(session: Session, style: Style) -> float | None:
    """Return what a description by this model and prompt has cost so far, in US dollars, or None."""
    script = sql_script("steps/describe", "typical_cost.sql")
    known = {"model": style.model, "prompt": style.prompt.id}
    cost: float | None = session.step(script, {}, known)["dollars"][0].as_py()
    return cost


def _picture(kind: str | None) -> str:
    return {None: "frame", "halfbody": "picture of the upper body of a person in a frame"}.get(
        kind, f"picture of one {kind}, cut out of a frame"
    )


def _table(frames: Sequence[str]) -> pa.Table:
    return pa.table({"frame_id": pa.array(frames, pa.string())})
