"""The SavedModels that AligNet's authors released, as networks of timm."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING

from isomorph.errors import InputError

if TYPE_CHECKING:
    from isomorph.models import Model
    from isomorph.models._savedmodel_process import SavedModelProcess
    from isomorph.stimuli import Stimuli

TOLERANCE = 1e-3
_COMMON = ("pre_logits", "triplet_logits", "i1k_logits")


def import_saved_model(folder: Path | str, stimuli: Stimuli, *, name: str = "") -> Model:
    """The SigLIP student in a SavedModel as a network of timm, free of TensorFlow: it can be read layer by layer, taught and exported.

    TensorFlow reads the folder once, in a process of its own, and runs it on pictures: what the network of timm returns has to be the same.
    Of the released students this fits those of SigLIP's architecture; the mapping of the others is not known, and they run as
    `load_model("alignet/…")`.

    Args:
        folder: With `saved_model.pb` in it.
        stimuli: Pictures to compare on; up to four are shown.
        name: What the student is called; default: `savedmodel/` and the folder's name.

    Raises:
        FileError: The folder is no SavedModel, or its variables are not those of SigLIP's image tower.
        InputError: The two networks return different things.
        MissingDependencyError: There is no TensorFlow.
    """
    from isomorph.alignet._import_siglip import siglip_from_flax, siglip_model
    from isomorph.models._savedmodel import SIGNATURE, folder_digest, saved_model_folder
    from isomorph.models._savedmodel_process import SavedModelProcess
    from isomorph.models._weights import weights_digest

    folder = saved_model_folder(Path(folder))
    called = name or f"savedmodel/{folder.name}"
    process = SavedModelProcess(folder, signature=SIGNATURE, subject=called)
    try:
        student = siglip_from_flax(process.variables())
        model = siglip_model(student.built["siglip"])
        model = dataclasses.replace(
            model,
            module=student,
            weights=weights_digest(student.state_dict()),
            card=dataclasses.replace(
                model.card,
                name=called,
                source=called.partition("/")[0],
                summary=f"the SavedModel {folder.name}, as a network of timm",
                parameters=sum(each.numel() for each in student.parameters()),
                layer="output[pre_logits]",
                weights_sha256=folder_digest(folder),
            ),
        )
        _check(model, stimuli, process)
    finally:
        process.close()
    return model


def _check(model: Model, stimuli: Stimuli, process: SavedModelProcess) -> None:
    import torch

    from isomorph.alignet._export_formats import compare

    if not len(stimuli):
        raise InputError("an import is checked on pictures, but there are no stimuli.")
    pictures = model.prepare([stimuli[each] for each in range(min(4, len(stimuli)))])
    found = model.forward(pictures)
    names = [each for each, _, _ in process.outputs if each in _COMMON and each in found]
    if "pre_logits" not in names:
        raise InputError(f"{model.name} returns no pre_logits to compare with; it has {', '.join(each for each, _, _ in process.outputs)}.")
    values = pictures.permute(0, 2, 3, 1).contiguous().numpy()
    theirs = {key: torch.from_numpy(each) for key, each in process.run({process.inputs[0][0]: values}, names).items()}
    what = f"the network of timm made of {model.name}"
    way_out = "Its variables mean something else than in SigLIP's image tower; load_model('savedmodel/…') runs it as it is."
    compare(theirs, {key: found[key] for key in names}, tolerance=TOLERANCE, what=what, way_out=way_out)
