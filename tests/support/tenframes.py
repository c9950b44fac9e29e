"""Ten frames with everything that captions are made of: people with boxes, names and tags of their own, sentences."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tables import add_source, counted, frame, new_store, rows, stored

from animeds_db.schema import frame_id
from animeds_db.store import Store

SOURCE = "aaaaaaaa"
TAGGER, SCORER = "tagger@1", "anime-aesthetic@1"

Person = tuple[str | None, float, float, Sequence[str] | None]
"""Name, left and right edge of the person's box, tags of the person's own."""

EMI = ("long_hair", "red_hair", "blue_eyes", "school_uniform", "smile")
AOI = ("short_hair", "black_hair", "school_uniform", "glasses", "closed_mouth")
REN = ("brown_hair", "jacket", "standing")
SCENE = ("outdoors", "rooftop", "sunset", "cloud")

FRAMES: Sequence[tuple[Sequence[str], Sequence[Person]]] = (
    (("1girl", "solo", *EMI, "upper_body", *SCENE), [("Emi", 0.2, 0.7, None)]),
    (("2girls", "multiple_girls", *EMI, *AOI[:4], "indoors", "window"), [("Emi", 0, 0.4, EMI), ("Aoi", 0.6, 1, AOI)]),
    (("2girls", "1boy", "multiple_girls", *SCENE),
     [("Aoi", 0, 0.3, AOI), ("Ren", 0.35, 0.6, REN), ("Emi", 0.7, 1, EMI)]),
    (("6+girls", "multiple_girls", "stage", "spotlight"),
     [(None, n / 5, n / 5 + 0.2, own) for n, own in enumerate((["hat"], ["pink_hair"], None, ["dress"], ["hat"]))]),
    (("no_humans", "scenery", *SCENE), []),
    ((), []),
    (("1boy", "solo", *REN, "night", "moonlight", "masterpiece"), [("Ren", 0.3, 0.6, REN)]),
    (("1girl", "1boy", "hug", "sitting", "looking_at_viewer"), [("Emi", 0, 0.5, None), (None, 0.5, 1, None)]),
    (("1girl", "solo", "very_long_hair", "long_hair", "saber_(fate)", "armor", "sword"), [(None, 0.1, 0.9, None)]),
    (("1girl", "solo", *AOI, "simple_background", "white_background"), [("Aoi", 0.25, 0.75, AOI)]),
)  # fmt: skip
"""The tags of each frame, and its people."""

SENTENCES = {
    0: "Emi smiles on a rooftop,\nwaving at somebody.",
    1: "Two girls talk in a classroom",
    4: "屋上から見た夕焼け。",
    9: 'She says "hello".',
}
"""Frame → its description."""
OF_PEOPLE = {(1, 1): "Aoi reads a book.", (2, 1): "He looks away."}
"""Frame and person → the description of the person's box."""
RANKS = ["worst", "low", "normal", "good", "great", "best", "masterpiece"]
SCORES = {0: {"masterpiece": 80, "best": 20}, 1: {"normal": 60, "good": 40}, 9: {"worst": 90}}
"""Frame → per cent of the labels of the aesthetic model."""
CATEGORIES = {"saber_(fate)": "character"}


def ten_frames(folder: Path) -> Store:
    """Return a database with these frames. The faces are named, and the boxes of people have the tags."""
    store = new_store(folder)
    add_source(store, SOURCE, show="My Show", episode=4, kind="video", image_type="screenshot")
    models = [{"model_id": SCORER, "task": "classifier"}, {"model_id": TAGGER, "task": "tagger"}]
    store.upsert("models", rows(store, "models", *models))
    every = {tag for tags, people in FRAMES for tag in (*tags, *(t for p in people for t in p[3] or ()))}
    ids = store.ensure_tags([(tag, CATEGORIES.get(tag, "general")) for tag in sorted(every)])

    def tagged(tags: Sequence[str]) -> dict[str, Any]:
        numbers, scores = [ids[tag] for tag in tags], [99 - 3 * place for place in range(len(tags))]
        return {"tags": numbers, "tag_scores": stored(scores)} | counted(numbers, scores)

    values, faces, box_tags, names = ([] for _ in range(4))
    sentences: list[dict[str, Any]] = []
    for number, (tags, people) in enumerate(FRAMES):
        frame_of = frame_id(SOURCE, number * 1000)
        values.append(
            frame(SOURCE, number, tagger=TAGGER, rating="general", stream=0, pts=number, **tagged(tags))
        )
        if number in SENTENCES:
            sentences.append({"frame_id": frame_of, "text": SENTENCES[number]})
        for place, (name, left, right, own) in enumerate(people):
            box = {"frame_id": frame_of, "source_id": SOURCE, "score": 0.9, "model": "detector@1"}
            middle = (left + right) / 2
            face = box | {"detection_id": f"{frame_of}-f{place}", "kind": "face", "left": middle - 0.05,
                          "right": middle + 0.05, "top": 0.2, "bottom": 0.4}  # fmt: skip
            person = box | {"detection_id": f"{frame_of}-p{place}", "kind": "person", "left": left, "right": right,
                            "top": 0.1, "bottom": 1.0}  # fmt: skip
            faces += [face, person]
            if name is not None:
                names.append({**face, "character": name, "score": 0.9, "by": "examples"})
            if own is not None:
                shown = {
                    "box_tagging_id": f"{person['detection_id']}@{TAGGER}",
                    "model": TAGGER,
                    "kind": "person",
                }
                ids_of = {key: person[key] for key in ("detection_id", "frame_id", "source_id")}
                box_tags.append(shown | ids_of | tagged(own))
            if (number, place) in OF_PEOPLE:
                text = OF_PEOPLE[number, place]
                sentences.append({"frame_id": frame_of, "detection_id": person["detection_id"], "text": text})
    scored = [
        {"classification_id": f"{frame_id(SOURCE, number * 1000)}@{SCORER}", "about": "aesthetic", "model": SCORER,
         "frame_id": frame_id(SOURCE, number * 1000), "source_id": SOURCE, "label": next(iter(labels)),
         "value": sum(RANKS.index(label) * share for label, share in labels.items()) / sum(labels.values())}
        for number, labels in SCORES.items()
    ]  # fmt: skip
    known = {"source_id": SOURCE, "model": "captioner@1", "prompt": "prose@1", "language": "en"}
    described = [
        known | one | {"description_id": one.get("detection_id", one["frame_id"])} for one in sentences
    ]
    for table, given in (
        ("frames", values), ("detections", faces), ("identities", names), ("box_tags", box_tags),
        ("descriptions", described), ("classifications", scored),
    ):  # fmt: skip
        columns = store.schema(table).schema.names
        store.upsert(
            table, rows(store, table, *({k: v for k, v in row.items() if k in columns} for row in given))
        )
    return store
