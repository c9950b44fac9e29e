"""Who is who among 100,000 faces: ours, scikit-learn's KNeighborsClassifier, a DuckDB cross join, a bare product.

All give every face the character with the most votes among its nearest examples, votes falling by e for each 0.05
of similarity. DuckDB is run on a sample of the faces and its times are scaled up; so it says in the table.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
from tools.ratios import Section
from tools.timing import in_turns, table

from animeds_db.steps.characters.neighbours import References, neighbours
from animeds_db.steps.characters.vote import vote

WIDTH, EXAMPLES, CHARACTERS, K = 768, 500, 25, 5
CROSS_JOINED = 20
"""The cross join sees one face in that many."""
_CROSS_JOIN = """
WITH pairs AS (
    SELECT face, character, array_inner_product(f.vector, e.vector) AS similarity
    FROM faces AS f CROSS JOIN examples AS e
),
nearest AS (
    SELECT face, unnest(max({'similarity': similarity, 'character': character}, 5)) AS one FROM pairs GROUP BY face
),
votes AS (
    SELECT face, one.character AS character, sum(exp(20 * (one.similarity - 1)::DOUBLE)) AS votes
    FROM nearest GROUP BY ALL
)
SELECT face, arg_max(character, votes) AS character FROM votes GROUP BY face ORDER BY face
"""


@dataclass(frozen=True)
class Material:
    """Unit vectors of faces and examples, float32, and the examples' characters, sorted."""

    faces: np.ndarray
    examples: np.ndarray
    names: list[str]


def draw(n: int, seed: int = 11) -> Material:
    """Return faces around CHARACTERS centres that share a mean direction, as faces do in CCIP's space."""
    rng = np.random.default_rng(seed)
    centres = 0.5 + rng.standard_normal((CHARACTERS, WIDTH), dtype=np.float32)
    who = np.repeat(np.arange(CHARACTERS), EXAMPLES // CHARACTERS)
    examples = centres[who] + 0.7 * rng.standard_normal((EXAMPLES, WIDTH), dtype=np.float32)
    faces = centres[rng.integers(0, CHARACTERS, n)]
    for low in range(0, n, 10_000):
        part = faces[low : low + 10_000]
        part += 1.2 * rng.standard_normal(part.shape, dtype=np.float32)
    for x in (examples, faces):
        x /= np.linalg.norm(x, axis=1, keepdims=True)
    return Material(faces, examples, [f"character {code:02d}" for code in who])


def ours(material: Material) -> np.ndarray:
    """Return the names by the vector query and the vote of `animeds characters classify`."""
    n = len(material.names)
    rows = {
        "example_id": [f"{i:04d}" for i in range(n)],
        "character": material.names,
        "appearance": pa.nulls(n, pa.string()),
        "shot": pa.nulls(n, pa.string()),
        "vector": pa.FixedSizeListArray.from_arrays(material.examples.ravel(), WIDTH),
    }
    references = References.of(pa.table(rows))
    votes = vote(neighbours(material.faces, references, K), references)
    character = votes["character"].combine_chunks().dictionary_encode()
    names = np.empty(len(material.faces), object)
    names[votes["face"].to_numpy()] = np.array(character.dictionary, object)[np.array(character.indices)]
    return names


def sklearn(material: Material) -> np.ndarray:
    """Return the names by scikit-learn: between unit vectors, similarity is 1 - distance² / 2."""
    from sklearn.neighbors import KNeighborsClassifier  # type: ignore[import-untyped]

    def votes(distance: np.ndarray) -> np.ndarray:
        return np.asarray(np.exp(-20 * distance.astype(np.float64) ** 2 / 2))

    model = KNeighborsClassifier(K, weights=votes, algorithm="brute", n_jobs=-1)
    return np.asarray(model.fit(material.examples, material.names).predict(material.faces))


def cross_join(material: Material) -> np.ndarray:
    """Return the names of every CROSS_JOINED-th face by DuckDB alone."""
    with duckdb.connect() as workbench:
        for name, vectors in (("f", material.faces[::CROSS_JOINED]), ("e", material.examples)):
            rows = {"vector": pa.FixedSizeListArray.from_arrays(np.ascontiguousarray(vectors).ravel(), WIDTH)}
            rows |= (
                {"face": np.arange(len(vectors))} if name == "f" else {"character": pa.array(material.names)}
            )
            workbench.register(name, pa.table(rows))
        workbench.execute("CREATE TABLE faces AS FROM f")
        workbench.execute("CREATE TABLE examples AS FROM e")
        names: np.ndarray = workbench.sql(_CROSS_JOIN).fetchnumpy()["character"]
        return names


def product(material: Material) -> np.ndarray:
    """Return nothing of use: the matrix product alone, block by block, which no method can do without."""
    out = np.empty((4096, len(material.examples)), np.float32)
    for low in range(0, len(material.faces), 4096):
        part = material.faces[low : low + 4096]
        np.matmul(part, material.examples.T, out=out[: len(part)])
    return out


METHODS: dict[str, Callable[[Material], np.ndarray]] = {
    "ours: vector query and vote": ours,
    "scikit-learn KNeighborsClassifier": sklearn,
    f"DuckDB cross join (1 face in {CROSS_JOINED}, scaled)": cross_join,
    "the matrix product alone": product,
}


def peak_mb(method: str, n: int) -> float:
    """Return by how much a method raises the peak memory of a process that holds the vectors, in MB."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        return pool.submit(_peak, method, n).result()


def _peak(method: str, n: int) -> float:
    material = draw(n)
    METHODS[method](Material(material.faces[:100], material.examples, material.names))  # imports, threads
    Path("/proc/self/clear_refs").write_text("5")  # the peak so far is forgotten (Linux)
    before = _peak_kb()
    METHODS[method](material)
    return (_peak_kb() - before) / 1024


def _peak_kb() -> int:
    status = Path("/proc/self/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1])


def run(_work: Path, n: int = 100_000, rounds: int = 5) -> Section:
    """Return the section of the report. Raises AssertionError where methods give other names."""
    material = draw(n)
    answers = {name: method(material) for name, method in METHODS.items()}
    same = agreement(answers)
    jobs = {name: (lambda method=method: method(material)) for name, method in METHODS.items()}
    times = in_turns(jobs, rounds)
    rows = []
    base = times["the matrix product alone"]
    for name, time in times.items():
        scale = CROSS_JOINED if "DuckDB" in name else 1
        memory = peak_mb(name, n // scale if scale > 1 else n)
        wall, processor = scale * time.wall, scale * time.cpu
        ratios = f"{wall / base.wall:.1f}", f"{processor / base.cpu:.1f}"
        rows.append([name, f"{wall:.2f}", f"{processor:.2f}", *ratios, f"{memory:.0f}"])
    header = ["method", "wall s", "processor s", "× product", "processor time × product"]
    header.append("peak MB beside the vectors")
    text = (
        f"## Characters\n\n{n} faces × {WIDTH} against {EXAMPLES} examples of {CHARACTERS} characters, k = {K}, "
        f"{rounds} rounds in turns. {same}\n\n{table(header, rows)}"
    )
    ours = times["ours: vector query and vote"].wall
    peers = {name: t.wall for name, t in times.items() if name.startswith(("scikit", "the matrix"))}
    return Section(text, {f"÷ {name}": ours / wall for name, wall in peers.items()})


def agreement(answers: dict[str, np.ndarray]) -> str:
    """Say how many faces all methods give the same name; raise AssertionError below 99.99 %."""
    mine = answers["ours: vector query and vote"]
    theirs = answers["scikit-learn KNeighborsClassifier"]
    joined = next(answer for name, answer in answers.items() if "DuckDB" in name)
    shares = [float((mine == theirs).mean()), float((mine[::CROSS_JOINED] == joined).mean())]
    assert min(shares) >= 0.9999, shares  # a tie to the last bit may fall either way
    return f"Same names as ours: scikit-learn {100 * shares[0]:.3f} %, DuckDB {100 * shares[1]:.3f} %."


if __name__ == "__main__":
    import argparse

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--faces", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=5)
    chosen = parser.parse_args()
    print(run(Path(), chosen.faces, chosen.rounds))
