"""Writes a data set in VisAlign's layout; it is there whole or not at all."""

from __future__ import annotations

import io
import json
import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

import numpy as np

from isomorph.errors import InputError
from isomorph.store._atomic import make_folder, write_bytes

if TYPE_CHECKING:
    from isomorph.stimuli import Stimuli

IMAGENET = "imagenet21k"


class SetWriter:
    """Gathers pictures and writes what lists them.

    Args:
        folder: A new folder.
        classes: In their order.
    """

    def __init__(self, folder: Path, classes: Sequence[str]) -> None:
        self.folder, self.classes = folder, tuple(classes)
        self.labels: dict[str, list[float]] = {}
        self.severities: dict[str, int] = {}
        self._test: dict[str, list[str]] = {str(at): [] for at in range(1, 9)}
        self._lists: dict[tuple[str, str], list[str]] = {}

    def learn(self, split: str, name: str, stimuli: Stimuli) -> None:
        """Pictures of the class `name`, of the split `final_train` or `final_eval`."""
        lines = self._lists.setdefault((split, name), [])
        for row, each in enumerate(stimuli.ids):
            file = f"{IMAGENET}/{name}_{split.removeprefix('final_')}{row:05d}_{plain_stem(each)}.jpg"
            self._put(self.folder / "train_files" / file, as_jpeg(stimuli, row))
            lines.append(file)

    def test(self, category: str, name: str, content: bytes, label: Sequence[float] | str, *, severity: int | None = None) -> None:
        """One test picture; `label` is a class, `"abstain"`, or a vector."""
        if name in self.labels:
            raise InputError(f"two test pictures would be called {name!r}; give the pictures of a source different names.")
        place = f"category{category}/{name}"
        self._put(self.folder / "open_test_set" / place, content)
        self._test[category].append(place)
        outcomes = (*self.classes, "abstain")
        self.labels[name] = np.eye(len(outcomes))[outcomes.index(label)].tolist() if isinstance(label, str) else list(label)
        if severity is not None:
            self.severities[name] = severity

    def finish(self, facts: Mapping[str, Any]) -> None:
        """Write lists, labels, the configuration and the facts."""
        root = self.folder / "open_test_set"
        for category, lines in self._test.items():
            for kind in ("filenames", "label"):
                self._put(root / kind / f"category{category}.txt", "".join(f"{each}\n" for each in lines).encode())
        for (split, name), lines in self._lists.items():
            self._put(self.folder / "train_split_filenames" / split / f"{name}.txt", "".join(f"{each}\n" for each in lines).encode())
        self._put(root / "labels.json", json.dumps(self.labels).encode())
        self._put(self.folder / "config" / "imagenet.yaml", _configuration(len(self.classes)).encode())
        known = {"classes": list(self.classes), "severities": self.severities, **facts}
        self._put(self.folder / "set.json", json.dumps(known, indent=1, ensure_ascii=False).encode())

    def _put(self, path: Path, content: bytes) -> None:
        make_folder(path.parent) if not path.parent.is_dir() else None
        write_bytes(path, content, durable=False)


@contextmanager
def new_folder(folder: Path) -> Iterator[Path]:
    """A folder that gets its name once everything in it is written."""
    make_folder(folder.parent)
    temporary = folder.parent / f".{folder.name}.tmp"
    shutil.rmtree(temporary, ignore_errors=True)  # what a kill left
    make_folder(temporary)
    try:
        yield temporary
        temporary.replace(folder)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise


def plain_stem(name: str) -> str:
    """A stem that can stand between the hyphens of VisAlign's names.

    Example:
        >>> plain_stem("edges/bear/bear-1.png")
        'bear_1'
    """
    return re.sub(r"[^A-Za-z0-9]+", "_", PurePosixPath(name).stem).strip("_") or "x"


def as_jpeg(stimuli: Stimuli, row: int, *, quality: int = 95) -> bytes:
    """A picture as a JPEG file: the file that it came from where that is one, else encoded."""
    place = Path(stimuli._parts.source.place(row))
    if place.suffix.lower() in (".jpg", ".jpeg") and place.is_file():
        return place.read_bytes()
    return encoded(stimuli[row], "JPEG", quality=quality)


def encoded(pixels: Any, kind: str, **options: Any) -> bytes:
    """uint8 `[height, width, 3]` as a file's bytes."""
    from PIL import Image

    held = io.BytesIO()
    Image.fromarray(pixels).save(held, kind, **options)
    return held.getvalue()


def _configuration(classes: int) -> str:
    """Upstream's YAML; the values are upstream's own."""
    split = "    label_path: train_split_filenames/{}\n    imagenet21k_path: train_files\n"
    return (
        "trainer:\n  lr: 0.00001\n  optimizer: AdamW\n  lr_scheduler: ReduceLROnPlateau\n"
        "dataset:\n  name: imagenet\n  batch_size: 16\n  dataloader_num_workers: 2\n"
        f"  train:\n{split.format('final_train')}  eval:\n{split.format('final_eval')}"
        f"model:\n  num_classes: {classes}\n  pretrained_weights: false\n  freeze_weights: false\n"
        "mlp:\n  image_size: 224\n  channels: 3\n  patch_size: 16\n  dim: 2048\n  depth: 60\n  expansion_factor: 10\n"
    )
