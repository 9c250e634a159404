"""`isomorph probe`: how well labels can be read from features."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import tyro

from isomorph.cli._output import print_facts, print_json
from isomorph.cli._parse import Settings, StoreFolder, call, options_of, wrong_usage
from isomorph.cli._source import read_features
from isomorph.errors import FileError, InputError

if TYPE_CHECKING:
    from isomorph.features import Features
    from isomorph.probes import Probe, ProbeResult


def run(words: list[str]) -> int | None:
    """Parse and run."""
    return call(probe, words, command="probe")


def probe(
    source: Annotated[str, tyro.conf.Positional],
    labels: Annotated[Path, tyro.conf.Positional],
    *,
    test: str | None = None,
    test_labels: Path | None = None,
    kind: str = "adamw",
    set: Settings = (),
    part: Annotated[str | None, tyro.conf.arg(metavar="I/N")] = None,
    store: StoreFolder = None,
    json: bool = False,
) -> None:
    """Learn labels from features by a linear map, and say how well that holds on stimuli it has not seen.

    Args:
        source: A file of features (FILE or FILE#KEY) or a stored layer (FINGERPRINT#LAYER).
        labels: Their classes: .csv (the columns id and label, or label alone), .txt (one a line) or .npy.
        test: Features of the test set; else a fifth of each class is held out.
        test_labels: The classes of the test set; else LABELS, where it has ids.
        kind: adamw (the search over learning rates and weight decays), ridge or logistic.
        set: Options of the probe: --set normalise=l2 --set epochs=20. With together=path the search is kept in the store, path by path.
        part: With --set together=path: walk the I-th of N shares of the paths, with whatever machines walk the others into the same
            store; without it the same command then gives the result.
        store: The store's folder; default: $ISOMORPH_STORE.
        json: One JSON object: kind, top1, top5, balanced_accuracy, ece, intervals, chosen, seeds, curve; of a part: part, paths, walked.
    """
    from isomorph.probes import Probe
    from isomorph.spec import from_plain

    if test is None and test_labels is not None:
        wrong_usage("probe", "--test-labels needs --test.")
    settings = from_plain(Probe, {"kind": kind, **options_of(set)})
    if part and settings.together != "path":
        wrong_usage("probe", "--part needs --set together=path: only paths whose fits share no products can be walked apart.")
    classes = _read_labels(labels)
    sets: dict[str, Any] = {"x": _features(source, store), "labels": classes}
    if test is not None:
        sets["test"] = (_features(test, store), classes if test_labels is None else _read_labels(test_labels))
    if part:
        _walk(settings, sets, part, store, json=json)
        return
    result = _learn(settings, sets, store)
    if json:
        print_json(result.to_plain())
        return
    plain = result.to_plain()
    facts = {name: plain[name] for name in ("kind", "top1", "top5", "balanced_accuracy", "ece", "classes", "n_train", "n_test")}
    print_facts(facts | {"top1_low_high": plain["intervals"].get("top1"), "chosen": plain["chosen"], "notes": plain["notes"]})


def _learn(probe: Probe, sets: Mapping[str, Any], store: str | None) -> ProbeResult:
    """The result; of a probe whose paths can be walked apart with what is in the store."""
    if probe.together != "path":
        return probe.fit(**sets)
    from isomorph.engine import run_plan
    from isomorph.probes import probe_paths
    from isomorph.store import open_store

    kept, (paths, join) = open_store(store), probe_paths(probe, **sets)
    run_plan([*paths, join], store=kept)
    return join.result(kept)


def _walk(probe: Probe, sets: Mapping[str, Any], part: str, store: str | None, *, json: bool) -> None:
    from isomorph.engine import Part, run_plan
    from isomorph.probes import probe_paths
    from isomorph.store import open_store

    ours = Part.parse(part).of(probe_paths(probe, **sets)[0])
    report = run_plan(ours, store=open_store(store))
    told = {"part": part, "paths": len(ours), "walked": len(report.ran)}
    (print_json if json else print_facts)(told)


def _features(source: str, store: str | None) -> Features:
    from isomorph.geometry import Gram

    features = read_features(source, store=store)
    if isinstance(features, Gram):
        raise InputError(
            f"{source} holds the relations among the stimuli only; a probe needs features (`isomorph extract` without --reduce gram)."
        )
    return features


def _read_labels(path: Path) -> Any:
    """A mapping id → class where the file has ids, else the classes in order."""
    try:
        if path.suffix == ".npy":
            from isomorph.data import read_npy

            return read_npy(path).ravel().tolist()
        if path.suffix == ".txt":
            return path.read_text(encoding="utf-8").splitlines()
        if path.suffix != ".csv":
            raise InputError(f"labels are read from .csv, .txt or .npy; got {path.name!r}.")
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise error if isinstance(error, FileError) else FileError(f"the labels {path} cannot be read: {error}.") from error
    if not rows or "label" not in rows[0]:
        raise FileError(f"{path} needs a column 'label'; it has {', '.join(map(repr, rows[0])) if rows else 'no rows'}.")
    if "id" not in rows[0]:
        return [row["label"] for row in rows]
    table = {row["id"]: row["label"] for row in rows}
    if len(table) != len(rows):
        raise FileError(f"{path} has {len(rows) - len(table)} ids that stand more than once.")
    return table
