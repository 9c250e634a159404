"""Does a linear map fitted to people's choices foretell choices about objects that it has not seen? On real trials, with every figure.

Words: the 2,171 published human trials on THINGS; text encoders on the 1,854 concept names (the people saw pictures). Each trial is
judged by a map that was fitted to trials with none of its objects and whose pull was chosen on those. Rows are brought to length 1 and
then to their first 64 axes, worked out without any judgment.
Pictures: the 92 photographs and 16 people's arrangements; each person's dissimilarities say which of three they would call the odd one.

Run with the data at hand: `python benchmarks/study_human_trials.py` (about 3 CPU minutes; `--only words|pictures`).
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial

import numpy as np

import isomorph as iso
from isomorph import Features, Stimuli, data
from isomorph.alignment import Global, HeldOutGain, Naive, held_out_gain
from isomorph.errors import IsomorphError
from isomorph.inference import interval
from isomorph.judgments import Triplets, load_triplets, score_triplets, things_ids, triplets_from_similarities
from isomorph.judgments._resample import resampled_means

WORDS = ("bundled/glove_6b_50d", "bundled/minilm_l6_v2", "bundled/wordllama_256")
PICTURES = {"bundled/efficientnet_lite0.imagenet1k": "global_pool", "bundled/mobilenet_v2.imagenet1k": "classifier.0"}
GRID = {"strength": [1.0, 3.0, 10.0]}  # at the half or third of the trials that a search is left with
MAP = Global(bias=False, epochs=60, batch_size=4096)
WIDTH = 64


def unit_rows(x: Features) -> Features:
    return replace(x, values=x.values / np.linalg.norm(x.values, axis=1, keepdims=True))


def components(x: Features, width: int = WIDTH) -> Features:
    """The first axes of all stimuli, the mean among them: products of rows stay as they are, as far as the width allows."""
    return x if x.width <= width else replace(x, values=x.values @ np.linalg.svd(x.values, full_matrices=False)[2][:width].T)


def words(name: str) -> tuple[Features, Triplets]:
    ids = things_ids()
    shown = Stimuli.from_texts(list(data.read_table(data.path("things", "item_names.tsv"))["Word"]), ids=ids)
    people = load_triplets(data.path("things-odd-one-out", "2171trials_humans.txt"), objects=ids)
    model = iso.load_model(name)
    known = tuple(each for each, word in zip(ids, shown, strict=True) if _knows(model, word))
    x = iso.extract(model, shown.take(known), layers=["output"])["output"]
    return x, people.restrict(known)


def _knows(model: iso.models.Model, word: str) -> bool:
    try:
        model.prepare([word])
    except IsomorphError:  # GloVe has no vector for it
        return False
    return True


def pictures(name: str, layer: str) -> tuple[Features, Triplets]:
    benchmark = iso.load_benchmark("kriegeskorte-92")
    people = next(each for each in benchmark.targets if each.kind == "behaviour")
    upper = np.triu_indices(len(benchmark.stimuli), 1)
    parts, who = [], []
    for person, condensed in enumerate(people.rdms[:, 0]):
        square = np.zeros((len(benchmark.stimuli),) * 2)
        square[upper] = -condensed
        parts.append(triplets_from_similarities(square + square.T, benchmark.stimuli.ids, trials=2000, seed=person).items)
        who += [people.subjects[person]] * len(parts[-1])
    trials = Triplets(items=np.concatenate(parts), objects=benchmark.stimuli.ids, participants=tuple(who))
    x = iso.extract(iso.load_model(name), benchmark.stimuli, layers=[layer])[layer]
    return x, trials


def report(name: str, label: str, raw: Features, made: Callable[[], HeldOutGain]) -> None:
    start = time.process_time()
    found = made()
    plain = {kind: score_triplets(raw, found.trials, similarity=kind, replicates=0) for kind in ("cosine", "centred-cosine")}
    best = max(plain, key=lambda kind: plain[kind].accuracy)
    change = found.credit[1] - plain[best].credit
    low, high = interval(resampled_means(change[None], found.trials, resample="objects", replicates=1000, seed=0)[:, 0], 0.95)
    one, two = found.difference, found.nll_difference
    chosen = [each["strength"] for each in found.chosen if each]
    print(
        f"| {name} | {label} | {found.before:.3f} | {found.after:.3f} | {one.value:+.3f} [{one.low:+.3f}, {one.high:+.3f}] "
        f"| {best} {plain[best].accuracy:.3f}: {change.mean():+.3f} [{low:+.3f}, {high:+.3f}] "
        f"| {found.nll_before:.3f} → {found.nll_after:.3f}, {two.value:+.3f} [{two.low:+.3f}, {two.high:+.3f}] "
        f"| {len(found.trials):,} | {int(np.median(found.trained_on)):,} | {f'{np.median(chosen):.2g}' if chosen else '–'} "
        f"| {time.process_time() - start:.0f} s |",
        flush=True,
    )


def of_words(part: str) -> Iterator[tuple[str, str, Features, Callable[[], HeldOutGain]]]:
    for name in (each for each in WORDS if part in each):
        raw, trials = words(name)
        x = components(unit_rows(raw))
        yield name, "global", raw, partial(held_out_gain, MAP, x, trials, grid=GRID, folds=20, search_folds=8)
        yield name, "naive", raw, partial(held_out_gain, Naive(epochs=60, batch_size=4096), x, trials, folds=20)


def of_pictures(part: str) -> Iterator[tuple[str, str, Features, Callable[[], HeldOutGain]]]:
    for name, layer in ((name, layer) for name, layer in PICTURES.items() if part in name):
        raw, trials = pictures(name, layer)
        x = components(unit_rows(raw))
        split = partial(held_out_gain, folds=4, search_folds=4, by="objects")
        yield name, "global", raw, partial(split, MAP, x, trials, grid={"strength": [0.01, 0.1, 1.0, 10.0]})
        yield name, "naive", raw, partial(split, Naive(epochs=60, batch_size=4096), x, trials)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--only", choices=("words", "pictures"))
    options.add_argument("--model", default="", help="a part of the model's name")
    asked = options.parse_args()
    print(
        "| model | map | before | after | difference | NLL | n | trained on | strength | CPU |\n|---|---|---|---|---|---|---|---|---|---|"
    )
    for kind, rows in (("words", of_words), ("pictures", of_pictures)):
        if asked.only in (None, kind):
            for row in rows(asked.model):
                report(*row)


if __name__ == "__main__":
    main()
