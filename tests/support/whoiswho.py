"""Who each face of the sample show is, by the truth that was drawn."""

from __future__ import annotations

from pathlib import Path

import sampleshow
from drawntruth import copy_of_show

from animeds_db.dataset import Dataset
from animeds_db.sample.truth import Truth

FACES = """
SELECT f.face_id, f.frame_id, s.episode, fr.time_s, f.left AS l, f.top AS t, f.right AS r, f.bottom AS b
FROM faces AS f JOIN frames AS fr USING (frame_id) JOIN sources AS s ON s.source_id = fr.source_id ORDER BY 1
"""


def truly(ds: Dataset) -> dict[str, str]:
    """Return who each face of the sample show is, where the truth has a face of that place: a name or "extra"."""
    truth = Truth.load(sampleshow.episodes())
    found = {}
    for row in ds.sql(FACES).to_arrow_table().to_pylist():
        x, y = (row["l"] + row["r"]) / 2, (row["t"] + row["b"]) / 2
        for person in truth.at(row["episode"], row["time_s"]).people:
            box = person.face
            if box and box[0] < x < box[2] and box[1] < y < box[3]:
                found[row["face_id"]] = person.name or "extra"
    return found


def named_show(folder: Path) -> Path:
    """Return the path of a copy of the sample show's database in which every face of the cast has its true name."""
    with copy_of_show(folder) as ds:
        faces = sorted((face, name) for face, name in truly(ds).items() if name != "extra")
        ds.label_all(("character", "set", name, face) for face, name in faces)
    return folder / "show.animeds"
