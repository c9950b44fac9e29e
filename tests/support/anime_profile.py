"""Every file of the profile "anime" under its real name on the hub, small, with its real signature."""

from __future__ import annotations

from pathlib import Path

from model_files import YOLO, detector, embedder, selected_tags, text_tower, tokenizer, wd_tagger

WD = "SmilingWolf/wd-swinv2-tagger-v3"
FACE = "deepghs/anime_face_detection"
CCIP = "deepghs/ccip_onnx"
CLIP = "deepghs/clip_onnx"
WD_FROM, WD_DIVIDE = 200_000, 797.0  # a prime: no score lies at the edge of a thousandth
"""The tagger's scores are the values of its input from there on, divided by that: 0 … 0.32."""
CCIP_FROM, CLIP_FROM = 150_000, 9_000
"""The vectors are the values of the input from there on."""


def contents(folder: Path) -> dict[tuple[str, str], bytes]:
    """Return the content of each file by repository and path; `folder` is for work."""
    clip = "openai/clip-vit-base-patch32"
    names = ("pixel_values", "embeddings")
    made = {
        (WD, "model.onnx"): wd_tagger(folder / "wd.onnx", start=WD_FROM, divide=WD_DIVIDE),
        (WD, "selected_tags.csv"): selected_tags(folder / "selected_tags.csv"),
        (FACE, "face_detect_v1.4_s/model.onnx"): detector(folder / "face.onnx", YOLO),
        (CCIP, "ccip-caformer-24-randaug-pruned/model_feat.onnx"): embedder(
            folder / "ccip.onnx", 768, (384, 384), start=CCIP_FROM
        ),
        (CLIP, f"{clip}/image_encode.onnx"): embedder(
            folder / "clip.onnx", 512, (224, 224), names=names, encodings=768, start=CLIP_FROM
        ),
        (CLIP, f"{clip}/text_encode.onnx"): text_tower(folder / "text.onnx"),
        (CLIP, f"{clip}/tokenizer.json"): tokenizer(folder / "tokenizer.json"),
    }
    return {where: path.read_bytes() for where, path in made.items()}
