"""How trainers read masks, written from their code: path of each picture → weights of its pixels, float [h, w], 0…1.

Each refuses what its trainer refuses: a mask of another size, one that is missing, one that is read as a picture.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from PIL import Image
from trainer_readers import pictures_in

Weights = dict[str, np.ndarray]


def _red(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB"), np.float32)[..., 0]


def _grey(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        return np.asarray(image.convert("L"), np.float32) / 255


def _alpha(path: Path) -> np.ndarray:
    """sd-scripts' load_image(alpha=True), ai-toolkit's load_mask_image: a picture without alpha is refused."""
    with Image.open(path) as image:
        assert image.mode == "RGBA", path
        return np.asarray(image, np.float32)[..., 3] / 255


def _same_size(picture: Path, mask: np.ndarray) -> np.ndarray:
    with Image.open(picture) as image:
        assert (image.height, image.width) == mask.shape, (picture, mask.shape)
    return mask


def _stems(folder: Path) -> dict[str, Path]:
    paths = [path for path in sorted(folder.iterdir()) if path.is_file()]
    assert len({path.stem for path in paths}) == len(paths)
    return {path.stem: path for path in paths}


def kohya_alpha(root: Path) -> Weights:
    """sd-scripts with --alpha_mask: every `N_name` folder, as train_data_dir."""
    folders = [p for p in sorted(root.iterdir()) if p.is_dir() and re.match(r"\d+_", p.name)]
    return {_at(root, path): _alpha(path) for folder in folders for path in pictures_in(folder)}


def kohya_mask_files(root: Path) -> Weights:
    """AnimaLoraStudio (ImageDataset._load_mask_image): `STEM.mask` beside the picture, of its very size."""
    found = {}
    for folder in (p for p in sorted(root.iterdir()) if re.match(r"\d+_", p.name)):
        for path in pictures_in(folder):
            found[_at(root, path)] = _same_size(path, _grey(path.parent / f"{path.stem}.mask"))
    return found


CONTROLLED = {"image_dir", "conditioning_data_dir", "caption_extension", "cache_info", "num_repeats"}
CONTROLLED |= {"keep_tokens", "keep_tokens_separator", "enable_wildcard", "shuffle_caption"}
"""The keys of a subset that sd-scripts' schema has for conditioning_data_dir; class_tokens and is_reg are none."""


def kohya_conditioning(root: Path) -> Weights:
    """sd-scripts with --masked_loss: ControlNetDataset, apply_masked_loss."""
    config = tomllib.loads((root / "dataset_config.toml").read_text("utf-8"))
    found = {}
    for subset in (subset for dataset in config["datasets"] for subset in dataset["subsets"]):
        assert set(subset) <= CONTROLLED
        masks = _stems(root / subset["conditioning_data_dir"])
        pictures = pictures_in(root / subset["image_dir"])
        assert {path.stem for path in pictures} == set(masks), "missing or extra conditioning data"
        for path in pictures:
            conditioning = _same_size(path, _red(masks[path.stem])) / 255 * 2 - 1
            found[_at(root, path)] = conditioning / 2 + 0.5
    return found


def kohya_toml_alpha(root: Path) -> Weights:
    config = tomllib.loads((root / "dataset_config.toml").read_text("utf-8"))
    subsets = [subset for dataset in config["datasets"] for subset in dataset["subsets"]]
    assert all(subset["alpha_mask"] is True for subset in subsets)
    folders = [root / subset["image_dir"] for subset in subsets]
    return {_at(root, path): _alpha(path) for folder in folders for path in pictures_in(folder)}


def diffusion_pipe(root: Path) -> Weights:
    """utils/dataset.py and PreprocessMediaFile: any file of the same stem, first channel, of the same size."""
    found = {}
    for directory in tomllib.loads((root / "dataset.toml").read_text("utf-8"))["directory"]:
        masks = _stems(root / directory["mask_path"])
        for path in pictures_in(root / directory["path"]):
            found[_at(root, path)] = _same_size(path, _red(masks[path.stem])) / 255
    return found


def _ai_toolkit(root: Path) -> Iterator[tuple[dict[str, object], Path]]:
    import yaml

    for dataset in yaml.safe_load((root / "datasets.yaml").read_text("utf-8"))["datasets"]:
        for path in pictures_in(root / dataset["folder_path"], recursive=True):
            yield dataset, path


def ai_toolkit(root: Path) -> Weights:
    """MaskFileItemDTOMixin: mask_path is one folder, whatever folder the picture lies in."""
    found = {}
    for dataset, path in _ai_toolkit(root):
        folder = root / str(dataset["mask_path"])
        places = [folder / f"{path.stem}{ending}" for ending in (".jpg", ".jpeg", ".png", ".webp")]
        found[_at(root, path)] = _same_size(path, _grey(next(p for p in places if p.exists())))
    return found


def ai_toolkit_alpha(root: Path) -> Weights:
    assert all(dataset["alpha_mask"] is True for dataset, _ in _ai_toolkit(root))
    return {_at(root, path): _alpha(path) for _, path in _ai_toolkit(root)}


def onetrainer(root: Path) -> Weights:
    """CollectPaths without -masklabel, ModifyPath, LoadImage with one channel; image and mask are cropped as one."""
    found = {}
    for concept in json.loads((root / "concepts.json").read_text("utf-8")):
        for path in pictures_in(Path(concept["path"])):
            if not path.stem.endswith(("-masklabel", "-condlabel")):
                mask = path.parent / f"{path.stem}-masklabel.png"
                found[_at(root, path)] = _same_size(path, _grey(mask))
    return found


def simpletuner(root: Path) -> Weights:
    """Sampler.get_conditioning_sample: the path of the picture, with the other dataset's folder for its own."""
    backends = {b["id"]: b for b in json.loads((root / "multidatabackend.json").read_text("utf-8"))}
    found = {}
    for backend in (b for b in backends.values() if b["dataset_type"] == "image"):
        masks = backends[backend["conditioning_data"]]
        assert (masks["dataset_type"], masks["conditioning_type"]) == ("conditioning", "mask")
        assert masks["source_dataset_id"] == backend["id"]
        shared = ("resolution", "resolution_type", "crop")
        assert all(masks[name] == backend[name] for name in shared), "cropped in another way"
        own = str((root / backend["instance_data_dir"]).absolute())
        other = str((root / masks["instance_data_dir"]).absolute())
        for path in pictures_in(Path(own), recursive=True):
            mask = Path(str(path.absolute()).replace(own, other, 1))
            found[_at(root, path)] = _same_size(path, _red(mask)) / 255
    return found


def _at(root: Path, path: Path) -> str:
    return path.relative_to(root).as_posix()


READERS: dict[tuple[str, str | None], Callable[[Path], Weights]] = {
    ("kohya", "alpha"): kohya_alpha,
    ("kohya", ".mask"): kohya_mask_files,
    ("kohya-toml", "folder"): kohya_conditioning,
    ("kohya-toml", "alpha"): kohya_toml_alpha,
    ("diffusion-pipe", "folder"): diffusion_pipe,
    ("ai-toolkit", "folder"): ai_toolkit,
    ("ai-toolkit", "alpha"): ai_toolkit_alpha,
    ("onetrainer", "masklabel"): onetrainer,
    ("simpletuner", "folder"): simpletuner,
}
"""(layout, mask format) → reader."""
