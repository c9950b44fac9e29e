"""Few-shot classification: every face gets a name with score and margin, or `unknown`, or `ood`.

The table `identities` is written as a whole in one commit. It depends only on the examples, the labels and the
parameters of this run. People's names stay in `labels` and win in the views.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from animeds_db import schema
from animeds_db.errors import StoreError, UsageError
from animeds_db.session import Session
from animeds_db.session.scripts import sql_script
from animeds_db.steps.characters.calibrate import Calibration, calibrate
from animeds_db.steps.characters.compared import Chosen, Part, compared, together
from animeds_db.steps.characters.neighbours import NEGATIVE, References
from animeds_db.store import Store

if TYPE_CHECKING:
    from animeds_db.workers import Ray

UNKNOWN = "unknown"
THRESHOLDS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class ClassifyOptions:
    """Options of a classification.

    k: number of nearest examples that vote. threshold: minimum score; margin: minimum lead in similarity over the
    next character; both 0…1. tag_score: minimum score of a character tag that names the only face of a frame.
    shots, behind: also name faces from other frames of the shot, and people seen from behind. where: a condition on
    `frames`; identities of other frames are kept.
    """

    k: int = 5
    threshold: float = 0.5
    margin: float = 0.0
    tag_score: float = 0.85
    shots: bool = True
    behind: bool = True
    where: str | None = None

    def check(self) -> None:
        """Raise UsageError for a value out of range."""
        if self.k < 1:
            raise UsageError(f"k is {self.k}. It must be at least 1.")
        for name in ("threshold", "margin", "tag_score"):
            if not 0 <= getattr(self, name) <= 1:
                raise UsageError(f"{name} is {getattr(self, name)}. It must be between 0 and 1.")


@dataclass(frozen=True)
class Classified:
    """Result of a classification. `rows`: one per name with faces, by_shot, by_tag, from_behind; unknown and ood
    last."""

    faces: int
    examples: int
    calibration: Calibration
    rows: list[dict[str, object]]
    notes: list[str] = field(default_factory=list)


def classify(
    store: Store,
    session: Session,
    options: ClassifyOptions | None = None,
    *,
    progress: Progress | None = None,
    on: Ray | None = None,
) -> Classified:
    """Name every face by the examples and write the table `identities`.

    `on`: workers that compare the faces' vectors. Raises UsageError without examples or for a value out of range,
    StoreError if no face has a vector, QueryError for a condition that is not valid, EngineError if workers fail.
    """
    options = options or ClassifyOptions()
    run = _Run(store, session, options, on, progress)
    scores = run.scores(options.threshold, options.margin)
    rows, notes = run.identities(scores), run.notes()
    _write(store, session, rows, options.where)
    return Classified(scores.num_rows, len(run.examples), run.calibration, _summary(rows), notes)


def preview(
    store: Store,
    session: Session,
    options: ClassifyOptions | None = None,
    *,
    progress: Progress | None = None,
) -> list[dict[str, object]]:
    """Return the effect of each threshold, without writing anything: named, unknown, ood, and the results of the
    trials.

    recognised and taken are shares of the examples, tried as a known face and as a stranger. Names from shots, tags
    and bodies are not included.
    """
    options = options or ClassifyOptions()
    run = _Run(store, session, options, None, progress)
    table = run.scores(0.0, options.margin)
    names, score = table["character"].to_numpy(zero_copy_only=False), table["score"].to_numpy()
    rows: list[dict[str, object]] = []
    for threshold in sorted({*THRESHOLDS, options.threshold}):
        sure = (score >= threshold) & (names != UNKNOWN)
        recognised, taken = run.calibration.at(threshold)
        rows.append(
            {
                "threshold": threshold,
                "named": int((sure & (names != NEGATIVE)).sum()),
                "unknown": int((~sure).sum()),
                "ood": int((sure & (names == NEGATIVE)).sum()),
                "examples_recognised": recognised,
                "strangers_named": taken,
            }
        )
    return rows


def vector_model(session: Session) -> str:
    """Return the id of the model that made most character vectors. Raises StoreError when there are none."""
    found = session.sql(
        "SELECT vector_model FROM newest_detections WHERE vector_model IS NOT NULL"
        " GROUP BY 1 ORDER BY count(*) DESC, 1 LIMIT 1"
    ).fetchall()
    if not found:
        raise StoreError(
            "No face in this database has a character vector.",
            hint="Ingest with a profile that has a character model, or run: animeds detect --model … --character …",
        )
    return str(found[0][0])


def gather(session: Session, model: str) -> References:
    """Return the examples and named faces with vectors of this model. Raises UsageError when there are none."""
    rows = session.arrow(sql_script("steps/classify", "examples.sql"), {"model": model})
    if set(rows["character"].to_pylist()) - {NEGATIVE}:
        return References.of(rows)
    others = session.sql("SELECT DISTINCT vector_model FROM examples ORDER BY 1").fetchall()
    if rows.num_rows == 0 and others:
        raise UsageError(
            f"The examples have vectors of {others[0][0]}, the faces of {model}. They cannot be compared.",
            hint="`animeds characters embed` gives the examples new vectors.",
        )
    what = "only negative examples (ood)" if rows.num_rows else "no examples"
    raise UsageError(
        f"There are {what}, so faces cannot be classified.",
        hint="Add examples with `animeds characters add FOLDER`, or name clusters: animeds characters cluster",
    )


class _Run:
    """One classification, with its examples, calibration and votes."""

    def __init__(
        self,
        store: Store,
        session: Session,
        options: ClassifyOptions,
        on: Ray | None,
        progress: Progress | None,
    ) -> None:
        options.check()
        self.store = store
        self.session = session
        self.options = options
        self.model = vector_model(session)
        self.examples = gather(session, self.model)
        self.references, self.calibration = calibrate(
            self.examples, options.k, model_similarity=_model_similarity(store, self.model)
        )
        self.places, self.votes = self._vote_on_faces(on, progress)

    def _vote_on_faces(self, on: Ray | None, progress: Progress | None) -> tuple[pa.Table, pa.Table]:
        """Return the detection ids of the faces by their numbers, and the votes."""
        bodies = self.session.sql(
            "SELECT 1 FROM detections WHERE kind <> 'face' AND vector_model = $model LIMIT 1",
            {"model": self.model},
        ).fetchall()
        chosen = Chosen(self.model, self.options.where, bodies=bool(bodies))
        total, done = sum(chosen.count(self.session).values()), 0

        def counted(parts: Iterator[Part]) -> Iterator[Part]:
            nonlocal done
            for part in parts:
                yield part
                done += len(part[0])
                if progress is not None:
                    progress(done, total)

        parts = compared(self.store, self.session, chosen, self.references, self.options.k, on)
        ids, votes = together(counted(parts))
        return pa.table({"face": np.arange(len(ids)), "detection_id": ids}), votes

    def scores(self, threshold: float, margin: float) -> pa.Table:
        """Return the result of sql/steps/classify/scores.sql."""
        return self.session.step(
            sql_script("steps/classify", "scores.sql"),
            {"votes": self.votes, "places": self.places},
            {
                "slope": self.calibration.slope,
                "middle": self.calibration.middle,
                "threshold": threshold,
                "margin": margin,
            },
        )

    def identities(self, scores: pa.Table) -> pa.Table:
        """Return the rows of `identities`: faces named from examples, tags and shots, and people seen from behind."""
        cast = pa.table({"character": sorted(set(self.examples.characters) - {NEGATIVE})})
        tags = self.session.step(
            sql_script("steps/classify", "tags.sql"),
            {"scores": scores, "cast_names": cast},
            {"tag_score": self.options.tag_score},
        )
        lifted, scores_now = [_lift(tags)], _lifted(scores, tags)
        if self.options.shots:
            shots = self.session.step(sql_script("steps/classify", "shots.sql"), {"scores": scores_now})
            lifted.append(_lift(shots))
            scores_now = _lifted(scores_now, shots)
        behind = self.session.step(sql_script("steps/classify", "behind.sql"), {"scores": scores_now})
        parameters = {**asdict(self.options), "model": self.model, "examples": len(self.examples)}
        parameters |= {"slope": round(self.calibration.slope, 4), "middle": round(self.calibration.middle, 4)}
        rows = self.session.step(
            sql_script("steps/classify", "rows.sql"),
            {
                "scores": scores,
                "lifted": pa.concat_tables(lifted),
                "behind": behind if self.options.behind else behind.slice(0, 0),
            },
            {"parameters": json.dumps(parameters, sort_keys=True, ensure_ascii=False)},
        )
        return rows.cast(schema.IDENTITIES.schema)

    def notes(self) -> list[str]:
        """Return notes for the user about the examples and the faces."""
        notes = [
            f"example {example} looks more like {other}" for example, other in self.calibration.doubtful[:10]
        ]
        single = sorted(
            {n for n in self.examples.names if self.examples.characters.count(n) == 1} - {NEGATIVE}
        )
        if single:
            notes.append(f"only one example of {', '.join(single)}: add a second one for reliable scores")
        old = self.session.sql(
            "SELECT count(*), min(vector_model) FROM examples WHERE vector_model <> $model",
            {"model": self.model},
        ).fetchall()[0]
        if old[0]:
            notes.append(
                f"{old[0]} examples have vectors of {old[1]} instead of {self.model} and were left out. "
                "`animeds characters embed` gives them new vectors"
            )
        left = self.session.sql(
            "SELECT count(*) FROM newest_detections WHERE kind = 'face' AND vector_model IS DISTINCT FROM $model",
            {"model": self.model},
        ).fetchall()[0][0]
        if left:
            notes.append(f"{left} faces have no vector of {self.model} and were left out")
        return notes


def _model_similarity(store: Store, model: str) -> float | None:
    """Return the cosine that the model's authors give as the threshold, from its stored thresholds."""
    rows = store.take("models", [model], ["thresholds"])["thresholds"].to_pylist()
    difference = json.loads(rows[0] or "{}").get("difference") if rows else None
    return None if difference is None else 1 - 2 * float(difference)  # CCIP: (1 - cosine) / 2


_LIFT = pa.schema(
    {
        "detection_id": pa.string(),
        "character": pa.string(),
        "appearance": pa.string(),
        "score": pa.float32(),
        "example_id": pa.string(),
        "by": pa.string(),
    }
)


def _lift(rows: pa.Table) -> pa.Table:
    """Return rows of a lift with all its columns."""
    columns = {
        f.name: rows[f.name] if f.name in rows.column_names else pa.nulls(rows.num_rows, f.type)
        for f in _LIFT
    }
    return pa.table(columns).cast(_LIFT)


def _lifted(scores: pa.Table, lift: pa.Table) -> pa.Table:
    """Return the scores updated with the names of a lift, as input of the next lift."""
    place = pc.index_in(scores["detection_id"], lift["detection_id"].combine_chunks())
    for column, value in (("named", "character"), ("sure", "score")):
        new = pc.coalesce(lift[value].combine_chunks().take(place), scores[column])
        scores = scores.set_column(scores.column_names.index(column), column, new)
    return scores


def _write(store: Store, session: Session, rows: pa.Table, where: str | None) -> None:
    """Write `identities`. Rows outside `where` are kept. Nothing is written if the rows are the same."""
    before = store.table("identities").to_table()
    if where is not None and before.num_rows:
        frames = session.arrow(f"SELECT frame_id FROM frames WHERE (\n{where}\n)", file="--where")["frame_id"]
        inside = pc.is_in(before["frame_id"], frames.combine_chunks())
        rows = pa.concat_tables([rows, before.filter(pc.invert(inside))]).sort_by("detection_id")
    if not rows.equals(before.cast(rows.schema)):
        store.rewrite("identities", rows)


def _summary(rows: pa.Table) -> list[dict[str, object]]:
    """Return the number of faces of each name, most frequent first; unknown and ood last."""
    counted: dict[str, dict[str, int]] = {}
    for name, by in zip(rows["character"].to_pylist(), rows["by"].to_pylist(), strict=True):
        one = counted.setdefault(name, {"examples": 0, "shot": 0, "tag": 0, "body": 0})
        one[by] += 1
    order: Sequence[str] = sorted(
        counted, key=lambda n: (n in (UNKNOWN, NEGATIVE), -sum(counted[n].values()), n)
    )
    return [
        {
            "character": name,
            "faces": counted[name]["examples"] + counted[name]["shot"] + counted[name]["tag"],
            "by_shot": counted[name]["shot"],
            "by_tag": counted[name]["tag"],
            "from_behind": counted[name]["body"],
        }
        for name in order
    ]
