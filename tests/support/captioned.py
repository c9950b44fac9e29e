"""A database of tagged frames with named faces, without any video: what captions and folders are made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
from tables import add_source, frame, new_store, rows

from animeds_db.captions import CaptionProfile
from animeds_db.session import Session
from animeds_db.store import Store

SOURCE = "aaaaaaaa"
Face = tuple[str | None, str | None, tuple[float, float, float, float]]
"""(character, appearance, left-top-right-bottom)"""

LEFT = (0.1, 0.1, 0.3, 0.4)
RIGHT = (0.6, 0.2, 0.9, 0.8)

TAGS: Sequence[tuple[str, str, int]] = (
    ("long_hair", "general", 99),
    ("1girl", "general", 98),
    ("solo", "general", 95),
    ("red_hair", "general", 90),
    ("blue_eyes", "general", 85),
    ("school_uniform", "general", 80),
    ("hair", "general", 75),
    ("smile", "general", 70),
    ("^_^", "general", 65),
    ("parody", "general", 60),
    ("takamachi_nanoha", "character", 90),
    ("lyrical_nanoha", "copyright", 80),
    ("someone_(artist)", "artist", 70),
    ("blush", "general", 34),
)
"""One frame's tags, with per cent."""


def captioned_store(
    folder: Path,
    tags: Sequence[Sequence[tuple[str, str, int]]],
    faces: Mapping[int, Sequence[Face]],
    **columns: Sequence[Any],
) -> Store:
    """One finished source; frame i has tags[i] and faces[i]; `columns` give other columns of the frames."""
    store = new_store(folder)
    ids = store.ensure_tags(sorted({(tag, category) for of_one in tags for tag, category, _ in of_one}))
    add_source(
        store,
        SOURCE,
        show="My Show",
        episode=4,
        uri="/anime/S1/My Show - 04.mkv",
        kind="video",
        image_type="screenshot",
    )
    values = []
    for number, of_one in enumerate(tags):
        listed = {"tags": [ids[t] for t, _, _ in of_one], "tag_scores": [s for _, _, s in of_one]}
        own = {name: column[number] for name, column in columns.items()}
        values.append(
            frame(SOURCE, number, tagger="tagger@1", shot=number, stream=0, pts=number, **listed, **own)
        )
    store.upsert("frames", rows(store, "frames", *values))
    for number, seen in faces.items():
        _add_faces(store, values[number]["frame_id"], seen)
    return store


def _add_faces(store: Store, frame_id: str, faces: Sequence[Face]) -> None:
    for place, (character, appearance, box) in enumerate(faces):
        face = {"detection_id": f"{frame_id}-f{place}", "frame_id": frame_id, "source_id": SOURCE}
        sides = dict(zip(("left", "top", "right", "bottom"), box, strict=True))
        found = face | sides | {"kind": "face", "score": 0.9, "model": "detector@1"}
        store.upsert("detections", rows(store, "detections", found))
        if character is not None:
            named = {"character": character, "appearance": appearance, "score": 0.9, "by": "examples"}
            store.upsert("identities", rows(store, "identities", face | named))


def pictures_table(pictures: Sequence[Mapping[str, Any]]) -> pa.Table:
    """Return pictures (picture, frame_id, crop, crop_kind, picture_tags) as described() reads them."""
    schema = pa.schema(
        [
            ("picture", pa.int64()),
            ("frame_id", pa.string()),
            ("crop", pa.list_(pa.float64())),
            ("crop_kind", pa.string()),
            (
                "picture_tags",
                pa.list_(
                    pa.struct([("tag", pa.string()), ("category", pa.string()), ("score", pa.float64())])
                ),
            ),
        ]
    )
    return pa.Table.from_pylist([dict.fromkeys(schema.names) | dict(p) for p in pictures], schema)


def captions_of(
    session: Session, pictures: Sequence[Mapping[str, Any]], profile: CaptionProfile
) -> dict[Any, list[str]]:
    """Return the captions of pictures (picture, frame_id, crop, crop_kind, picture_tags), in the order of variants."""
    sql = "SELECT picture, list(caption ORDER BY variant) AS captions FROM captions_of('pictures', 'mine') GROUP BY 1"
    if profile.needs_more:
        calls = sql.replace("'mine')", "'mine', more := 'more')")
        sql = f"WITH more AS (FROM more_about('pictures', 'mine')) {calls}"
    found = session.step(sql, {"pictures": pictures_table(pictures), "mine": profile.table()})
    return {row["picture"]: row["captions"] for row in found.to_pylist()}
