"""How often the pictures of each folder are repeated, so that every folder gets its share of an epoch.

sql/steps/export/balance.sql computes the repeats. This module reads and checks the weights file.
"""

from __future__ import annotations

import csv
import fnmatch
import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from animeds_db.errors import UsageError
from animeds_db.session.sandbox import locked_database
from animeds_db.session.scripts import sql_script

WEIGHTS = pa.schema(
    [("line", pa.int64()), ("name", pa.string()), ("pattern", pa.string()), ("weight", pa.float64())]
)
TOLERANCE = 0.015
"""Share of an epoch, 0…1, that whole-number repeats may move between folders, compared with the weights. 20 and 14
pictures are then shown twice and three times (51 % and 49 %) instead of seven and ten times."""
_FOLDERS = pa.schema([("folder", pa.string()), ("pictures", pa.int64())])


@dataclass(frozen=True)
class Balance:
    """How folders are balanced. Raises UsageError for a maximum below 1, and a minimum that is not between 1 and it."""

    weights: Path | None = None
    """CSV file of `pattern,weight`. None: every folder has the weight 1."""
    max_repeats: int = 100
    """Maximum number of repeats of a folder."""
    min_repeats: int = 1
    """Minimum number of repeats of a folder."""

    def __post_init__(self) -> None:
        if self.max_repeats < 1:
            raise UsageError(f"max-repeats is {self.max_repeats}. It must be at least 1.")
        if not 1 <= self.min_repeats <= self.max_repeats:
            raise UsageError(
                f"min-repeats is {self.min_repeats}. It must be between 1 and {self.max_repeats}."
            )


def read_weights(path: Path) -> pa.Table:
    """Return the lines of a weights file (schema WEIGHTS): a folder's name or a pattern, a comma, a weight.

    Raises UsageError, with the line number, for a weight that is not a number above 0. Empty lines and lines that begin
    with `#` are ignored.
    """
    try:
        lines = path.read_text("utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"The weights file {path} cannot be read: {error}") from error
    rows = []
    for number, line in enumerate(lines, start=1):
        if line.strip() and not line.lstrip().startswith("#"):
            cells = [cell.strip() for cell in next(csv.reader([line], skipinitialspace=True))]
            rows.append(_weight(f"{path}:{number}", number, cells))
    return pa.Table.from_pylist(rows, WEIGHTS)


def _weight(where: str, number: int, cells: list[str]) -> dict[str, object]:
    if len(cells) != 2 or not cells[0]:
        raise UsageError(
            f"{where}: {len(cells)} columns instead of two.",
            hint="Each line is a pattern and a weight: 1_character,3",
        )
    try:
        weight = float(cells[1])
    except ValueError:
        raise UsageError(
            f'{where}: the weight "{cells[1]}" is not a number.',
            hint="Each line is a pattern and a weight. There is no header.",
        ) from None
    if not (weight > 0 and math.isfinite(weight)):
        raise UsageError(
            f"{where}: the weight is {cells[1]}. It must be above 0.",
            hint="To leave pictures out, change the selection.",
        )
    from animeds_db.export.names import safe_name

    # Folder names are made safe for every system: Re:Zero is Re_Zero on disk. Both are accepted here.
    name = cells[0] if set("*?[") & set(cells[0]) else safe_name(cells[0])
    return {"line": number, "name": name, "pattern": regex_of(cells[0]), "weight": weight}


def regex_of(pattern: str) -> str:
    """Return a shell pattern (fnmatch, case-sensitive, `*` also matches `/`) as a regular expression of RE2."""
    text = fnmatch.translate(pattern)
    text = re.sub(r"^\(\?s:(.*)\)\\[Zz]$", r"\1", text, flags=re.DOTALL)
    return text.replace("(?>", "(?:").replace("(?!)", r"[^\s\S]")


def repeats_of(
    folders: Mapping[str, int],
    weights: pa.Table | None = None,
    *,
    max_repeats: int = 100,
    min_repeats: int = 1,
) -> pa.Table:
    """Return the result of balance.sql per folder: probability, multiply (two decimals), repeats (whole).

    folders: relative folder → number of pictures directly in it, ≥ 1.
    """
    rows = [{"folder": folder, "pictures": count} for folder, count in sorted(folders.items())]
    with locked_database() as workbench:
        workbench.register("folders", pa.Table.from_pylist(rows, _FOLDERS))
        workbench.register("weights", WEIGHTS.empty_table() if weights is None else weights)
        sql = sql_script("steps/export", "balance.sql")
        params = {"least": min_repeats, "most": max_repeats, "tolerance": TOLERANCE}
        return workbench.sql(sql, params=params).to_arrow_table()


def balance_table(folders: Iterable[str], balance: Balance) -> pa.Table:
    """Return the result of repeats_of for the folders of pictures, one folder per picture."""
    weights = read_weights(balance.weights) if balance.weights else None
    return repeats_of(
        Counter(folders), weights, max_repeats=balance.max_repeats, min_repeats=balance.min_repeats
    )


def balanced(plan: pa.Table, balance: Balance) -> pa.Table:
    """Return a plan (export.PLAN) with its repeats: whole, and as `multiply` with two decimals.

    Raises UsageError if the selection has a column repeats, or if the weights file is not valid.
    """
    if plan["repeats"].null_count < plan.num_rows:
        raise UsageError(
            "The selection has a column repeats, which a balance would overwrite.",
            hint="Remove the column, or do not balance.",
        )
    folders = [folder or "" for folder in plan["folder"].to_pylist()]
    table = balance_table(folders, balance)
    rows = table["folder"].to_pylist()
    for column in ("repeats", "multiply"):
        known = dict(zip(rows, table[column].to_pylist(), strict=True))
        place, kind = plan.column_names.index(column), plan.schema.field(column)
        plan = plan.set_column(place, kind, pa.array([known[folder] for folder in folders], kind.type))
    return plan


def folders_of(plan: pa.Table, balance: Balance | None) -> list[dict[str, Any]]:
    """Return per folder: pictures, repeats, samples (pictures × repeats), probability of being drawn (0…1).

    With a balance also weight, target (the probability that the weights ask for) and multiply (the repeats that
    EveryDream2 and OneTrainer get, with two decimals).
    """
    folders = [folder or "" for folder in plan["folder"].to_pylist()]
    repeats = [1 if r is None else r for r in plan["repeats"].to_pylist()]
    pictures, samples = Counter(folders), Counter[str]()
    for folder, count in zip(folders, repeats, strict=True):
        samples[folder] += count
    total = sum(samples.values())
    rows = [
        {
            "folder": folder or ".",
            "pictures": n,
            "repeats": round(samples[folder] / n, 2),
            "samples": samples[folder],
            "probability": round(samples[folder] / total, 4),
        }
        for folder, n in sorted(pictures.items())
    ]
    if balance is None:
        return rows
    table = balance_table(folders, balance)
    for row, asked in zip(rows, table.to_pylist(), strict=True):
        row |= {
            "weight": asked["weight"],
            "target": round(asked["probability"], 4),
            "multiply": asked["multiply"],
        }
    return rows
