"""Turns similarities into scores. Every example is classified twice, as if it were a face.

The first trial is as a known face, against all other examples (leave-one-out, without examples of the same shot,
because frames of one shot are nearly the same picture). The second is as a stranger, against the examples of all
other characters. Negatives are always strangers. The trials use the same vote as the faces.

Scores are logistic in the log distance z = -ln(1 - similarity + 0.02): the trials of both kinds spread about equally
in z, while the similarities of known trials are all close to 1. Both kinds are modelled as normal distributions with
the same deviation. PRIOR imaginary trials are added to each, so that one example per character already gives a
reasonable score.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from animeds_db.steps.characters.neighbours import NEGATIVE, References, nearest_of
from animeds_db.steps.characters.vote import vote

Doubles = npt.NDArray[np.float64]

NEAR = 0.02
"""Keeps the log distance of equal pictures finite; see also the same number in scores.sql."""
PRIOR = 2.0
"""Number of imaginary trials of each kind."""
DEVIATION = 0.6
KNOWN_AT, STRANGER_AT = 2.5, 0.8
"""Log distances of the imaginary trials (similarities 0.94 and 0.57). For a model with its own threshold, they have
the same distance, centred on that threshold."""
BORDER = 0.65
"""Position of the score 0.5 between strangers (0) and known faces (1). It is above one half because people outside
the examples are more similar to a character than the other characters are."""
SUREST = 0.99
"""Maximum score of the typical known face."""
EVEN = 0.5
"""Minimum score of a trial that counts as recognised."""
MOST_TRIALS = 1500
"""Maximum number of examples in the trials. If there are more, every second, third, … is used."""
_NEVER = np.float32(-np.inf)


@dataclass(frozen=True)
class Calibration:
    """The function from similarity to score, and the results of the trials.

    slope, middle: score = 1 / (1 + exp(-slope * (z - middle))) of the log distance z.
    prototypes: True if prototypes of appearances vote too. known, right, recognised: trials as a known face, those
    won by the right name, and those of them with a score of at least 0.5; strangers, taken: trials as a stranger, and
    those with a score of at least 0.5. doubtful: (example id, the character that it resembles more). known_scores,
    stranger_scores: scores of the trials with the right name, and of strangers.
    """

    slope: float
    middle: float
    prototypes: bool = False
    known: int = 0
    right: int = 0
    recognised: int = 0
    strangers: int = 0
    taken: int = 0
    doubtful: tuple[tuple[str, str], ...] = ()
    known_scores: tuple[float, ...] = ()
    stranger_scores: tuple[float, ...] = ()

    def at(self, threshold: float) -> tuple[float | None, float | None]:
        """Return the share of known trials with the right name, and of strangers with a name, at another
        threshold."""
        known = sum(score >= threshold for score in self.known_scores)
        taken = sum(score >= threshold for score in self.stranger_scores)
        return (
            round(known / self.known, 3) if self.known else None,
            round(taken / self.strangers, 3) if self.strangers else None,
        )

    @property
    def similarity(self) -> float:
        """The similarity that has a score of 0.5 if the vote is unanimous."""
        return float(1 + NEAR - np.exp(-self.middle))

    def score(self, similarity: npt.ArrayLike) -> Doubles:
        """Return the score of a similarity, 0…1."""
        return np.asarray(1 / (1 + np.exp(-self.slope * (log_distance(similarity) - self.middle))))


def log_distance(similarity: npt.ArrayLike) -> Doubles:
    """Return -ln(1 - similarity + 0.02) of cosines, which are taken as at least 0."""
    return np.asarray(-np.log(1 + NEAR - np.clip(np.asarray(similarity, np.float64), 0, 1)))


@dataclass(frozen=True)
class Trials:
    """Results of the trials: log distances and shares of the vote, for trials with the right name (known) and for
    strangers."""

    known: int
    right: int
    known_z: Doubles
    known_share: Doubles
    stranger_z: Doubles
    stranger_share: Doubles
    doubtful: tuple[tuple[str, str], ...]


def calibrate(
    references: References, k: int, *, model_similarity: float | None = None
) -> tuple[References, Calibration]:
    """Return the references for classification, with prototypes if they separate better, and the calibration.

    model_similarity: the cosine that the model's authors give as the threshold between same and different.
    """
    border = _border(model_similarity)
    plain = _trials(references, k)
    if not references.groups:
        return references, _fitted(plain, border)
    richer = references.with_prototypes()
    means = _trials(richer, k)
    better = (means.right, _distinct(means, border)) >= (plain.right, _distinct(plain, border))
    return (
        (richer, _fitted(means, border, prototypes=True)) if better else (references, _fitted(plain, border))
    )


def _border(model_similarity: float | None) -> tuple[float, float]:
    """Return the log distances of imaginary known and stranger trials."""
    if model_similarity is None:
        return KNOWN_AT, STRANGER_AT
    middle, apart = float(log_distance(model_similarity)), KNOWN_AT - STRANGER_AT
    return middle + (1 - BORDER) * apart, middle - BORDER * apart


def _normals(trials: Trials, border: tuple[float, float]) -> tuple[float, float, float]:
    """Return the means of known and stranger trials and their common variance, including the imaginary trials."""
    known, stranger = trials.known_z, trials.stranger_z
    known_at = (known.sum() + PRIOR * border[0]) / (len(known) + PRIOR)
    stranger_at = (stranger.sum() + PRIOR * border[1]) / (len(stranger) + PRIOR)
    squares = ((known - known_at) ** 2).sum() + ((stranger - stranger_at) ** 2).sum()
    variance = (squares + 2 * PRIOR * DEVIATION**2) / (len(known) + len(stranger) + 2 * PRIOR)
    return float(known_at), float(stranger_at), float(variance)


def _distinct(trials: Trials, border: tuple[float, float]) -> float:
    """Return the distance between known faces and strangers, in standard deviations."""
    known, stranger, variance = _normals(trials, border)
    return float((known - stranger) / np.sqrt(variance))


def _fitted(trials: Trials, border: tuple[float, float], *, prototypes: bool = False) -> Calibration:
    known, stranger, variance = _normals(trials, border)
    apart = max(known - stranger, 0.2)  # the score must rise even if the examples separate nothing
    slope = min(apart / variance, np.log(SUREST / (1 - SUREST)) / ((1 - BORDER) * apart))
    middle = stranger + BORDER * apart

    def scores(z: Doubles, share: Doubles) -> tuple[float, ...]:
        return tuple((share / (1 + np.exp(-slope * (z - middle)))).tolist())

    known_scores = scores(trials.known_z, trials.known_share)
    stranger_scores = scores(trials.stranger_z, trials.stranger_share)
    return Calibration(
        float(slope),
        float(middle),
        prototypes,
        known=trials.known,
        right=trials.right,
        recognised=sum(score >= EVEN for score in known_scores),
        strangers=len(stranger_scores),
        taken=sum(score >= EVEN for score in stranger_scores),
        doubtful=trials.doubtful,
        known_scores=known_scores,
        stranger_scores=stranger_scores,
    )


def _trials(references: References, k: int) -> Trials:
    examples = np.flatnonzero(~references.is_prototype)
    asked = examples[:: -(-len(examples) // MOST_TRIALS)]
    negative = np.array([name == NEGATIVE for name in references.characters])
    alike = references.vectors[asked] @ references.vectors.T
    as_known = _without_own_prototype(alike, asked, references)
    as_known[_of_its_shot(asked, references)] = _NEVER
    same = references.codes[asked][:, None] == references.codes[None, :]
    possible = (np.isfinite(as_known) & same).any(axis=1) & ~negative[asked]
    as_known[~possible] = _NEVER
    known = vote(nearest_of(as_known, references, k), references)
    alike[same] = _NEVER
    alike[:, negative] = _NEVER
    stranger = vote(nearest_of(alike, references, k), references)
    names = np.array(references.characters, object)[asked[known["face"].to_numpy()]]
    right = names == np.array(known["character"].to_pylist(), object)
    ids = [references.ids[asked[face]] for face in known["face"].to_pylist()]
    wrong = [
        pair for pair, fine in zip(zip(ids, known["character"].to_pylist(), strict=True), right, strict=True)
        if not fine
    ]  # fmt: skip
    return Trials(
        len(right),
        int(right.sum()),
        log_distance(known["similarity"].to_numpy())[right],
        known["share"].to_numpy()[right],
        log_distance(stranger["similarity"].to_numpy()),
        stranger["share"].to_numpy(),
        tuple(wrong),
    )


def _of_its_shot(asked: npt.NDArray[np.int64], references: References) -> npt.NDArray[np.bool_]:
    """Return, for each example asked, itself and the examples of its shot, bool [asked, references].

    Only itself if its character has no other examples.
    """
    places = {shot: place for place, shot in enumerate(sorted({s for s in references.shots if s}))}
    shot = np.array([places.get(s, -1 - row) if s else -1 - row for row, s in enumerate(references.shots)])
    shot[references.is_prototype] = -1 - np.flatnonzero(references.is_prototype)
    near = shot[asked][:, None] == shot[None, :]
    itself = asked[:, None] == np.arange(len(references))[None, :]
    same = references.codes[asked][:, None] == references.codes[None, :]
    alone = ~(same & ~near & ~references.is_prototype[None, :]).any(axis=1)
    near[alone] = itself[alone]
    return np.asarray(near)


def _without_own_prototype(
    alike: npt.NDArray[np.float32], asked: npt.NDArray[np.int64], references: References
) -> npt.NDArray[np.float32]:
    """Return the similarities with prototypes that are computed without the tried example."""
    out = alike.copy()
    where = {int(example): row for row, example in enumerate(asked)}
    keys = list(zip(references.characters, references.appearances, strict=True))
    prototypes = {keys[row]: row for row in np.flatnonzero(references.is_prototype)}
    for group in references.groups:
        prototype = prototypes.get(keys[group[0]])
        rows = [int(row) for row in group if int(row) in where]
        if prototype is None or not rows:
            continue
        others = (references.vectors[group].sum(0) - references.vectors[rows]) / (len(group) - 1)
        lengths = np.maximum(np.linalg.norm(others, axis=1), 1e-6)
        at = [where[row] for row in rows]
        out[at, prototype] = np.vecdot(references.vectors[rows], others) / lengths
    return out
