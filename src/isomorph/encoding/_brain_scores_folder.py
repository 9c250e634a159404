"""Scores of brains as a folder: the table in Parquet, arrays in `.npy`, the rest in JSON."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from isomorph import data
from isomorph.encoding._brain_scores import COLUMNS, BrainScores
from isomorph.encoding._protocol import Protocol
from isomorph.errors import FileError
from isomorph.store._new_folder import new_folder

if TYPE_CHECKING:
    from collections.abc import Mapping

    from isomorph.arrays import FloatArray

_CARD, _FORMAT = "scores.json", 1
_RECORDING = ("name", "digest", "regions", "subjects", "stimuli")
_ARRAYS = ("units", "contributions", "alphas")


def save_scores(scores: BrainScores, folder: Path) -> None:
    """Write a new folder, whole or not at all."""
    card = {
        "isomorph": "brain scores", "format": _FORMAT, "recording": dict(scores.recording), "protocol": scores.protocol.plain(),
        "notes": scores.notes, "level": scores.level, **{name: [list(key) for key in getattr(scores, name)] for name in _ARRAYS},
    }  # fmt: skip
    with new_folder(folder, what="the scores") as made:
        scores.table.to_parquet(made / "table.parquet", index=False)
        for name in _ARRAYS:
            arrays: Mapping[Any, FloatArray] = getattr(scores, name)
            if arrays:
                np.save(made / f"{name}.npy", np.stack(list(arrays.values())), allow_pickle=False)
        (made / _CARD).write_text(json.dumps(card, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def load_scores(folder: Path) -> BrainScores:
    """Read what `save_scores` wrote."""
    card: Any = data.read_json(folder / _CARD)
    if not isinstance(card, dict) or card.get("isomorph") != "brain scores" or card.get("format") != _FORMAT:
        raise FileError(f"{folder / _CARD} does not describe scores of brains of format {_FORMAT}.")
    table = data.read_table(folder / "table.parquet")
    missing = [each for each in COLUMNS if each not in table]
    if missing:
        raise FileError(f"the table in {folder} lacks {len(missing)} columns; the first is {missing[0]!r}.")
    try:
        arrays: Any = {name: _arrays(folder, name, card[name]) for name in _ARRAYS}
        recording = card["recording"] | {name: card["recording"][name] for name in _RECORDING}
        return BrainScores(
            table=table, recording=recording, protocol=Protocol.from_plain(card["protocol"]), notes=tuple(map(str, card["notes"])),
            level=float(card["level"]), **arrays,
        )  # fmt: skip
    except (KeyError, TypeError, ValueError) as error:
        raise FileError(f"{folder / _CARD} lacks a part, or holds it in another form: {error}.") from error


def _arrays(folder: Path, name: str, keys: list[list[str]]) -> dict[tuple[str, ...], FloatArray]:
    if not keys:
        return {}
    values = data.read_npy(folder / f"{name}.npy")
    if values.ndim != 2 or len(values) != len(keys):
        raise FileError(f"{folder / f'{name}.npy'} has shape {values.shape}, but {_CARD} names {len(keys)} rows.")
    return {tuple(map(str, key)): row for key, row in zip(keys, values, strict=True)}
