"""Upstream's configuration files."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

from isomorph import spec
from isomorph.errors import FileError, InputError, MissingDependencyError
from isomorph.visalign._training import Training


def read_configuration(path: Path | str) -> Training:
    """The training that upstream's `config/imagenet.yaml` asks for; what it does not say is as in `Training`.

    Args:
        path: YAML, read by a safe loader that builds nothing but plain values (needs PyYAML); or `.json` of the same form.

    Raises:
        FileError: It cannot be read, or is no table with `trainer` and `dataset`.
        InputError: It asks for another optimiser or schedule than VisAlign's.
        MissingDependencyError: It is YAML and PyYAML is not installed.
    """
    path = Path(path)
    table = _plain(path)
    trainer, dataset = (table.get(each) if isinstance(table, Mapping) else None for each in ("trainer", "dataset"))
    if not isinstance(trainer, Mapping) or not isinstance(dataset, Mapping):
        raise FileError(f"{path} is no configuration of VisAlign's; it needs the tables 'trainer' and 'dataset'.")
    for name, known in (("optimizer", "AdamW"), ("lr_scheduler", "ReduceLROnPlateau")):
        if str(trainer.get(name, known)).lower() != known.lower():
            raise InputError(f"{path} asks for the {name} {trainer[name]!r}; VisAlign's recipe here has {known!r} alone.")
    options = {"learning_rate": trainer.get("lr"), "batch_size": dataset.get("batch_size")}
    return spec.from_plain(Training, {name: each for name, each in options.items() if each is not None}, where=str(path))


def _plain(path: Path) -> Any:
    if path.suffix == ".json":
        from isomorph.data import read_json

        return read_json(path)
    try:
        yaml = import_module("yaml")
    except ImportError as error:
        raise MissingDependencyError("yaml", needed_by=f"{path.name}", install="pip install pyyaml") from error
    try:
        return yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise FileError(f"{path} cannot be read as YAML: {str(error).splitlines()[0]}.") from error
