"""`isomorph compare`: how alike, from files or from the store."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import tyro

from isomorph.cli._output import print_facts, print_json, print_table
from isomorph.cli._parse import Settings, StoreFolder, call, options_of, wrong_usage
from isomorph.cli._source import read_features

if TYPE_CHECKING:
    from isomorph.features import Features
    from isomorph.geometry import Gram


def run(words: list[str]) -> int | None:
    """Parse and run."""
    return call(compare, words, command="compare")


def compare(
    sources: Annotated[tuple[str, ...], tyro.conf.Positional],
    *,
    measure: str = "cka",
    set: Settings = (),
    replicates: int = 1000,
    seed: int = 0,
    store: StoreFolder = None,
    json: bool = False,
) -> None:
    """Say how alike two or more sets of features of the same stimuli are.

    Args:
        sources: Files (.npy .npz .mat .h5 .pt .csv .parquet .safetensors; FILE#KEY for one array of several) or stored extractions
            (FINGERPRINT#LAYER; the first eight digits are enough).
        measure: A name from `isomorph list measures`.
        set: Options of the measure: --set debiased=false.
        replicates: Bootstrap replicates for the interval.
        seed: Seed of the bootstrap.
        store: The store's folder; default: $ISOMORPH_STORE.
        json: One JSON object: measure, options, value, low, high, n; for more than two sources names and matrix.
    """
    from isomorph import measures

    if len(sources) < 2:
        wrong_usage("compare", f"at least two sets of features are needed; got {len(sources)}.")
    options = options_of(set)
    features = [read_features(each, store=store) for each in sources]
    if len(features) > 2:
        _all_pairs(list(sources), features, measure=measure, options=options, json=json)
        return
    score = measures.compare(features[0], features[1], measure=measure, replicates=replicates, seed=seed, **options)
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


def _all_pairs(names: list[str], features: list[Features | Gram], *, measure: str, options: dict[str, object], json: bool) -> None:
    from isomorph import measures

    _, matrix = measures.compare_all(dict(zip(names, features, strict=True)), measure, **options)
    if json:
        print_json({"measure": measure, "options": _options(measure, options), "names": names, "matrix": matrix})
        return
    print_table([{"": name} | dict(zip(names, row, strict=True)) for name, row in zip(names, matrix.tolist(), strict=True)], ["", *names])
