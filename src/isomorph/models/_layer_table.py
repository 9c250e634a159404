"""A table of a model's layers: shapes, sizes, costs, and how they hang together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from isomorph.models._hooks import ROOT, module_of

if TYPE_CHECKING:
    import pandas as pd
    import torch

    from isomorph.models._layer_table_count import Call
    from isomorph.models._model import Model
    from isomorph.models._plan_dry_run import DryRun, Output
    from isomorph.stimuli import Stimuli

_SENTENCES = {"text 0": "Two people sit at a table and talk.", "text 1": "A brown dog runs across the grass."}
_WHOLE_NUMBERS = ("index", "features", "bytes", "parameters", "buffers", "macs")


def layer_table(model: Model, stimulus: Stimuli | np.ndarray[Any, Any] | str | None = None) -> pd.DataFrame:
    """One row for every output of the model, in the order in which they run: what there is to extract, and what it costs.

    Args:
        model: From `load_model` or `wrap_model`.
        stimulus: What to show it: a picture (uint8 [height, width, 3]), a text, or stimuli. None takes two pictures of noise with 224
            pixels a side, or two short sentences. Shapes and costs of a model that reads texts depend on their length.

    Returns:
        A table with the columns

        * `name`, as `extract` calls it, and `kind`, the module's class;
        * `index` and `depth` among the layers that equal no earlier one, as `layers=` takes them; a duplicate has those of its equal;
        * `level`: how many modules stand around it; `parents`: which, from the outermost;
        * `input_shape` (of the first tensor it is given) and `output_shape`, of one stimulus; `features`, how many values that is;
          `dtype` and `bytes` of the output as the model makes it;
        * `parameters`: learnt numbers inside, those of modules within included; `buffers`: others that belong to the weights, such as
          running means. (Models here are frozen: none of them is being trained.)
        * `kernel_size`, of convolutions and poolings;
        * `macs`: multiplications with an addition for one stimulus, of convolutions, matrix products and attention, modules within
          included; missing where another runtime computes;
        * `recursive`: whether the module runs more than once;
        * `duplicate_of`: the layer whose features it equals bit for bit, and `duplicates`: those that equal it;
        * `unusable`: why it cannot be extracted, or "".

    Raises:
        InputError: The model reads something else.

    Example:
        >>> import numpy as np
        >>> from isomorph.models import load_model
        >>> table = layer_table(load_model("bundled/pixels"))
        >>> table[["name", "features", "duplicate_of"]].values.tolist()
        [['pixels', 150528, ''], ['output', 150528, 'pixels']]
    """
    import pandas as pd

    from isomorph.models._extract import check_match
    from isomorph.models._plan_dry_run import dry_run

    stimuli = _stimuli(model, stimulus)
    check_match(model, stimuli)
    seen = dry_run(model, stimuli, pool="flatten", precision="float32")
    calls = _calls(model, stimuli)
    table = pd.DataFrame(_rows(model, seen, calls))
    return table.astype(dict.fromkeys(_WHOLE_NUMBERS, "Int64"))


def _stimuli(model: Model, stimulus: Any) -> Stimuli:
    from isomorph.stimuli import Stimuli

    if isinstance(stimulus, Stimuli):
        return stimulus
    if stimulus is None and model.modality == "text":
        return Stimuli.from_texts(_SENTENCES)
    if stimulus is None:
        return Stimuli.from_arrays(np.random.default_rng(0).integers(0, 256, (2, 224, 224, 3), dtype=np.uint8))
    if isinstance(stimulus, str):
        return Stimuli.from_texts({"text": stimulus})
    return Stimuli.from_arrays([np.asarray(stimulus)])


def _calls(model: Model, stimuli: Stimuli) -> dict[str, Call]:
    from isomorph.models._layer_table_count import CallCounter
    from isomorph.models._plan_dry_run import forward_in

    counter = CallCounter(model.module)
    batch = model.prepare([stimuli[0]])
    with counter.counting():
        forward_in(model, batch, "float32")
    return counter.calls


def _rows(model: Model, seen: DryRun, calls: dict[str, Call]) -> list[dict[str, Any]]:
    modules = dict(model.module.named_modules())
    duplicates = seen.duplicates()
    usable = [each.name for each in seen.outputs.values() if not each.reason]
    unique = {name: place for place, name in enumerate(name for name in usable if name not in duplicates)}
    foreign = _computes_elsewhere(model.module)
    rows = []
    for name, output in seen.outputs.items():
        path = module_of(name)
        module = modules["" if path == ROOT else path]
        call = calls.get(name.partition("[")[0])
        index = unique.get(duplicates.get(name, name))
        rows.append(
            {
                "name": name,
                "kind": output.kind,
                "index": index,
                "depth": float("nan") if index is None else index / max(len(unique) - 1, 1),
                "level": len(_parents(path)),
                "parents": _parents(path),
                **_sizes(output, call),
                "parameters": None if foreign else sum(each.numel() for each in module.parameters()),
                "buffers": None if foreign else sum(each.numel() for each in module.buffers()),
                "kernel_size": _kernel_size(module),
                "macs": None if foreign or call is None else call.macs,
                "recursive": f"{path}:2" in calls,
                "duplicate_of": duplicates.get(name, ""),
                "duplicates": tuple(each for each, other in duplicates.items() if other == name),
                "unusable": output.reason,
            }
        )
    return rows


def _sizes(output: Output, call: Call | None) -> dict[str, Any]:
    import torch

    dtype = (call.dtypes or {}).get(output.name, "") if call else ""
    features = int(np.prod(output.shape, dtype=np.int64))
    itemsize = getattr(torch, dtype).itemsize if dtype else None
    return {
        "input_shape": call.input_shape if call else (),
        "output_shape": output.shape,
        "features": features,
        "dtype": dtype,
        "bytes": features * itemsize if itemsize else None,
    }


def _parents(path: str) -> tuple[str, ...]:
    if path == ROOT:
        return ()
    parts = path.split(".")
    return (ROOT, *(".".join(parts[:count]) for count in range(1, len(parts))))


def _kernel_size(module: torch.nn.Module) -> tuple[int, ...]:
    size = getattr(module, "kernel_size", ())
    axes = 2 if "2d" in type(module).__name__ else 1
    return (size,) * axes if isinstance(size, int) else tuple(size)


def _computes_elsewhere(module: torch.nn.Module) -> bool:
    from isomorph.models._foreign_network import ForeignNetwork

    return any(isinstance(each, ForeignNetwork) for each in module.modules())
