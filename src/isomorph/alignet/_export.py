"""Students as files for other programs."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from isomorph.alignet._fine_tuned import FineTuned
from isomorph.errors import InputError

if TYPE_CHECKING:
    import torch

    from isomorph.alignet._export_formats import Format
    from isomorph.engine import Progress
    from isomorph.models import Model
    from isomorph.stimuli import Stimuli

TOLERANCE = 1e-4
_WAY_OUT = "Nothing was kept. Does the network draw random numbers when it is evaluated?"


@dataclass(frozen=True, kw_only=True)
class Export:
    """What was written.

    Attributes:
        folder: Where.
        paths: The files: those of the formats, `card.json`, `README.md` and, where the student knows of judgments it has seen, `seen.json`.
        checks: Format → the largest difference between what the file computes and what the student does, as a share of the largest value of
            the output that differs most.
        layers: `layer_0` … → which layer of the student's network it is.
    """

    folder: Path
    paths: tuple[Path, ...]
    checks: Mapping[str, float]
    layers: Mapping[str, str]

    def __str__(self) -> str:
        checked = ", ".join(f"{name} within {share:.1e}" for name, share in self.checks.items())
        return f"{self.folder}: {checked}; {len(self.paths)} files"


def export_student(
    student: FineTuned | Model,
    stimuli: Stimuli,
    folder: Path | str,
    *,
    formats: Sequence[Format] = ("safetensors", "torch", "onnx"),
    layers: Sequence[str] = (),
    facts: Mapping[str, Any] | None = None,
    progress: Progress | None = None,
) -> Export:
    """Write a student with all that it returns: `pre_logits`, `triplet_logits`, `layer_0` …, and `i1k_logits` where it has a readout.

    Every file is read back and run on pictures before it counts: its outputs equal the student's own to 1e-4 of their largest value. The
    folder is there whole or not at all, and an export that is there already and is unchanged is not made again.

    Args:
        student: What `FineTuning.fit` or `load_student` returned.
        stimuli: Any pictures, to trace and to check with; a few suffice.
        folder: Where; it must not hold anything else.
        formats: `"safetensors"` (for `load_student`), `"torch"` (a program of `torch.export`), `"onnx"`.
        layers: Which layers of the student's network are `layer_0`, `layer_1` …; none: its blocks or stages up to the one that is read.
        facts: What else the card shall say: `{"teacher_transform": transform.digest}`.
        progress: Where to show the formats.

    Raises:
        InputError: There is no such format or layer; the model is no student; its network cannot be traced; a file computes something else
            than the student; or the folder holds the export of another student.
        MissingDependencyError: ONNX is wanted and a package is missing.
        FileError: The folder cannot be written.
    """
    from isomorph.alignet._export_card import describe
    from isomorph.alignet._export_folder import check_free, unchanged
    from isomorph.alignet._export_formats import FORMATS, check_packages

    folder, chosen = Path(folder), tuple(dict.fromkeys(formats))
    for each in chosen:
        if each not in FORMATS:
            raise InputError(f"the formats of an export are {', '.join(map(repr, FORMATS))}; got {each!r}.")
    if not chosen:
        raise InputError(f"an export needs a format: one or more of {', '.join(map(repr, FORMATS))}.")
    check_packages(chosen)
    model = as_student_model(student)
    pictures = _some(model, stimuli)
    network = _network(model, pictures, layers)
    card = describe(student, model, network.student, facts or {}) | {"layers": network.layers}
    earlier = check_free(folder, model.weights, model.name)
    if earlier is None or not unchanged(folder, earlier, card, chosen):
        earlier = _write(folder, network, pictures, chosen, card, model.seen, progress)
    return Export(folder=folder, paths=tuple(sorted(folder.iterdir())), checks=earlier["checks"], layers=network.layers)


def as_student_model(student: FineTuned | Model) -> Model:
    """The model, whose module is a `Student`.

    Raises:
        InputError: It is none.
    """
    from isomorph.alignet._student import Student
    from isomorph.models import Model
    from isomorph.models._weights import weights_digest

    model = student.model if isinstance(student, FineTuned) else student
    if not isinstance(model, Model) or not isinstance(model.module, Student):
        name = f"{model.name!r}" if isinstance(model, Model) else f"an object of the type {type(model).__name__}"
        raise InputError(f"{name} is no student: pass what FineTuning.fit or load_student returned.")
    return dataclasses.replace(model, weights=weights_digest(model.module.state_dict()))


def _some(model: Model, stimuli: Stimuli) -> torch.Tensor:
    """Four prepared pictures, the first ones again where there are fewer."""
    if not len(stimuli):
        raise InputError("an export is checked on pictures, but there are no stimuli.")
    batch = model.prepare([stimuli[each % len(stimuli)] for each in range(4)])
    prepared: torch.Tensor = batch.cpu()
    return prepared


def _network(model: Model, pictures: torch.Tensor, layers: Sequence[str]) -> Any:
    from isomorph.alignet._export_network import ExportNetwork, exported_layers

    student = copy.deepcopy(model.module).cpu().eval().requires_grad_(False)
    return ExportNetwork(student, exported_layers(student, pictures, layers)).eval()


def _write(
    folder: Path,
    network: Any,
    pictures: torch.Tensor,
    formats: tuple[Format, ...],
    card: Mapping[str, Any],
    seen: Sequence[str],
    progress: Progress | None,
) -> dict[str, Any]:
    import torch

    from isomorph.alignet._export_card import versions, write_card
    from isomorph.alignet._export_folder import sha256, whole_folder
    from isomorph.alignet._export_formats import Writer, compare
    from isomorph.engine import Progress

    checks: dict[str, float] = {}
    with whole_folder(folder) as made, nullcontext(progress) if progress else Progress(quiet=True) as shown, torch.no_grad():
        batches = [pictures, pictures[:1]]
        expected = [network(each) | network.student(each) for each in batches]
        writer = Writer(network, pictures[:2], made)
        with shown.task(f"exporting {card['model']['name']}", len(formats), unit="formats") as task:
            for each in formats:
                run, what = writer.write(each), f"the export to {each!r}"
                checks[each] = max(
                    compare(right, run(batch), tolerance=TOLERANCE, what=what, way_out=_WAY_OUT)
                    for right, batch in zip(expected, batches, strict=True)
                )
                task.advance()
        files = {path.name: sha256(path) for path in sorted(made.iterdir())}
        outputs = {name: list(values.shape[1:]) for name, values in expected[0].items()}
        whole_card = {**card, "outputs": outputs, "checks": checks, "versions": versions(), "files": files}
        write_card(made, whole_card, seen)
    return whole_card
