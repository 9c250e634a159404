"""`isomorph encode`: how well layers predict the units of a brain, or resemble its geometry."""

from __future__ import annotations

import sys
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import tyro

from isomorph.cli._evaluate import write_report
from isomorph.cli._output import print_json, print_table, say
from isomorph.cli._parse import Settings, StoreFolder, call, options_of, wrong_usage
from isomorph.cli._recording_source import read_layers, read_recording

if TYPE_CHECKING:
    from isomorph.brains import RDMRecording, Recording
    from isomorph.encoding import BrainScores, Protocol

_SHOWN = ("layer", "metric", "region", "subject", "score", "low", "high", "ceiling", "alpha_median", "n_units", "n_stimuli")


def run(words: list[str]) -> int | None:
    """Parse and run."""
    return call(encode, words, command="encode")


def encode(
    sources: Annotated[tuple[str, ...], tyro.conf.Positional],
    *,
    units: Path | None = None,
    stimuli: Path | None = None,
    axes: tuple[str, ...] = (),
    repeats: int | None = None,
    time: tuple[float, ...] = (),
    bad_units: Literal["error", "drop"] = "error",
    small_rois: Literal["warn", "error", "keep"] = "warn",
    roi: tuple[str, ...] = (),
    subject: str | None = None,
    protocol: str = "conwell2024",
    metrics: tuple[str, ...] = (),
    alphas: tuple[float, ...] = (),
    cv: str | None = None,
    min_units: int | None = None,
    set: Settings = (),
    intervals: Literal["delta", "bootstrap"] = "delta",
    replicates: int = 1000,
    permutations: int = 0,
    level: float = 0.95,
    seed: int = 0,
    model: str = "",
    out: Path | None = None,
    report: Path | None = None,
    store: StoreFolder = None,
    json: bool = False,
) -> None:
    """Say how well layers predict the units of a brain, and how alike their geometries are; the layer is chosen on train, scored on test.

    Args:
        sources: Layers, then the responses. Layers: files (.npy .npz .mat .h5 .pt .csv .parquet .safetensors; FILE#KEY for one array of
            several), a stored layer (FINGERPRINT#LAYER) or all layers of a stored extraction (FINGERPRINT). Responses: .npy, .npz, .csv,
            .tsv or .parquet with one row a stimulus, a saved recording, RDMs (as `isomorph rdm` writes them, or square), or a benchmark's
            name.
        units: A table with one row a unit: subject, ROIs as columns of 0 and 1, ncsnr.
        stimuli: A table with one row a stimulus, whose ids the rows then have.
        axes: What the axes of the responses are, of stimulus, repeat, unit and time: --axes unit stimulus.
        repeats: Of how many repeats each response is the mean; with it, and ncsnr in the table of units, ceilings are known.
        time: Of responses over time, the second (or from and to) to take.
        bad_units: What to do with units that are constant, or NaN for some stimulus: stop, or leave them out and say so.
        small_rois: What to do where a subject has fewer than ten units in a region.
        roi: Regions to score; default: all that the table of units has.
        subject: Whose units to score; default: everyone's.
        protocol: A name from `isomorph list protocols`.
        metrics: cRSA (geometry of the layer), eReg (units from the layer by ridge), eRSA (geometry of these predictions).
        alphas: Penalties of the ridge to choose among, instead of the protocol's.
        cv: How they are chosen within train: loo, or a number of folds.
        min_units: Leave out regions with fewer units; default: the protocol's where there are regions.
        set: Other fields of the protocol: --set scorer=spearman aggregator=median.
        intervals: delta, or bootstrap over stimuli.
        replicates: Of the bootstrap.
        permutations: Permutations for each p-value; 0 for none.
        level: The intervals' coverage.
        seed: Of both.
        model: What to call the model.
        out: Save the scores in this new folder.
        report: Write a report into this folder.
        store: The store's folder; default: $ISOMORPH_STORE.
        json: One JSON object: scores and alphas (one a unit), mean, low, high, table, and what they are of.
    """
    from isomorph.encoding import encode as encode_layers
    from isomorph.engine import Progress
    from isomorph.report import encoding_report
    from isomorph.results._encoding_options import protocol_with

    if len(sources) < 2:
        wrong_usage("encode", f"at least one layer and the responses are needed; got {len(sources)} of them.")
    asked = protocol_with(protocol, metrics=metrics, alphas=alphas, cv=cv, options=options_of(set))
    _warn_of_one_alpha(asked)
    recording = read_recording(
        sources[-1], units=units, stimuli=stimuli, axes=axes, repeats=repeats, bad_units=bad_units, small_rois=small_rois, subject=subject
    )
    layers = read_layers(sources[:-1], recording, store=store)
    asked = _with_min_units(asked, recording, min_units)
    with Progress(quiet=not sys.stderr.isatty()) as progress:
        scores = encode_layers(
            layers,
            recording,
            protocol=asked,
            model=model or _common_name(sources[:-1]),
            regions=roi or None,
            time=_moment(time),
            intervals=intervals,
            replicates=replicates,
            permutations=permutations,
            level=level,
            seed=seed,
            progress=progress,
        )
    if out:
        scores.save(out)
        say(f"scores: {out}")
    written = encoding_report(scores, title=scores.recording["name"] or "brain scores")
    if json:
        print_json(_answer(scores) | {"headline": written.headline})
    else:
        print_table(scores.chosen().to_dict("records"), _SHOWN, title=f"{scores.protocol.name}, layers chosen on train, scored on test")
        for sentence in (written.headline, *scores.notes):
            say(sentence)
    if report:
        say(f"report: {write_report(written, report)}")


def _warn_of_one_alpha(protocol: Protocol) -> None:
    grid: tuple[float, ...] = getattr(protocol.regression, "alphas", ())
    if len(grid) == 1 and protocol.fits:
        warnings.warn(f"the grid has one alpha, {grid[0]:g}: none is chosen. Give several: --alphas 0.1 1 10 100 1000.", stacklevel=2)


def _with_min_units(protocol: Protocol, recording: Recording | RDMRecording, wanted: int | None) -> Protocol:
    """A rule about small regions is none about a recording without regions."""
    if wanted is None and not getattr(recording, "rois", True):
        width = recording.width
        wanted = width if width < protocol.min_units else None
    return protocol if wanted is None else protocol.changed(min_units=wanted, name=protocol.name)


def _moment(time: tuple[float, ...]) -> float | tuple[float, float] | None:
    if len(time) > 2:
        wrong_usage("encode", f"--time takes one second, or from and to; got {len(time)} numbers.")
    return None if not time else time[0] if len(time) == 1 else (time[0], time[1])


def _common_name(sources: tuple[str, ...]) -> str:
    """What the layers' files have in common: their stem where there is one, their folder where there are several."""
    paths = {Path(each.partition("#")[0]) for each in sources}
    first = next(iter(paths))
    return first.stem if len(paths) == 1 else first.resolve().parent.name


def _answer(scores: BrainScores) -> dict[str, Any]:
    """The chosen layer of the first region, unit by unit; then everything."""
    chosen = scores.chosen()
    metric = next(each for each in ("eReg", *scores.protocol.metrics) if each in set(chosen["metric"]))
    row = chosen[chosen["metric"] == metric].iloc[0]
    return {
        **{name: row[name] for name in ("model", "layer", "metric", "region", "subject")},
        "scores": scores.units.get((row["model"], row["layer"], metric), ()),
        "alphas": [float(f"{each:.7g}") for each in scores.alphas.get((row["model"], row["layer"]), ())],  # kept as float32
        **{"mean": row["score"], "low": row["low"], "high": row["high"], "n": row["n_stimuli"], "protocol": scores.protocol.name},
        **{"recording": scores.recording, "notes": scores.notes},
        **{"chosen": chosen.to_dict("records"), "table": scores.table.to_dict("records")},
    }
