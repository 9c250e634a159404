"""A set of six pictures that people voted on, and answers to it."""

import json

import numpy as np
from PIL import Image

from isomorph.perception import Answers

OUTCOMES = ("cat", "dog", "abstain")
VOTES = {
    "cat11.jpg": [10, 0, 0], "dog11.jpg": [0, 10, 0], "stone.jpg": [0, 0, 10], "x-cat-fog-3.jpg": [5, 1, 4], "y-dog-fog-9.jpg": [0, 2, 8],
    "z-dog-fog-9.jpg": [1, 1, 8],
}  # fmt: skip
CATEGORY = {"cat11.jpg": 1, "dog11.jpg": 1, "stone.jpg": 4, "x-cat-fog-3.jpg": 8, "y-dog-fog-9.jpg": 8, "z-dog-fog-9.jpg": 8}


def example_set(folder, *, learn=False):
    """In VisAlign's layout."""
    root = folder / "open_test_set"
    rng = np.random.default_rng(0)

    def picture(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(rng.integers(0, 256, (24, 24, 3), dtype=np.uint8)).save(path)

    (root / "filenames").mkdir(parents=True)
    for name, category in CATEGORY.items():
        picture(root / f"category{category}" / name)
        with (root / "filenames" / f"category{category}.txt").open("a") as lines:
            lines.write(f"category{category}/{name}\n")
    (root / "labels.json").write_text(json.dumps(VOTES))
    facts = {"classes": ["cat", "dog"], "severities": {"x-cat-fog-3.jpg": 3, "y-dog-fog-9.jpg": 9, "z-dog-fog-9.jpg": 9}}
    (folder / "set.json").write_text(json.dumps(facts))
    for split, count in (("final_train", 6), ("final_eval", 3)) if learn else ():
        (folder / "train_split_filenames" / split).mkdir(parents=True)
        for name in ("cat", "dog"):
            files = [f"imagenet21k/{split}-{name}-{at}.png" for at in range(count)]
            for each in files:
                picture(folder / "train_files" / each)
            (folder / "train_split_filenames" / split / f"{name}.txt").write_text("".join(f"{each}\n" for each in files))
    return folder


def run(name, seed=0, shift=0.0):
    """Answers near people's."""
    rng = np.random.default_rng(seed)
    p = np.array(list(VOTES.values())) / 10 + shift + rng.random((6, 3)) / 5
    return Answers(ids=tuple(VOTES), outcomes=OUTCOMES, probabilities=p / p.sum(axis=1, keepdims=True), abstain="abstain", subject=name)
