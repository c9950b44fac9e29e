"""Hugging Face `imagefolder`: metadata.jsonl has a row for each picture with all facts about it, boxes included."""

from __future__ import annotations

from typing import Any

from animeds_db.export.layouts.common import Files, Item, Layout, Placement, Tree, as_jsonl

SPLIT = "train"


def in_split(picture: Placement) -> str:
    """Return the requested folder, below that of the split."""
    return "/".join([SPLIT, *picture.parts])


def record(item: Item) -> dict[str, Any]:
    """Return the facts about a picture, with the same keys and types for every picture."""
    about = item.about
    boxes = about.get("boxes") or []
    return {
        "text": item.caption,
        "repeats": item.repeats,
        "width": item.width,
        "height": item.height,
        **({"n_frames": item.n_frames} if item.n_frames > 1 else {}),
        "frame_id": item.frame_id,
        "image_type": item.image_type,
        "show": about.get("show"),
        "season": about.get("season"),
        "episode": about.get("episode"),
        "time_s": about.get("time_s"),
        "rating": about.get("rating"),
        "crop": about.get("crop_kind"),
        "tags": [tag for tag, _, _ in about.get("tags") or []],
        "objects": {
            "bbox": [_pixels(box["box"], item.width, item.height) for box in boxes],
            "categories": [box["kind"] for box in boxes],
            "characters": [box["character"] or "" for box in boxes],
            "scores": [box["score"] for box in boxes],
        },
    }


def _pixels(box: list[float], width: int, height: int) -> list[float]:
    """Return [x, y, width, height] in pixels, as COCO and the Hub's viewer read boxes."""
    left, top, right, bottom = box
    return [
        round(left * width, 2),
        round(top * height, 2),
        round((right - left) * width, 2),
        round((bottom - top) * height, 2),
    ]


def metadata(tree: Tree) -> Files:
    """Yield the metadata of the split."""
    rows = ({"file_name": item.path.removeprefix(f"{SPLIT}/"), **record(item)} for item in tree.items)
    yield f"{SPLIT}/metadata.jsonl", as_jsonl(rows)


IMAGEFOLDER = Layout(
    "imagefolder",
    'Hugging Face datasets: load_dataset("imagefolder", data_dir=…), the Hub\'s viewer',
    folder=in_split,
    files=metadata,
    texts=False,
    reads_lines=False,
    repeats="picture",
    tells=True,
    masks=("alpha",),
).with_clips(
    masks=(),
    reads='Hugging Face datasets: load_dataset("videofolder", data_dir=…)',
    other_media=False,  # it takes every file for a sample
)
