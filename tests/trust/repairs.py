"""Damages a database in 40 ways, repairs it and ingests again; prints what each cost."""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections import Counter
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE.parent / "support")]


def main() -> int:
    """Print one line per seed and the sums; return 1 when rows did not come back that an ingest should bring."""
    from damages import SEEDS, a_database, contents, damage, ingest_again

    from animeds_db.store import Store
    from animeds_db.upkeep.check import check

    sums: Counter[str] = Counter()
    for seed in SEEDS:
        folder = Path(tempfile.mkdtemp(prefix="animeds-damage-"))
        store = a_database(folder)
        before = contents(store)
        how = damage(store, seed)
        found = check(store.uri, repair=True)
        ingest_again(Store.open(store.uri))
        after = contents(Store.open(store.uri))
        missing = {
            name: n for name, rows in before.items() if (n := sum(row not in after[name] for row in rows))
        }
        salvaged = sum(table.salvaged.num_rows for table in found.tables if table.salvaged is not None)
        back = f"after the ingest {missing or 'whole'}"
        print(f"{seed}: {how}: lost {found.lost or 'nothing'}, {salvaged} taken back, {back}")
        sums.update(damages=1, found=not found.is_whole, lost=sum(found.lost.values()), salvaged=salvaged)
        sums.update(still_missing=sum(missing.values()))
        sums.update(said_for_good=found.lost.get("labels", 0), whole_after=check(store.uri).is_whole)
        shutil.rmtree(folder)
    print(dict(sums))
    return int(sums["still_missing"] != sums["said_for_good"] or sums["found"] != sums["damages"])


if __name__ == "__main__":
    sys.exit(main())
