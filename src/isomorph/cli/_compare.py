"""`isomorph compare`: how alike, from files or from the store."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import tyro

from isomorph.cli._output import print_facts, print_json, print_table
from isomorph.cli._parse import Settings, StoreFolder, call, options_of, wrong_usage
from isomorph.cli._source import read_features
from isomorph.errors import InputError

if TYPE_CHECKING:
    from isomorph.arrays import FloatArray
    from isomorph.features import Features
    from isomorph.geometry import Gram
    from isomorph.pairwise import AllPairs


def run(words: list[str]) -> int | None:
    """Parse and run."""
    return call(compare, words, command="compare")


def compare(
    sources: Annotated[tuple[str, ...], tyro.conf.Positional] = (),
    *,
    measure: str = "cka",
    set: Settings = (),
    replicates: int | None = None,
    seed: int = 0,
    memory_limit: str = "2GB",
    standard_errors: bool = False,
    part: str | None = None,
    state: Path | None = None,
    merge: tuple[Path, ...] = (),
    store: StoreFolder = None,
    json: bool = False,
) -> None:
    """Say how alike two or more sets of features of the same stimuli are; more than two: all pairs, in one pass.

    Args:
        sources: Files (.npy .npz .mat .h5 .pt .csv .parquet .safetensors; FILE#KEY for one array of several) or stored extractions
            (FINGERPRINT#LAYER; the first eight digits are enough).
        measure: A name from `isomorph list measures`.
        set: Options of the measure: --set debiased=false.
        replicates: Bootstrap replicates for the interval; default: 1,000, or 200 for measures that take long; 0: no interval.
        seed: Seed of the bootstrap.
        memory_limit: How much memory all pairs of more than two may take; what does not fit goes to a temporary folder.
        standard_errors: For all pairs, the jack-knife over stimuli of each value, too.
        part: I/N: compute only this share of all pairs' work, the first being 1/N, and write it to --state.
        state: The file to write a share to.
        merge: The states of all shares; no sources are needed then.
        store: The store's folder; default: $ISOMORPH_STORE.
        json: One JSON object: measure, options, value, low, high, n; for more than two sources names and matrix.
    """
    from isomorph import measures
    from isomorph.engine import Progress

    if merge:
        _merged(sources, merge, json=json)
        return
    if len(sources) < 2:
        wrong_usage("compare", f"at least two sets of features are needed; got {len(sources)}.")
    options = options_of(set)
    features = [read_features(each, store=store) for each in sources]
    if len(features) > 2 or part or state:
        items = dict(zip(sources, features, strict=True))
        if len(items) < len(sources):
            twice = next(each for each in sources if sources.count(each) > 1)
            raise InputError(f"{twice!r} is given {sources.count(twice)} times; all pairs are of different things.")
        settings = {"memory_limit": memory_limit, "standard_errors": standard_errors}
        if part or state:
            _share(items, measure, options, settings, part=part, state=state, json=json)
        else:
            _all_pairs(items, measure, options, settings, json=json)
        return
    with Progress(quiet=not sys.stderr.isatty()) as progress:
        score = measures.compare(features[0], features[1], measure=measure, replicates=replicates, seed=seed, progress=progress, **options)
    answer = {
        "measure": measure,
        "options": _options(measure, options),
        "value": score.value,
        "low": score.low,
        "high": score.high,
        "n": score.n,
        "level": score.level,
        "replicates": score.replicates,
        "seed": score.seed,
    }
    print_json(answer) if json else print_facts(answer)


def _options(measure: str, given: dict[str, object]) -> dict[str, object]:
    """The options that were in force, defaults included."""
    from isomorph import measures
    from isomorph.spec import to_plain

    plain = to_plain(measures.load_measure(measure, **given))
    return dict(plain) if isinstance(plain, dict) else given


def _all_pairs(items: dict[str, Features | Gram], measure: str, options: dict[str, Any], settings: dict[str, Any], *, json: bool) -> None:
    from isomorph import measures
    from isomorph.engine import Progress
    from isomorph.pairwise import all_pairs

    with Progress(quiet=not sys.stderr.isatty()) as progress:
        result = all_pairs(items, measures.load_measure(measure, **options), progress=progress, **settings)
    _print_pairs(result, {"measure": measure, "options": _options(measure, options)}, json=json)


def _share(
    items: dict[str, Features | Gram],
    measure: str,
    options: dict[str, Any],
    settings: dict[str, Any],
    *,
    part: str | None,
    state: Path | None,
    json: bool,
) -> None:
    from isomorph import measures
    from isomorph.engine import Progress
    from isomorph.pairwise import all_pairs

    if part is None or state is None:
        wrong_usage("compare", "--part and --state go together.")
    numbers = re.fullmatch(r"(\d+)/(\d+)", part)
    if not numbers:
        wrong_usage("compare", f"--part takes I/N, such as 1/4; got {part!r}.")
    index, count = int(numbers[1]), int(numbers[2])
    with Progress(quiet=not sys.stderr.isatty()) as progress:
        done = all_pairs(items, measures.load_measure(measure, **options), part=(index, count), progress=progress, **settings)
    answer = {"measure": measure, "part": part, "state": str(done.save(state))}
    print_json(answer) if json else print_facts(answer)


def _merged(sources: tuple[str, ...], files: tuple[Path, ...], *, json: bool) -> None:
    from isomorph.pairwise import PairState

    if sources:
        wrong_usage("compare", "--merge takes states and no sources.")
    state = PairState.load(files[0])
    for each in files[1:]:
        state = state.merge(PairState.load(each))
    result = state.finish()
    _print_pairs(result, {"measure": result.measures[0]}, json=json)


def _print_pairs(result: AllPairs, answer: dict[str, Any], *, json: bool) -> None:
    names, matrix = list(result.names), result.values[0]
    if json:
        answer |= {"names": names, "matrix": matrix, "n": result.n, "form": result.form[result.measures[0]]}
        if result.sampled:
            answer["sampled"] = next(iter(result.sampled.values()))
        if result.standard_errors is not None:
            answer["standard_errors"] = result.standard_errors[0]
        print_json(answer)
        return
    _print_matrix(names, matrix)
    if result.standard_errors is not None:
        print("\nstandard errors")
        _print_matrix(names, result.standard_errors[0])


def _print_matrix(names: list[str], matrix: FloatArray) -> None:
    print_table([{"": name} | dict(zip(names, row, strict=True)) for name, row in zip(names, matrix.tolist(), strict=True)], ["", *names])
