"""How trainers find the controls of pictures, restated from their code: path of each picture → paths of its controls.

Independent of the code that writes. A reader raises AssertionError where its trainer would stop. What they read:
musubi-tuner 30c658c (dataset/datasources.py), diffusion-pipe 8f83dbf (utils/dataset.py), ai-toolkit 27a03a9
(toolkit/dataloader_mixins.py), sd-scripts 48d368f (library/train_util.py, ControlNetDataset).
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable
from pathlib import Path

from PIL import Image
from trainer_readers import pictures_in

Controls = dict[str, list[str]]
CONTROLLED_SUBSET = {"image_dir", "conditioning_data_dir", "num_repeats", "caption_extension", "cache_info"}
CONTROLLED_SUBSET |= {"shuffle_caption", "keep_tokens", "keep_tokens_separator", "enable_wildcard"}
EXTENSIONS = (".jpg", ".jpeg", ".png", ".webp")


def relative(root: Path, path: Path) -> str:
    return path.relative_to(root).as_posix()


def musubi(root: Path) -> Controls:
    """A list names control_path_0, control_path_1 and so on; the first number that is missing ends them."""
    found: Controls = {}
    for dataset in tomllib.loads((root / "dataset_config.toml").read_text("utf-8"))["datasets"]:
        rows = [
            json.loads(line) for line in (root / dataset["image_jsonl_file"]).read_text("utf-8").splitlines()
        ]
        assert all("control_path_0" in row and row["caption"] for row in rows)
        for row in rows:
            paths: list[str] = []
            while (path := row.get(f"control_path_{len(paths)}")) is not None:
                assert (root / path).is_file()
                paths.append(path)
            assert row["image_path"] not in found and (root / row["image_path"]).is_file()
            found[row["image_path"]] = paths
    return found


def diffusion_pipe(root: Path) -> Controls:
    """One folder, with files of the same stem; a picture without one is an error."""
    found: Controls = {}
    for directory in tomllib.loads((root / "dataset.toml").read_text("utf-8"))["directory"]:
        stems = {path.stem: path for path in (root / directory["control_path"]).glob("*") if path.is_file()}
        for file in (root / directory["path"]).glob("*"):
            if file.is_file() and file.suffix not in (".txt", ".npz", ".json", ".parquet", ".bak", ".db"):
                assert file.suffix in EXTENSIONS, f"{file} is taken for a picture"
                assert file.stem in stems, f"no control of {file}"
                found[relative(root, file)] = [relative(root, stems[file.stem])]
    return found


def ai_toolkit(root: Path) -> Controls:
    """A folder or a list of folders; in each the first file of the picture's name with an extension it knows."""
    import yaml

    found: Controls = {}
    for dataset in yaml.safe_load((root / "datasets.yaml").read_text("utf-8"))["datasets"]:
        folders = (
            dataset["control_path"]
            if isinstance(dataset["control_path"], list)
            else [dataset["control_path"]]
        )
        for file in pictures_in(root / dataset["folder_path"], recursive=True):
            controls = []
            for folder in folders:
                places = [root / folder / f"{file.stem}{extension}" for extension in EXTENSIONS]
                controls += [relative(root, place) for place in places if place.exists()][:1]
            assert len(controls) == len(folders), f"{file} has fewer controls than others"
            found[relative(root, file)] = controls
    return found


def kohya_toml(root: Path) -> Controls:
    """Every picture needs a control of its name and size, and every control a picture; other keys are refused."""
    found: Controls = {}
    for dataset in tomllib.loads((root / "dataset_config.toml").read_text("utf-8"))["datasets"]:
        for subset in dataset["subsets"]:
            assert set(subset) <= CONTROLLED_SUBSET
            controls = {path.stem: path for path in pictures_in(root / subset["conditioning_data_dir"])}
            pictures = pictures_in(root / subset["image_dir"])
            assert controls.keys() == {path.stem for path in pictures}
            for file in pictures:
                with Image.open(file) as one, Image.open(controls[file.stem]) as other:
                    assert one.size == other.size
                found[relative(root, file)] = [relative(root, controls[file.stem])]
    return found


CONTROL_READERS: dict[str, Callable[[Path], Controls]] = {
    "musubi": musubi,
    "diffusion-pipe": diffusion_pipe,
    "ai-toolkit": ai_toolkit,
    "kohya-toml": kohya_toml,
}
