"""The folds of a recording with everything that does not depend on the model, made once for all layers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from isomorph.arrays import FloatArray, IntArray
from isomorph.encoding._encode_ceilings import rdm_ceilings, unit_ceiling_rule
from isomorph.encoding._encode_options import Certainty
from isomorph.encoding._encode_targets import Targets, UnitTargets
from isomorph.encoding._protocol import Protocol
from isomorph.errors import InputError, ShapeError
from isomorph.inference import bootstrap_weights


@dataclass(frozen=True, eq=False)
class Side:
    """The training or the test stimuli of a fold.

    Attributes:
        name: `"train"` or `"test"`.
        rows: Places of its stimuli in the recording.
        rdms: `[group, pair]`; empty if no metric wants them.
        bounds: Of RDMs `[group, 2]`: lower and upper.
        unit_ceilings: r_max `[unit of the fold]`; None where there is none.
        weights: Of the bootstrap `[replicate, stimulus]`.
        orders: Permutations `[permutation, stimulus]`, of test stimuli only.
    """

    name: str
    rows: IntArray
    rdms: FloatArray
    bounds: FloatArray
    unit_ceilings: FloatArray | None
    weights: IntArray
    orders: IntArray


@dataclass(frozen=True, eq=False)
class Fold:
    """Both sides of a fold, and the units that vary on both.

    Attributes:
        sides: Training, test.
        units: Places in the targets' units.
        columns: Of each group places in `units`.
        total: How many units the targets have.
    """

    sides: tuple[Side, Side]
    units: IntArray
    columns: list[IntArray]
    total: int


def folds_of(targets: Targets, protocol: Protocol, certainty: Certainty) -> list[Fold]:
    """Divide the stimuli.

    Raises:
        ShapeError: A fold has too few stimuli, or no unit of a group varies in one.
        InputError: The protocol needs ceilings that the recording does not give.
    """
    fits = protocol.fits and isinstance(targets, UnitTargets)
    rule = unit_ceiling_rule(targets, protocol) if fits and isinstance(targets, UnitTargets) else None
    weights = bootstrap_weights(len(targets.ids), certainty.drawn, certainty.seed) if certainty.drawn else None
    rng = np.random.default_rng([certainty.seed, 1])
    result: list[Fold] = []
    for train, test in protocol.split.of(targets.ids, targets.stimuli):
        units, columns = _varying(targets, (train, test)) if isinstance(targets, UnitTargets) and fits else (np.empty(0, np.intp), [])
        sides = []
        for name, rows in (("train", train), ("test", test)):
            geometry = any(metric != "eReg" for metric in protocol.metrics)
            rdms = targets.rdms(rows, protocol.distance) if geometry else np.empty((len(targets.groups), 0))
            count = certainty.permutations if name == "test" else 0
            sides.append(
                Side(
                    name=name,
                    rows=rows,
                    rdms=rdms,
                    bounds=rdm_ceilings(targets, rdms, rows, protocol, certainty.seed) if geometry else np.empty((0, 2)),
                    unit_ceilings=None if rule is None else rule(rows)[units],
                    weights=np.empty((0, len(rows)), dtype=np.intp) if weights is None else weights[:, rows],
                    orders=np.array([rng.permutation(len(rows)) for _ in range(count)], dtype=np.intp).reshape(count, len(rows)),
                )
            )
        if not result:
            _check_ceilings(targets, protocol, sides)
        result.append(Fold((sides[0], sides[1]), units, columns, len(targets.units) if isinstance(targets, UnitTargets) else 0))
    return result


def _check_ceilings(targets: Targets, protocol: Protocol, sides: list[Side]) -> None:
    """Raise where RDMs have no ceiling to be normalised by; note which units have none."""
    bounds, units = sides[1].bounds, sides[1].unit_ceilings
    if protocol.normaliser == "none":
        return
    if len(bounds) and np.isnan(bounds).all():
        raise InputError(
            f"the protocol {protocol.name!r} needs ceilings of RDMs (normaliser={protocol.normaliser!r}), which come from trials with two "
            "or more repeats of every stimulus, or from two or more subjects; the recording has neither. Or score without: "
            "normaliser='none'."
        )
    if units is not None and protocol.normalised == "units" and (hopeless := int((~(units > 0)).sum())):
        targets.notes.append(f"{hopeless:,} of {len(units):,} units have a ceiling of 0, or none, and are left out of normalised scores.")


def _varying(targets: UnitTargets, sides: tuple[IntArray, IntArray]) -> tuple[IntArray, list[IntArray]]:
    varies = np.all([np.ptp(targets.responses[rows], axis=0) > 0 for rows in sides], axis=0)
    if not varies.all():
        targets.notes.append(
            f"{int((~varies).sum())} of {len(varies)} units respond alike to all stimuli of one side of a split and are left out there."
        )
    units = np.flatnonzero(varies)
    columns = []
    for group in targets.groups:
        inside = targets.columns(group)
        inside = inside[varies[inside]]
        if not len(inside):
            raise ShapeError(
                f"every unit of {group.called} responds alike to all stimuli of one side of the split. Leave the region out: regions=[…]."
            )
        columns.append(np.searchsorted(units, inside))
    return units, columns
