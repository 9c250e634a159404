"""What an export says of itself: for programs (`card.json`) and for people (`README.md`)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from isomorph import spec
from isomorph._version import __version__
from isomorph.alignet._fine_tuned import FineTuned

if TYPE_CHECKING:
    from isomorph.alignet._student import Student
    from isomorph.models import Model

VERSION = 1
_PACKAGES = ("torch", "timm", "torchvision", "safetensors", "onnx", "onnxscript", "onnxruntime")


def describe(given: FineTuned | Model, model: Model, student: Student, facts: Mapping[str, Any]) -> dict[str, Any]:
    """What is known of a student before it is written; equal students give equal cards."""
    return {
        "isomorph": "student",
        "version": VERSION,
        "model": spec.to_plain(model.card),
        "weights": model.weights,
        "recipe": spec.to_plain(model.recipe),
        "recipe_kind": type(model.recipe).__name__,
        "built": dict(student.built),
        "student": {
            "layer": student.layer,
            "pool": student.pool,
        },
        "readout": getattr(student.readout, "facts", None),
        "training": _training(given),
        "facts": spec.to_plain(facts),
        "seen": len(model.seen),
    }


def _training(given: FineTuned | Model) -> dict[str, Any] | None:
    """What the last checkpoint says of the run, and how it ended."""
    if not isinstance(given, FineTuned):
        return None
    from safetensors import safe_open

    with safe_open(given.checkpoint, framework="numpy") as file:
        header = json.loads(file.get_tensor("header").tobytes())
    last = given.history[-1] if given.history else {"loss": None, "agreement": None}
    return {
        "steps": header["step"],
        "beginning": header["facts"]["model"],
        "triplets": header["facts"]["triplets"],
        "options": header["facts"]["options"],
        "loss": last["loss"],
        "agreement": last["agreement"],
        "validation": {name: each["agreement"] for name, each in given.validation.items()},
        "skipped": len(given.skipped),
    }


def versions() -> dict[str, str]:
    """Of the packages that had a hand in it."""
    found = {"isomorph": __version__}
    for name in _PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def write_card(folder: Path, card: Mapping[str, Any], seen: Sequence[str]) -> None:
    """`card.json`, `README.md`, and `seen.json` where there is anything in it."""
    if seen:
        (folder / "seen.json").write_text(json.dumps(list(seen), ensure_ascii=False), encoding="utf-8")
    (folder / "README.md").write_text(readme(card), encoding="utf-8")
    (folder / "card.json").write_text(json.dumps(card, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def readme(card: Mapping[str, Any]) -> str:
    """The card in plain words."""
    model, student = card["model"], card["student"]
    parts = [
        f"# {model['name']}\n\nA network whose sense of similarity was taught by odd-one-out triplets, exported by Isomorph.",
        "## What it is\n\n" + _table(_what(card)),
        "## What it returns\n\n"
        + _table({f"`{name}`": f"`[batch, {', '.join(map(str, shape))}]`" for name, shape in card["outputs"].items()}),
        f"`pre_logits` is the layer `{student['layer']}` of the network, pooled as `{student['pool']}`; dot products of `triplet_logits` "
        f"are the similarities that were trained. {_layers(card['layers'])}{_readout(card['readout'])}",
        "## How a picture is prepared\n\n" + _recipe(card),
        "## How to load it\n\n" + _loading(card),
        "## How it was trained\n\n" + _trained(card),
        "## What is not known\n\n" + _unknown(card),
    ]
    return "\n\n".join(parts) + "\n"


def _what(card: Mapping[str, Any]) -> dict[str, str]:
    model = card["model"]
    return {
        "Objective": model["objective"] or "not known",
        "Trained on": model["training_data"] or "not known",
        "Architecture": model["architecture"] or "not known",
        "Parameters": f"{model['parameters']:,}" if model["parameters"] else "not known",
        "Licence of the weights it began as": model["licence"] or "not known",
        "Citation": model["citation"] or "none known",
        "Weights": f"`{card['weights']}`",
        "Written by": ", ".join(f"{name} {version}" for name, version in card["versions"].items()),
    }


def _table(rows: Mapping[str, str]) -> str:
    def cell(text: str) -> str:
        return " ".join(text.split()).replace("|", "\\|")

    return "\n".join(["| | |", "|---|---|", *(f"| {cell(name)} | {cell(value)} |" for name, value in rows.items())])


def _layers(layers: Mapping[str, str]) -> str:
    if not layers:
        return ""
    listed = ", ".join(f"`{name}` is `{layer}`" for name, layer in layers.items())
    return f"Of the network's layers, {listed}: what the block hands on (the residual stream, in a transformer). "


def _readout(readout: Mapping[str, Any] | None) -> str:
    if readout is None:
        return "It has no `i1k_logits`."
    count = len(readout["classes"])
    if readout["kind"] == "classifier":
        return (
            f"`i1k_logits` are the scores of {count:,} classes by the classifier of the network that the student began as; it was not "
            "trained again after the student learnt."
        )
    return f"`i1k_logits` are the scores of {count:,} classes by a readout fitted to `pre_logits` ({readout['how']})."


def _recipe(card: Mapping[str, Any]) -> str:
    recipe = card["recipe"]
    if card["recipe_kind"] != "ImageRecipe":
        return "By a function of its author's, which this export does not hold."
    size = f"{recipe['height_pixels']} × {recipe['width_pixels']}"
    ways = {
        "squash": f"The whole picture is scaled to {recipe['resize_pixels']} pixels, whatever its proportions",
        "crop": f"The picture is scaled until its shorter side has {recipe['resize_pixels']} pixels",
        "pad": f"The picture is scaled until it fits into {recipe['resize_pixels']} pixels, with the mean colour around it",
    }
    return (
        f"{ways[recipe['resize']]} ({recipe['interpolation']}), and the centre of {size} pixels is taken. Its channels "
        f"({recipe['channels']}) go from 0 to {recipe['maximum']:g}; then {recipe['mean']} is subtracted, and what is left divided by "
        f"{recipe['std']}. The network takes `[batch, 3, {recipe['height_pixels']}, {recipe['width_pixels']}]`, float32. Other "
        "preparations give other similarities."
    )


_RECIPE_LINES = """import json
from isomorph.models import ImageRecipe

recipe = ImageRecipe(**json.load(open("FOLDER/card.json"))["recipe"])
"""
_LOADING = {
    "student.safetensors": """from isomorph.alignet import load_student

model = load_student("FOLDER")
outputs = model.forward(model.prepare([picture]))""",
    "student.pt2": f"""import torch
{_RECIPE_LINES}program = torch.export.load("FOLDER/student.pt2").module()
outputs = program(recipe([picture]))""",
    "student.onnx": f"""import onnxruntime
{_RECIPE_LINES}session = onnxruntime.InferenceSession("FOLDER/student.onnx")
outputs = session.run(None, {{"pictures": recipe([picture]).numpy()}})  # in the order of session.get_outputs()""",
}


def _loading(card: Mapping[str, Any]) -> str:
    lines = [_LOADING[name] for name in card["files"] if name in _LOADING]
    if card["recipe_kind"] != "ImageRecipe":
        lines = [each.replace(_RECIPE_LINES, "\n").replace("recipe([picture])", "pictures") for each in lines]
    if card["model"]["source"] == "user":
        lines = [
            each.replace('load_student("FOLDER")', 'load_student("FOLDER", base=base)  # a model of the same network') for each in lines
        ]
    blocks = [f"```python\n{each}\n```" for each in lines]
    return "`picture` is uint8 `[height, width, 3]`; `FOLDER` is where this file lies.\n\n" + "\n\n".join(blocks)


def _trained(card: Mapping[str, Any]) -> str:
    training = card["training"]
    rows: dict[str, str] = {name.replace("_", " "): f"{value}" for name, value in card["facts"].items()}
    if training is not None:
        options = training["options"]
        loss, agreement = "not known: the log is lost", "not known: the log is lost"
        if training["loss"] is not None:
            looks = "".join(f"; {name}: {value:.1%}" for name, value in training["validation"].items())
            loss, agreement = f"{training['loss']:.4f}", f"{training['agreement']:.1%} of the last batch{looks}"
        rows |= {
            "Steps": f"{training['steps']:,} of {options['batch_size']:,} triplets",
            "Loss": f"{options['loss']['kind']}, temperature {options['loss']['temperature']:g}",
            "Loss at the last step": loss,
            "Agreement with the teacher": agreement,
            "Triplets": f"`{training['triplets']}`",
            "Began as": f"`{training['beginning']}`",
            "Options": f"`{json.dumps(options)}`",
        }
    rows["Stimuli whose human judgments it has seen"] = f"{card['seen']:,}"
    return _table(rows)


def _unknown(card: Mapping[str, Any]) -> str:
    open_questions = [
        "How it does on tasks other than those in the study it comes from.",
        "Whether its similarities hold for pictures unlike those it learnt from.",
    ]
    if not card["model"]["licence"]:
        open_questions.append("The licence of the weights that it began as; ask their authors before you pass it on.")
    if card["training"] is None:
        open_questions.append("How it was trained: it was exported from a model alone.")
    if "teacher_transform" not in card["facts"]:
        open_questions.append("Which transform its teacher had.")
    return "\n".join(f"- {each}" for each in open_questions)
