"""Make `database-VERSION.zip`: a tiny database of this release, which later releases must open.

    python tests/data/make_database.py

Run it once per release that changes the tables (a new SCHEMA_VERSION), and keep the older files. Inside is a
piece of the sample show with tags of frames and of persons, faces, duplicates, a name, a description and a mask
that a person gave, and a version with a name.
"""

from __future__ import annotations

import shutil
import tempfile
import zipfile
from pathlib import Path

import numpy as np

import animeds_db
from animeds_db.dataset.dataset import open_or_create
from animeds_db.models import load_profile
from animeds_db.sample.show import draw_show
from animeds_db.schema import SCHEMA_VERSION
from animeds_ingest.engines.local import ingest
from animeds_ingest.sampling import Sampling
from animeds_ingest.sources import discover

HERE = Path(__file__).parent
EPISODES = Path(tempfile.gettempdir()) / "animeds-episodes"
"""The path that the database bears: nothing is there when it is opened."""


def main() -> None:
    with tempfile.TemporaryDirectory() as there:
        database = Path(there, "show.animeds")
        draw_show(EPISODES, episodes=1, seed=4, size=(320, 180))
        fill(database)
        shutil.rmtree(EPISODES)
        target = HERE / f"database-{SCHEMA_VERSION}.zip"
        pack(database, target)
        print(f"{target}: {target.stat().st_size / 1000:.0f} kB, animeds-db {animeds_db.__version__}")


def fill(database: Path) -> None:
    models = load_profile("tiny", device="cpu", overrides={"boxes": "person"})
    with open_or_create(str(database), models) as dataset:
        ingest(dataset.store, discover([EPISODES]), Sampling.parse("every=2s", "0", "12"), models)
        dataset.dedup()
        dataset.keep_version("ingested")
        face = dataset.sql("SELECT min(face_id) FROM faces").fetchall()[0][0]
        dataset.label("character", "set", "Emi", [face])
        frame = face.rsplit("-", 1)[0]
        dataset.label("tag", "add", "by_hand", [frame])
        dataset.label("description", "set", "Emi looks up.", [frame])
        dataset.set_mask(frame, np.tri(36, 64, dtype=np.bool_))


def pack(database: Path, target: Path) -> None:
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for path in sorted(p for p in database.rglob("*") if p.is_file()):
            about = zipfile.ZipInfo(path.relative_to(database).as_posix(), (2026, 1, 1, 0, 0, 0))
            archive.writestr(about, path.read_bytes(), zipfile.ZIP_DEFLATED)


if __name__ == "__main__":
    main()
