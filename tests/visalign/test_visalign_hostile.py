"""Folders of data sets that are damaged, or mean harm, are refused in a sentence."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from isomorph.errors import FileError, InputError
from isomorph.perception import Answers
from isomorph.visalign import open_set, score_runs


def _folder(root: Path) -> Path:
    pictures = root / "open_test_set" / "category1"
    pictures.mkdir(parents=True)
    for name in ("tiger11.jpg", "zebra11.jpg"):
        Image.fromarray(np.zeros((20, 20, 3), dtype=np.uint8)).save(pictures / name)
    (root / "open_test_set" / "filenames").mkdir()
    (root / "open_test_set" / "filenames" / "category1.txt").write_text("category1/tiger11.jpg\ncategory1/zebra11.jpg\n")
    labels = {"tiger11.jpg": [1, 0, 0], "zebra11.jpg": [0, 1, 0]}
    (root / "open_test_set" / "labels.json").write_text(json.dumps(labels))
    (root / "set.json").write_text(json.dumps({"classes": ["tiger", "zebra"]}))
    return root


@pytest.mark.parametrize(
    ("facts", "text"),
    [
        ({"classes": [1, 2]}, "does not say the classes"),
        ({"classes": ["tiger", "zebra"], "severities": [1]}, "garbles the severities"),
        ({"classes": ["tiger", "zebra"], "notes": 5}, "garbles the notes"),
        ({"classes": ["tiger", "zebra"], "missing": "all"}, "garbles the missing"),
    ],
)
def test_facts_of_other_types(tmp_path: Path, facts: dict[str, object], text: str) -> None:
    (_folder(tmp_path) / "set.json").write_text(json.dumps(facts))
    with pytest.raises(FileError, match=text):
        open_set(tmp_path)


def test_facts_that_are_too_deep(tmp_path: Path) -> None:
    (_folder(tmp_path) / "set.json").write_text("[" * 100_000)
    with pytest.raises(FileError, match="cannot be read as the facts"):
        open_set(tmp_path)


def test_lists_that_are_no_text(tmp_path: Path) -> None:
    (_folder(tmp_path) / "open_test_set" / "filenames" / "category1.txt").write_bytes(b"\xff\xfe")
    with pytest.raises(FileError, match="cannot be read as a list of pictures"):
        open_set(tmp_path)


def test_labels_beyond_all_numbers(tmp_path: Path) -> None:
    (_folder(tmp_path) / "open_test_set" / "labels.json").write_text(json.dumps({"tiger11.jpg": [10**400, 0, 0], "zebra11.jpg": [0, 1, 0]}))
    with pytest.raises(InputError, match="too large for a share"):
        open_set(tmp_path)


def test_who_always_abstains_is_right_about_no_class(tmp_path: Path) -> None:
    data = open_set(_folder(tmp_path))
    silent = Answers.from_decisions(data.test.ids, data.outcomes, ["abstain"] * 2, abstain="abstain", subject="silent")
    scores = score_runs([silent], data.gold, replicates=0).set_index("metric")["value"]
    assert scores["accuracy"] == 0  # not the share of the first class
    assert scores["aurc"] == 1
