"""The pickles of VisAlign's code: labels, predictions and abstention scores by file name."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt

from isomorph.data._plain_pickle import read_plain_pickle
from isomorph.errors import FileError, InputError
from isomorph.perception._answers import Answers
from isomorph.perception._submission import VISALIGN_OUTCOMES


def read_visalign_pickle(path: Path | str) -> dict[str, npt.NDArray[np.float64]]:
    """`labels.pk`, `<model>-<seed>-id_prediction.pk` or `<model>-<method>-<seed>-oodscore.pk`, without running what a pickle asks for.

    Returns:
        File name → its number (no axes) or its vector: 11 shares, 10 class probabilities, scores. `visalign_answers` makes answers of
        vectors.

    Raises:
        FileError: The pickle holds something else than a dict of text and numbers, or names anything to be called.

    Example:
        >>> import pickle, tempfile
        >>> file = Path(tempfile.mkdtemp()) / "labels.pk"
        >>> _ = file.write_bytes(pickle.dumps({"zebra12.jpg": np.eye(11)[1]}))
        >>> visalign_answers(read_visalign_pickle(file)).abstain
        'abstain'
    """
    path = Path(path)
    table = read_plain_pickle(path)
    if not isinstance(table, dict) or not table:
        raise FileError(f"{path} holds a {type(table).__name__}, or nothing; a dict of file names and numbers is wanted.")
    found = {}
    for name, value in table.items():
        array = np.asarray(value)
        if not isinstance(name, str) or array.dtype.kind not in "biuf" or array.ndim > 2:
            raise FileError(f"{path}: the entry {name!r:.60} holds {value!r:.60}; a file name with one number or one vector is wanted.")
        found[name] = array.astype(np.float64) if array.ndim < 2 else array.astype(np.float64).reshape(-1)
    return found


def visalign_answers(table: Mapping[str, npt.NDArray[np.float64]], *, subject: str = "") -> Answers:
    """Vectors by file name as answers: 11 shares with abstaining, or 10 class probabilities without; each is divided by its sum.

    Raises:
        InputError: A vector has another length.
    """
    widths = {len(VISALIGN_OUTCOMES), len(VISALIGN_OUTCOMES) - 1}
    width = next(iter(table.values())).size
    odd = next((name for name, each in table.items() if each.size not in widths or each.size != width), None)
    if odd is not None:
        raise InputError(
            f"the image {odd!r} has {table[odd].size} numbers; 11 are wanted, or 10 for classes alone, the same for all images."
        )
    outcomes = VISALIGN_OUTCOMES[:width]
    return Answers.from_weights(
        tuple(table), outcomes, np.stack(list(table.values())), abstain=outcomes[10] if width == 11 else None, subject=subject
    )
