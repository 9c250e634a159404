"""Brain scores and tables as tensors and plain data for the store, and back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import pandas

    from isomorph.encoding import BrainScores

_ARRAYS = ("units", "contributions", "alphas")
Tensors = dict[str, npt.NDArray[Any]]


def packed(scores: BrainScores, *, notes: Sequence[str] = ()) -> tuple[Tensors, dict[str, Any]]:
    """Columns of numbers as they are, columns of text as codes; `notes` come after those of the scores."""
    from isomorph.encoding._protocol_plain import plain_protocol

    columns, table = packed_table(scores.table)
    tensors = {f"column/{name}": each for name, each in columns.items()}
    keys = {}
    for name in _ARRAYS:
        arrays = getattr(scores, name)
        keys[name] = [list(key) for key in arrays]
        if arrays:
            tensors[name] = np.stack(list(arrays.values()))
    plain = {
        **table,
        "keys": keys,
        "recording": {name: _plain(each) for name, each in scores.recording.items()},
        "protocol": plain_protocol(scores.protocol),
        "notes": list(dict.fromkeys([*scores.notes, *notes])),
        "level": scores.level,
    }
    return dict(sorted(tensors.items())), plain


def unpacked(tensors: Mapping[str, npt.NDArray[Any]], plain: Mapping[str, Any]) -> BrainScores:
    """What `packed` came from."""
    from isomorph.encoding import BrainScores
    from isomorph.encoding._protocol_plain import protocol_from_plain

    arrays: Any = {name: {tuple(key): tensors[name][row] for row, key in enumerate(plain["keys"][name])} for name in _ARRAYS}
    return BrainScores(
        table=unpacked_table({name: tensors[f"column/{name}"] for name in plain["columns"]}, plain),
        recording=plain["recording"],
        protocol=protocol_from_plain(plain["protocol"]),
        notes=tuple(plain["notes"]),
        level=plain["level"],
        **arrays,
    )


def packed_table(table: pandas.DataFrame) -> tuple[Tensors, dict[str, Any]]:
    """A table's columns as tensors, texts as codes; and what these stand for."""
    import pandas

    tensors: Tensors = {}
    texts: dict[str, list[str]] = {}
    for name in table:
        column = table[name]
        if column.dtype.kind in "biuf":
            tensors[str(name)] = np.ascontiguousarray(column.to_numpy())
        else:
            codes, known = pandas.factorize(column.astype(str))
            tensors[str(name)], texts[str(name)] = codes.astype(np.int32), [str(each) for each in known]
    return tensors, {"columns": [str(each) for each in table], "texts": texts}


def unpacked_table(tensors: Mapping[str, npt.NDArray[Any]], plain: Mapping[str, Any]) -> pandas.DataFrame:
    """What `packed_table` came from."""
    import pandas

    columns = {name: np.array(tensors[name]) for name in plain["columns"]}
    texts = {name: np.array(known, dtype=object) for name, known in plain["texts"].items()}
    return pandas.DataFrame({name: texts[name][values] if name in texts else values for name, values in columns.items()})


def _plain(value: Any) -> Any:
    return [str(each) for each in value] if isinstance(value, list | tuple) else value
