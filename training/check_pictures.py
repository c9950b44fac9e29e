"""Draws the ten pictures of `animeds models check`: python -m training.check_pictures

They are frames of a drawn show whose seed is used for nothing else, with the truth about the people on them.
"""

from __future__ import annotations

import json
import tempfile
from dataclasses import asdict
from pathlib import Path

import av
from PIL import Image

from animeds_db.models import checks
from animeds_db.sample.show import draw_show

SEED = 4242
FRAMES = ((1, 100), (1, 130), (1, 445), (1, 280), (1, 165), (1, 335), (1, 252), (2, 190), (2, 470), (1, 540))
"""Episode and frame of each picture: six of one girl, one of one boy, two of several people, one of nobody."""


def main() -> None:
    """Write the pictures and truth.json into the package."""
    folder = Path(checks.__file__).parent
    facts = []
    with tempfile.TemporaryDirectory() as show:
        truth = draw_show(Path(show), episodes=2, seed=SEED)
        for number, (episode, index) in enumerate(FRAMES, 1):
            name = f"{number:02d}.webp"
            with av.open(str(Path(show) / truth.episode(episode).file)) as container:
                frame = next(f for n, f in enumerate(container.decode(video=0)) if n == index)
            Image.fromarray(frame.to_ndarray(format="rgb24")).save(
                folder / name, "WEBP", quality=90, method=6
            )
            state = truth.episode(episode).frame(index)
            people = [{k: v for k, v in asdict(person).items() if v is not None} for person in state.people]
            facts.append({"picture": name, "tags": state.tags, "people": people})
    lines = ",\n".join(json.dumps(fact, ensure_ascii=False) for fact in facts)
    (folder / "truth.json").write_text(f"[\n{lines}\n]\n", "utf-8")


if __name__ == "__main__":
    main()
