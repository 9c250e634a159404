"""Brain scores as tensors and plain data for the store, and back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from isomorph.encoding import BrainScores

_ARRAYS = ("units", "contributions", "alphas")
Tensors = dict[str, npt.NDArray[Any]]


def packed(scores: BrainScores, *, notes: Sequence[str] = ()) -> tuple[Tensors, dict[str, Any]]:
    """Columns of numbers as they are, columns of text as codes; `notes` come after those of the scores."""
    import pandas

    from isomorph.encoding._protocol_plain import plain_protocol

    tensors: Tensors = {}
    texts: dict[str, list[str]] = {}
    for name in scores.table:
        column = scores.table[name]
        if column.dtype.kind in "biuf":
            tensors[f"column/{name}"] = np.ascontiguousarray(column.to_numpy())
        else:
            codes, known = pandas.factorize(column.astype(str))
            tensors[f"column/{name}"], texts[str(name)] = codes.astype(np.int32), [str(each) for each in known]
    keys = {}
    for name in _ARRAYS:
        arrays = getattr(scores, name)
        keys[name] = [list(key) for key in arrays]
        if arrays:
            tensors[name] = np.stack(list(arrays.values()))
    plain = {
        "columns": [str(each) for each in scores.table],
        "texts": texts,
        "keys": keys,
        "recording": {name: _plain(each) for name, each in scores.recording.items()},
        "protocol": plain_protocol(scores.protocol),
        "notes": list(dict.fromkeys([*scores.notes, *notes])),
        "level": scores.level,
    }
    return dict(sorted(tensors.items())), plain


def unpacked(tensors: Mapping[str, npt.NDArray[Any]], plain: Mapping[str, Any]) -> BrainScores:
    """What `packed` came from."""
    import pandas

    from isomorph.encoding import BrainScores
    from isomorph.encoding._protocol_plain import protocol_from_plain

    table = {}
    for name in plain["columns"]:
        values = np.array(tensors[f"column/{name}"])
        table[name] = np.array(plain["texts"][name], dtype=object)[values] if name in plain["texts"] else values
    arrays: Any = {name: {tuple(key): tensors[name][row] for row, key in enumerate(plain["keys"][name])} for name in _ARRAYS}
    return BrainScores(
        table=pandas.DataFrame(table),
        recording=plain["recording"],
        protocol=protocol_from_plain(plain["protocol"]),
        notes=tuple(plain["notes"]),
        level=plain["level"],
        **arrays,
    )


def _plain(value: Any) -> Any:
    return [str(each) for each in value] if isinstance(value, list | tuple) else value
