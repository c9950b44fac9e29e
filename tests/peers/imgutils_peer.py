"""Runs dghs-imgutils on pictures. It is started by the Python that has dghs-imgutils, and imports nothing of ours.

python imgutils_peer.py JOBS.json RESULTS.npz, with HF_HUB_CACHE at a folder with the models, and HF_HUB_OFFLINE=1.
A job is {"way": a function below, "pictures": paths, …its arguments}. Job n gives the array "n".
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

Pictures = list[Image.Image]


def wd14(pictures: Pictures, repo: str) -> np.ndarray:
    from imgutils.tagging import wd14

    name = next(name for name, one in wd14.MODEL_NAMES.items() if one == repo)
    return np.stack([wd14.get_wd14_tags(one, name, fmt="prediction") for one in pictures])


def wd14_vectors(pictures: Pictures, repo: str) -> np.ndarray:
    from imgutils.tagging import wd14

    name = next(name for name, one in wd14.MODEL_NAMES.items() if one == repo)
    return np.stack([wd14.get_wd14_tags(one, name, fmt="embedding") for one in pictures])


def deepdanbooru(pictures: Pictures) -> np.ndarray:
    from imgutils.tagging import deepdanbooru

    names = deepdanbooru._get_deepdanbooru_labels()[0]
    rows = []
    for one in pictures:
        found: dict[str, float] = {}
        for part in deepdanbooru.get_deepdanbooru_tags(one, general_threshold=-1, character_threshold=-1):
            found |= part
        rows.append([found[name] for name in names])
    return np.array(rows, np.float32)


def camie(pictures: Pictures) -> np.ndarray:
    from imgutils.tagging.camie import get_camie_tags

    return np.stack([get_camie_tags(one, fmt="prediction") for one in pictures])


def pixai(pictures: Pictures, version: str) -> np.ndarray:
    from imgutils.tagging.pixai import get_pixai_tags

    return np.stack([get_pixai_tags(one, version, fmt="prediction") for one in pictures])


def timm(pictures: Pictures, repo: str) -> np.ndarray:
    from imgutils.generic.multilabel_timm import multilabel_timm_predict

    return np.stack([multilabel_timm_predict(one, repo, fmt="prediction") for one in pictures])


def classifier(pictures: Pictures, repo: str, model: str) -> np.ndarray:
    from imgutils.generic import ClassifyModel

    peer = ClassifyModel(repo)
    scores = [peer.predict_score(one, model, topk=None) for one in pictures]
    labels = peer._open_label(model)["default"].tolist()
    return np.array([[row[label] for label in labels] for row in scores], np.float32)


def aesthetic(pictures: Pictures, model: str) -> np.ndarray:
    """Return score and percentile of each picture."""
    from imgutils.metrics import anime_dbaesthetic

    return np.array([anime_dbaesthetic(one, model, fmt=("score", "percentile")) for one in pictures])


def detector(
    pictures: Pictures,
    repo: str,
    model: str,
    conf: float,
    iou: float,
    keep: bool,
    labels: list[str],
    kinds: list[str],
) -> np.ndarray:
    """Return one row per box: picture, left, top, right, bottom in whole pixels, the place of its kind, score."""
    from imgutils.generic.yolo import YOLOModel

    peer = YOLOModel(repo)
    rows = []
    for n, one in enumerate(pictures):
        for box, label, score in peer.predict(one, model, conf, iou, allow_dynamic=keep):
            rows.append([n, *box, kinds.index(kinds[labels.index(label)]), score])
    return np.array(rows, np.float64).reshape(-1, 7)


def character(pictures: Pictures, model: str) -> np.ndarray:
    from imgutils.metrics import ccip

    return np.asarray(ccip.ccip_batch_extract_features(pictures, model=model))


def metric(pictures: Pictures, model: str) -> np.ndarray:
    from imgutils.metrics import ccip

    return np.asarray(ccip.ccip_batch_differences(pictures, model=model))


def clip(pictures: Pictures, repo: str, model: str) -> np.ndarray:
    from imgutils.generic.clip import clip_image_encode

    return np.asarray(clip_image_encode(pictures, repo, model))


def clip_text(pictures: Pictures, repo: str, model: str, texts: list[str]) -> np.ndarray:
    from imgutils.generic.clip import clip_text_encode

    return np.asarray(clip_text_encode(texts, repo, model))


def matting(pictures: Pictures) -> np.ndarray:
    from imgutils.segment import get_isnetis_mask

    masks = [get_isnetis_mask(one) for one in pictures]
    return np.concatenate([mask.ravel() for mask in masks]).astype(np.float32)


def main(jobs: str, results: str) -> None:
    todo: list[dict[str, Any]] = json.loads(Path(jobs).read_text("utf-8"))
    found = {}
    for n, job in enumerate(todo):
        pictures = [Image.open(path) for path in job.pop("pictures")]
        found[str(n)] = globals()[job.pop("way")](pictures, **job)
    np.savez(results, **found)


if __name__ == "__main__":
    main(*sys.argv[1:])
