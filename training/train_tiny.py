"""Draws the training sets, trains the six nets of the tiny pack and writes their files.

    python -m training.train_tiny --seed 7 --work DRAWINGS --out PACK [--only tagger --steps 500]

Rule: the same seed and thread count give the same drawings; nets agree within what float sums allow.
"""

from __future__ import annotations

import argparse
import csv
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import torch
from tokenizers import Tokenizer

from animeds_db.sample.drawing.look import CLOTH_COLOURS
from animeds_db.sample.tags import TAGS
from training import stages
from training.cache import FACES_SIZE, HEAD_SIZE, KINDS, PICTURE_SIZE, RATINGS, Heads, Scenes
from training.captions import LONGEST, every_word, write_tokenizer
from training.close import train_bodies, train_finder, train_heads, train_looks, train_together
from training.close_nets import CloserTagNet
from training.details import train_details, train_near
from training.drawn.heads import draw_heads
from training.drawn.scenes import draw_scenes, draw_talks
from training.drawn.shows import draw_episodes
from training.exports import DetectorExport, TaggerExport
from training.joint import train_joint
from training.loop import Plan
from training.masks.drawing import draw_masked_scenes, draw_masked_shows, train_masks
from training.masks.net import MaskExport
from training.nets import (
    Details,
    DetectNet,
    JointNet,
    TagNet,
)
from training.onnx_files import write_onnx
from training.search import VECTOR, ImageNet, tokens, train_search

PACK = Path(__file__).parents[1] / "animeds_db" / "models" / "tiny"
STAGES = (
    *("joint", "tagger", "near", "details", "finder", "heads", "bodies", "looks", "together", "search"),
    *("detector", "character", "mask"),
)
STEPS = {
    "joint": 7000,
    "tagger": 5500,
    "near": 1800,
    "details": 26000,
    "finder": 3000,
    "heads": 30500,
    "bodies": 34000,
    "looks": 14000,
    "together": 11700,
    "search": 6000,
    "detector": 25500,
    "character": 13500,
    "mask": 2400,
}
BATCH = {
    "joint": 16,
    "tagger": 16,
    "near": 48,
    "details": 16,
    "finder": 16,
    "heads": 48,
    "bodies": 48,
    "looks": 16,
    "together": 16,
    "search": 128,
    "detector": 16,
    "character": 64,
    "mask": 12,
}
RATE = {"near": 3e-3, "together": 1.5e-3, "mask": 4e-3}
"""Top learning rates; of the other stages 0.002."""
SAID = 0.5
"""Probability from which a tag is rather said than not; the finished tagger says it as 0.5.

F1 of all tags together is highest when a tag is said from half of that F1 on (Lipton et al., arXiv 1402.1892).
"""
ROUNDED = 0.25
"""How far int8 weights may move a probability of the tagger; on average they move it by 0.003."""
SCENE_SHARDS, SCENES = 60, 500
SHOW_SHARDS, SHOWS = 6, 10
LATER_SHOWS, LATER = 100, (2, 3)
"""The first of the shows whose second or third episode the tagger learns from, and which these are."""
TALKS = 300
HEAD_SHARDS, FAMILIES, EACH = 16, 75, 8
FACE_SHARDS, DRAPED_SHARDS = 20, 8
MASK_SHARDS, MASKED, MASKED_SHOWS = 6, 500, 10
SMALL_THINGS = (
    *(
        "bow",
        "bowtie",
        "hairband",
        "hat",
        "jacket",
        "necktie",
        "one-piece_swimsuit",
        "sailor_collar",
        "scarf",
    ),
)
"""Their colours are not learned: a few pixels each, and each on few drawings."""


def say(text: str) -> None:
    """Print a line of progress at once."""
    print(text, flush=True)


def draw(work: Path, seed: int) -> None:
    """Draw what is missing of the training sets (more than an hour of one core)."""
    for shard in range(SCENE_SHARDS):
        draw_scenes(work / "scenes-train" / f"{shard:02d}", SCENES, seed * 1000 + shard, say)
    for shard in range(FACE_SHARDS + DRAPED_SHARDS):
        folder, draped = work / "faces-train" / f"{shard:02d}", shard >= FACE_SHARDS
        draw_scenes(folder, SCENES, seed * 1000 + 200 + shard, say, size=FACES_SIZE, draped=draped)
    for shard in range(SHOW_SHARDS):
        first = seed * 1_000_000 + shard * SHOWS
        draw_episodes(work / "scenes-train" / f"show-{shard:02d}", range(first, first + SHOWS), say)
        first += LATER_SHOWS
        folder = work / "episodes-train" / f"show-{shard:02d}"
        draw_episodes(folder, range(first, first + SHOWS), say, numbers=LATER, fps=4)
    draw_talks(work / "scenes-train" / "talk-00", TALKS, seed * 1000 + 900, say)
    for shard in range(HEAD_SHARDS):
        draw_heads(work / "heads-train" / f"{shard:02d}", FAMILIES, EACH, seed * 1000 + 500 + shard, say)


def draw_masks(work: Path, seed: int) -> None:
    """Draw what is missing of the pictures with shapes (about five minutes)."""
    for shard in range(MASK_SHARDS):
        draw_masked_scenes(work / "masks-train" / f"{shard:02d}", MASKED, seed * 1000 + 700 + shard, say)
    first = seed * 1_000_000 + 500
    draw_masked_shows(work / "masks-train" / "shows", range(first, first + MASKED_SHOWS), say)


def vocabulary() -> tuple[str, ...]:
    """Return the tagger's names: four ratings first, then what the drawings can show, less what is too small."""
    small = {f"{colour}_{thing}" for colour in CLOTH_COLOURS for thing in SMALL_THINGS}
    return (*RATINGS, *(tag for tag, kind in TAGS if kind == "general" and tag not in small))


def write_tags(path: Path, names: tuple[str, ...], scenes: Scenes) -> None:
    """Write selected_tags.csv as the WD taggers have it; `count` is the number of training drawings."""
    counts = Counter(tag for tags in scenes.tags for tag in tags)
    with path.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(("tag_id", "name", "category", "count"))
        rows.writerows((i, n, 9 if n in RATINGS else 0, counts[n]) for i, n in enumerate(names))


def read_tags(path: Path) -> tuple[str, ...]:
    """Return the names of selected_tags.csv in the order of the outputs."""
    with path.open(encoding="utf-8", newline="") as file:
        return tuple(row["name"] for row in csv.DictReader(file))


def search_names() -> tuple[str, ...]:
    """Return the tags that captions speak of."""
    return tuple(n for n in vocabulary() if n not in RATINGS)


def new_joint(tags: int, words: int) -> JointNet:
    """Return an untrained joint net."""
    return JointNet(tags, len(KINDS), words, VECTOR, LONGEST)


def tokenizer_for(out: Path) -> Tokenizer:
    """Write tokenizer.json and return it loaded."""
    write_tokenizer(every_word(search_names()), out / "tokenizer.json")
    return Tokenizer.from_file(str(out / "tokenizer.json"))


def do_joint(work: Path, out: Path, plan: Plan) -> None:
    """Train what all later stages start from."""
    scenes = Scenes.open(work / "scenes-train")
    names = vocabulary()
    say(f"joint: {len(scenes)} drawings, {len(names)} tags")
    train_joint(scenes, names, tokenizer_for(out), plan, say)


def joint_net(work: Path, out: Path) -> JointNet:
    """Return the joint net as trained so far."""
    net = new_joint(len(vocabulary()), tokenizer_for(out).get_vocab_size())
    net.load_state_dict(torch.load(work / "joint.pt"))
    return net


def do_tagger(work: Path, out: Path, plan: Plan) -> None:
    """Train the tagger that near and details stand on."""
    stages.train_tagger(Scenes.open(work / "scenes-train"), vocabulary(), joint_net(work, out), plan, say)


def tag_net(work: Path) -> TagNet:
    """Return the tagger as trained so far, without details."""
    net = TagNet(len(vocabulary()))
    net.load_state_dict(torch.load(work / "tagger.pt"))
    return net


def do_near(work: Path, _: Path, plan: Plan) -> None:
    """Train the tagger's details on crops."""
    train_near(Scenes.open(work / "scenes-train"), vocabulary(), tag_net(work), plan, say)


def do_details(work: Path, _: Path, plan: Plan) -> None:
    """Train tagger and details together."""
    scenes = Scenes.open(work / "scenes-train", work / "episodes-train")
    names = vocabulary()
    near = Details(len(names))
    near.load_state_dict(torch.load(work / "near.pt"))
    train_details(scenes, names, tag_net(work), near, plan, say)


def do_finder(work: Path, _: Path, plan: Plan) -> None:
    """Train the finder of heads for the second look."""
    train_finder(Scenes.open(work / "scenes-train"), closer_net(work, "details"), plan, say)


def do_heads(work: Path, _: Path, plan: Plan) -> None:
    """Train the net that names the tags of one head from a close crop."""
    train_heads(Scenes.open(work / "scenes-train"), vocabulary(), plan, say)


def do_bodies(work: Path, _: Path, plan: Plan) -> None:
    """Train the net that names what somebody wears and does from a close crop."""
    train_bodies(Scenes.open(work / "scenes-train"), vocabulary(), plan, say)


def do_looks(work: Path, _: Path, plan: Plan) -> None:
    """Train the second look and how both are joined."""
    scenes = Scenes.open(work / "scenes-train", work / "episodes-train")
    train_looks(scenes, vocabulary(), closer_net(work, "details", "finder", "heads", "bodies"), plan, say)


def do_together(work: Path, out: Path, plan: Plan) -> None:
    """Train the whole tagger further; write selected_tags.csv."""
    scenes = Scenes.open(work / "scenes-train", work / "episodes-train")
    names = vocabulary()
    net = train_together(scenes, names, closer_net(work, "details", "finder", "looks"), plan, say)
    places = stages.learned(net, scenes, names, plan)
    write_tags(out / "selected_tags.csv", tuple(names[i] for i in places), scenes)


def closer_net(work: Path, *stages_done: str) -> CloserTagNet:
    """Return the whole tagger with the parts that these stages have trained."""
    net = CloserTagNet(len(vocabulary()))
    second = net.second
    parts: dict[str, torch.nn.Module] = {
        "details": net.base, "finder": net.finder, "heads": second.heads, "bodies": second.bodies, "looks": second,
        "together": net,
    }  # fmt: skip
    for stage in stages_done:
        parts[stage].load_state_dict(torch.load(work / f"{stage}.pt"))
    return net.eval()


def write_tagger(net: ImageNet, path: Path, pictures: np.ndarray) -> None:
    """Write a tagger with the signature of the WD taggers. It is checked on these uint8 pictures [N,288,480,3].

    On noise it would find a head anywhere, by the last bit of a weight.
    """
    names = {"input": {0: "batch"}, "output": {0: "batch"}, "image_embeds": {0: "batch"}}
    write_onnx(
        TaggerExport(net),
        (torch.from_numpy(pictures).flip(3).float(),),
        path,
        inputs=["input"],
        outputs=["output", "image_embeds"],
        dynamic=names,
        metadata={},
        tight=True,
        tolerance=ROUNDED,
    )


def do_detector(work: Path, out: Path, plan: Plan) -> None:
    """Train and write face.onnx."""
    scenes = Scenes.open(work / "faces-train")
    net = stages.train_detector(scenes, joint_net(work, out), plan, say)
    write_detector(net, out / "face.onnx")


def write_detector(net: DetectNet, path: Path) -> None:
    """Write a detector like YOLO's exports: names and imgsz in the metadata, no suppression inside."""
    metadata = {
        "names": str(dict(enumerate(KINDS))),
        "imgsz": str(list(FACES_SIZE)),
        "stride": "32",
        "task": "detect",
    }
    names = {"images": {0: "batch"}, "output0": {0: "batch"}}
    example = (torch.rand(2, 3, *FACES_SIZE),)
    wrapped = DetectorExport(net, *FACES_SIZE)
    write_onnx(
        wrapped, example, path, inputs=["images"], outputs=["output0"], dynamic=names, metadata=metadata
    )


def do_character(work: Path, out: Path, plan: Plan) -> None:
    """Train and write character.onnx."""
    net = stages.train_character(Heads.open(work / "heads-train"), plan, say)
    names = {"input": {0: "batch"}, "output": {0: "batch"}}
    example = (torch.randn(2, 3, *HEAD_SIZE),)
    write_onnx(
        net,
        example,
        out / "character.onnx",
        inputs=["input"],
        outputs=["output"],
        dynamic=names,
        metadata={},
        tight=True,
    )


def do_search(work: Path, out: Path, plan: Plan) -> None:
    """Train vectors beside the tags of selected_tags.csv; write tagger.onnx, text.onnx and tokenizer.json."""
    scenes = Scenes.open(work / "scenes-train")
    tokenizer, names = tokenizer_for(out), vocabulary()
    kept = torch.tensor([names.index(tag) for tag in read_tags(out / "selected_tags.csv")])
    tagger = closer_net(work, "together").narrowed(kept)
    tagger.say_from(SAID)
    net, text = train_search(scenes, search_names(), tokenizer, tagger, len(kept), plan, say)
    write_tagger(net.eval(), out / "tagger.onnx", scenes.pictures[range(16)])
    sentence = {0: "batch", 1: "length"}
    words = {"input_ids": sentence, "attention_mask": sentence, "text_embeds": {0: "batch"}}
    ids = tokens(tokenizer, ["a girl with red hair", "night"])
    write_onnx(
        text,
        ids,
        out / "text.onnx",
        inputs=["input_ids", "attention_mask"],
        outputs=["text_embeds"],
        dynamic=words,
        metadata={},
    )


def do_mask(work: Path, out: Path, plan: Plan) -> None:
    """Train and write mask.onnx."""
    net = train_masks(work / "masks-train", plan, say)
    names = {"img": {0: "batch"}, "mask": {0: "batch"}}
    example = (torch.randn(2, 3, *PICTURE_SIZE),)
    write_onnx(
        MaskExport(net),
        example,
        out / "mask.onnx",
        inputs=["img"],
        outputs=["mask"],
        dynamic=names,
        metadata={},
    )


def main(arguments: list[str]) -> None:
    """Parse the command line and run the stages."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument(
        "--work", type=Path, default=Path("/tmp/animeds-tiny"), help="drawings and intermediate weights"
    )
    parser.add_argument("--out", type=Path, default=PACK)
    parser.add_argument("--only", choices=STAGES, action="append", help="run these stages only")
    parser.add_argument(
        "--steps", type=int, help="optimiser steps for every stage run; 0 only writes the files"
    )
    parser.add_argument("--rate", type=float, help="top learning rate of every stage run")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--fresh", action="store_true", help="forget the weights of an earlier run")
    parser.add_argument("--no-draw", action="store_true", help="train on the drawings that are there")
    chosen = parser.parse_args(arguments)
    torch.set_num_threads(chosen.threads)
    np.seterr(all="raise", under="ignore")
    chosen.out.mkdir(parents=True, exist_ok=True)
    stages_run = chosen.only or STAGES
    if not chosen.no_draw and set(stages_run) - {"mask"}:
        draw(chosen.work, chosen.seed)
    if not chosen.no_draw and "mask" in stages_run:
        draw_masks(chosen.work, chosen.seed)
    work = {
        "joint": do_joint, "tagger": do_tagger, "detector": do_detector, "character": do_character, "search": do_search,
        "near": do_near, "details": do_details, "finder": do_finder, "heads": do_heads, "bodies": do_bodies,
        "looks": do_looks, "together": do_together, "mask": do_mask,
    }  # fmt: skip
    for stage in stages_run:
        say(f"== {stage}")
        steps = STEPS[stage] if chosen.steps is None else chosen.steps
        kept = chosen.work / f"{stage}.pt"
        if chosen.fresh:
            kept.unlink(missing_ok=True)
        plan = Plan(chosen.seed, steps, BATCH[stage], chosen.rate or RATE.get(stage, 2e-3), kept)
        work[stage](chosen.work, chosen.out, plan)


if __name__ == "__main__":
    main(sys.argv[1:])
