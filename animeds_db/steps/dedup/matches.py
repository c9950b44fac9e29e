"""Pairs of near-duplicates among frames, by their vectors and perceptual hashes.

Within a shot the vectors decide: a pose that is held while the camera moves is a single picture for training,
although its hashes change. Across shots, similar vectors are not enough, because a vector hardly depends on positions
in the picture: the hashes must agree as well. Frames with almost the same hash are a pair too, unless their vectors
differ.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa

from animeds_db.errors import StoreError, UsageError
from animeds_db.session import Session
from animeds_db.session.sandbox import locked_database
from animeds_db.session.scripts import sql_script
from animeds_db.steps.dedup.frame_vectors import FrameVectors
from animeds_db.steps.dedup.stored_vectors import stored_vectors
from animeds_db.vectors import Pairs
from animeds_db.vectors.columns import as_matrix
from animeds_db.vectors.gathered import Gathered

_COLUMNS = "frame_id, source_id, season, episode, shot, time_s, phash, is_blank, embedder"
FRAMES = f"SELECT {_COLUMNS}, embedding FROM frames ORDER BY frame_id"
DEFAULT_THRESHOLD = 0.985
"""The threshold that other guides recommend for CLIP and similar models."""
LONG_STILL = 32
"""Minimum number of consecutive frames with equal vectors and hashes that are compared as one frame. A still of n
frames has n²/2 pairs."""

UNLIKE = 64
"""Number of differing bits between the hashes of a blank frame and any other frame: all of them."""


@dataclass(frozen=True)
class DedupOptions:
    """The definition of a near-duplicate.

    threshold: minimum cosine of two image vectors (0…1). None: the value in the manifest of the vectors' model
    (`near_duplicate`), else 0.985, which the guides of similar tools recommend.
    agree_bits: maximum number of bits (0…64) in which the perceptual hashes of two such frames may differ, unless
    they are of one shot; None: any number.
    phash_distance: maximum number of bits (0…8) in which hashes may differ to make a pair by themselves; None: never.
    phash_cosine: minimum cosine of those frames, if both have vectors.
    segment_s, gap_s: minimum length of a run that episodes share, and its longest gap, in seconds.
    memory_mb: memory for the comparison, besides the vectors themselves, in MB.
    """

    threshold: float | None = None
    agree_bits: int | None = 8
    phash_distance: int | None = 2
    phash_cosine: float = 0.95
    segment_s: float = 4.0
    gap_s: float = 3.0
    memory_mb: float = 512.0

    def check(self) -> None:
        """Raise UsageError for a value out of range."""
        for name in ("threshold", "phash_cosine"):
            value = getattr(self, name)
            if value is not None and not 0 <= value <= 1:
                raise UsageError(
                    f"{name.replace('_', '-')} is {value}. It is a cosine and must be between 0 and 1.",
                    hint="0.985 finds near-duplicates. 1 finds only equal vectors.",
                )
        for name, most in (("phash_distance", 8), ("agree_bits", 64)):
            value = getattr(self, name)
            if value is not None and not 0 <= value <= most:
                raise UsageError(
                    f"{name.replace('_', '-')} is {value}. It is a number of bits and must be between 0 and {most}."
                )
        for name in ("segment_s", "gap_s"):
            if not getattr(self, name) >= 0:
                raise UsageError(
                    f"{name} is {getattr(self, name)}. It is a number of seconds and must be at least 0."
                )


@dataclass(frozen=True)
class Matches:
    """Pairs of frames that may be near-duplicates, each once.

    a, b: rows (int64, a < b). cosine: float32, NaN where one has no vector. bits: number of bits (int16) in which
    the hashes differ; -1 if they cannot be compared (no hash, or both frames blank); UNLIKE if one is blank.
    shot: the number of each row's shot over all sources (int64 [rows]); -1 for pictures, which have none.
    """

    a: np.ndarray
    b: np.ndarray
    cosine: np.ndarray
    bits: np.ndarray
    shot: np.ndarray

    def __len__(self) -> int:
        return len(self.a)

    def where(self, mask: np.ndarray) -> Matches:
        """Return those pairs for which mask (bool) is true."""
        return Matches(self.a[mask], self.b[mask], self.cosine[mask], self.bits[mask], self.shot)

    @cached_property
    def in_shot(self) -> np.ndarray:
        """Return True for pairs in one shot, except a blank frame with a frame that is not blank (bool)."""
        first = self.shot[self.a]
        same: np.ndarray = (first == self.shot[self.b]) & (first >= 0) & (self.bits != UNLIKE)
        return same

    def alike(self, threshold: float, agree_bits: int | None) -> np.ndarray:
        """Return which pairs are near-duplicates by their vectors; across shots the hashes must agree (bool).

        The hash of a near-duplicate in the same shot may agree instead of the frame's own hash, because one frame of
        a shot is kept for many, and other footage of the same shot must match it.
        """
        near: np.ndarray = self.cosine >= np.float32(threshold)
        if agree_bits is None:
            return near
        agree = near & (self.bits <= agree_bits)
        sure: np.ndarray = agree | (near & self.in_shot)
        sure |= near & self._agree_through(agree & ~self.in_shot, near & self.in_shot)
        return sure

    def _agree_through(self, agree: np.ndarray, together: np.ndarray) -> np.ndarray:
        """Return which pairs (s, t) have a frame k in the shot of t with which s agrees most, if k and t go together.

        agree, together: pairs (bool) across shots and in one. Either frame of a pair may be s.
        """
        rows, shots = len(self.shot), int(self.shot.max(initial=0)) + 1
        mates = (self.a * rows + self.b)[together]  # in the order of the pairs
        a, b, cosine = self.a[agree], self.b[agree], self.cosine[agree]
        s, k, cosine = np.concatenate([a, b]), np.concatenate([b, a]), np.concatenate([cosine, cosine])
        meeting = s * shots + self.shot[k]
        order = np.lexsort((k, -cosine, meeting))[: len(s)]
        order = order[self.shot[k[order]] >= 0]
        meeting, k = meeting[order], k[order]
        first = np.append(True, meeting[1:] != meeting[:-1])[: len(meeting)]
        meeting, k = meeting[first], k[first]
        through = np.zeros(len(self), bool)
        for here, there in ((self.a, self.b), (self.b, self.a)):
            place, met = _found(meeting, here * shots + self.shot[there])
            met &= (self.shot[there] >= 0) & (self.bits != UNLIKE)
            middle, other = k[place[met]], there[met]
            pair = np.minimum(middle, other) * rows + np.maximum(middle, other)
            through[met] |= _found(mates, pair)[1]
        return through

    def chosen(self, options: DedupOptions, threshold: float) -> np.ndarray:
        """Return which pairs are near-duplicates (bool)."""
        near = self.alike(threshold, options.agree_bits)
        if options.phash_distance is None:
            return near
        like: np.ndarray = (self.bits >= 0) & (self.bits <= options.phash_distance)
        like &= np.isnan(self.cosine) | (self.cosine >= np.float32(options.phash_cosine))
        like |= near
        return like


def find_matches(
    frames: pa.Table,
    x: FrameVectors,
    ranks: np.ndarray,
    options: DedupOptions,
    threshold: float,
) -> Matches:
    """Return every pair that is a near-duplicate at `threshold` or above, sorted by a, then b.

    x: the frames' vectors. Of equal frames, only the best is compared. `ranks`: those of the
    frames, 1, 2, 3 … in some order (int64); 1 is best.
    """
    n = frames.num_rows
    stills = _stills(frames, x, ranks)
    pairs = x.pairs(threshold, stills[1])
    a, b = [pairs.a, np.minimum(*stills)], [pairs.b, np.maximum(*stills)]
    if options.phash_distance is not None:
        like = _like_hashes(frames, ranks, options.phash_distance)
        a.append(like[0])
        b.append(like[1])
    keys = np.sort(np.concatenate(a) * max(1, n) + np.concatenate(b))
    keys = keys[np.append(True, keys[1:] != keys[:-1])[: len(keys)]]
    rows_a, rows_b = np.divmod(keys, max(1, n))
    cosine = _cosines(x, n, rows_a, rows_b, pairs, stills)
    found = Matches(rows_a, rows_b, cosine, _bits(frames, rows_a, rows_b), _shots(frames))
    return found.where(found.chosen(options, threshold))


def embedder_of(frames: pa.Table) -> str | None:
    """Return the model of the frames' vectors; StoreError if there are several models, because their vectors cannot
    be compared."""
    models = sorted({m for m in frames["embedder"].unique().to_pylist() if m is not None})
    if len(models) > 1:
        raise StoreError(
            f"The frames have vectors of several models, which cannot be compared: {', '.join(models)}",
            hint=f"`animeds embed --model {models[0].partition('@')[0]} --use` gives all frames vectors of one model.",
        )
    return models[0] if models else None


def read_frames(session: Session) -> tuple[pa.Table, np.ndarray | Gathered]:
    """Return the visible frames by id, without vectors, and their vectors as `vectors` gives them.

    The rows are those of FRAMES. SQL would move each vector several times, so it reads them only if nothing else can.
    """
    with session.held():
        frames, _ = read_frames_only(session)
        x = stored_vectors(session, frames["frame_id"])
        return frames, vectors(session.arrow(FRAMES)) if x is None else x


def read_frames_only(session: Session) -> tuple[pa.Table, int]:
    """Return the visible frames by id, without vectors, and the width of the vectors."""
    width = session.arrow("SELECT embedding FROM frames LIMIT 0").schema.field("embedding").type.list_size
    return session.arrow(f"SELECT {_COLUMNS} FROM frames ORDER BY frame_id").combine_chunks(), int(width)


def vectors(frames: pa.Table) -> np.ndarray:
    """Return the image vectors, float32 [frames, width]; rows of NaN where a frame has none."""
    return as_matrix(frames["embedding"])


def _stills(frames: pa.Table, x: FrameVectors, ranks: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return (best row, other row) for every other row of each long still: rows of one source, all the same."""
    if frames.num_rows < LONG_STILL:
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    sources = frames["source_id"].combine_chunks().dictionary_encode().indices.to_numpy()
    hashes, known, blank = _hashes(frames)
    same = (sources[1:] == sources[:-1]) & (hashes[1:] == hashes[:-1]) & (known[1:] == known[:-1])
    same &= blank[1:] == blank[:-1]
    starts, lengths, run = _runs(same)
    same &= lengths[run[1:]] >= LONG_STILL  # vectors are compared only where a still is possible
    same[same] = x.repeats(np.flatnonzero(same))
    starts, lengths, run = _runs(same)
    best_rank = np.minimum.reduceat(ranks, starts)
    best = np.empty(len(starts), np.int64)
    is_best = ranks == best_rank[run]
    best[run[is_best]] = np.flatnonzero(is_best)
    others = np.flatnonzero((lengths[run] >= LONG_STILL) & ~is_best)
    return best[run[others]], others


def _runs(same: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return where runs start, their lengths, and the number of each row's run; same[i]: row i + 1 goes with row i."""
    starts = np.flatnonzero(np.append(True, ~same))
    lengths = np.diff(np.append(starts, len(same) + 1))
    return starts, lengths, np.repeat(np.arange(len(starts)), lengths)


def _like_hashes(frames: pa.Table, ranks: np.ndarray, distance: int) -> tuple[np.ndarray, np.ndarray]:
    """Return pairs of rows with similar hashes, without blank frames."""
    hashes = frames.select(["phash", "is_blank"]).append_column("row", pa.array(ranks))
    with locked_database() as workbench:
        workbench.register("all_frames", hashes)
        workbench.execute(
            'CREATE TABLE hashed AS SELECT "row", phash FROM all_frames'
            " WHERE phash IS NOT NULL AND is_blank IS NOT TRUE"
        )
        found = workbench.sql(
            sql_script("steps/dedup", "phash_pairs.sql"), params={"distance": distance}
        ).to_arrow_table()
    row_of = np.empty(len(ranks) + 1, np.int64)
    row_of[ranks] = np.arange(len(ranks))
    better, worse = (row_of[np.asarray(found[name], np.int64)] for name in ("a", "b"))
    return np.minimum(better, worse), np.maximum(better, worse)


def _cosines(
    x: FrameVectors,
    n: int,
    a: np.ndarray,
    b: np.ndarray,
    pairs: Pairs,
    stills: tuple[np.ndarray, np.ndarray],
) -> np.ndarray:
    """Return the cosine of each pair: from the join, 1 inside a still, else computed here."""
    width = max(1, n)
    cosine = np.full(len(a), np.nan, np.float32)
    cosine[np.searchsorted(a * width + b, pairs.a * width + pairs.b)] = pairs.cosine
    best = np.arange(n)
    best[stills[1]] = stills[0]
    rest = np.flatnonzero(np.isnan(cosine))
    left, right = best[a[rest]], best[b[rest]]
    usable = x.usable()
    both = usable[left] & usable[right]
    cosine[rest[both]] = x.cosines(left[both], right[both])
    return cosine


def _bits(frames: pa.Table, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return the number of bits in which the hashes differ. For a blank frame and any other frame it is 64."""
    hashes, known, blank = _hashes(frames)
    bits: np.ndarray = np.bitwise_count(hashes[a] ^ hashes[b]).astype(np.int16)
    bits[blank[a] != blank[b]] = UNLIKE
    bits[~known[a] | ~known[b] | (blank[a] & blank[b])] = -1
    return bits


def _found(keys: np.ndarray, wanted: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the position of each wanted key in the sorted keys (int64), and True for the keys that exist (bool)."""
    place = np.searchsorted(keys, wanted)
    place[place == len(keys)] = 0
    return place, keys[place] == wanted if len(keys) else np.zeros(len(wanted), bool)


def _shots(frames: pa.Table) -> np.ndarray:
    """Return the number of each frame's shot over all sources, int64; -1 for pictures, which have no times."""
    source = frames["source_id"].combine_chunks().dictionary_encode().indices.to_numpy().astype(np.int64)
    shot = frames["shot"].combine_chunks().fill_null(-1).to_numpy().astype(np.int64)
    timed = ~np.asarray(frames["time_s"].combine_chunks().is_null())
    number = np.unique(source * (int(shot.max(initial=0)) + 2) + shot, return_inverse=True)[1].astype(
        np.int64
    )
    number[~timed | (shot < 0)] = -1
    return number


def _hashes(frames: pa.Table) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return hashes (uint64), which are known, and which frames are blank (bool)."""
    column = frames["phash"].combine_chunks()
    hashes = column.fill_null(0).to_numpy().astype(np.int64).view(np.uint64)
    blank = frames["is_blank"].combine_chunks().fill_null(False).to_numpy(zero_copy_only=False)
    return hashes, ~np.asarray(column.is_null()), blank
