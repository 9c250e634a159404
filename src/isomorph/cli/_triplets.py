"""`isomorph triplets`: judgments between formats, what can be verified of them, and how well features foretell them."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import tyro

from isomorph.cli._judgments import read_ids, read_judgments
from isomorph.cli._output import print_facts, print_json
from isomorph.cli._parse import Settings, StoreFolder, call_action, options_of
from isomorph.cli._source import read_features
from isomorph.cli._triplets_embed import dimensions, embed
from isomorph.cli._triplets_sample import convert_table, label, sample

if TYPE_CHECKING:
    from isomorph.features import Features
    from isomorph.geometry import Gram
    from isomorph.judgments import Triplets

Source = Annotated[Path, tyro.conf.Positional]


def run(words: list[str]) -> int | None:
    """Parse and run."""
    actions: dict[str, Callable[..., int | None]] = {
        "convert": convert,
        "check": check,
        "canonicalise": canonicalise,
        "score": score,
        "embed": embed,
        "dimensions": dimensions,
        "sample": sample,
        "label": label,
    }
    return call_action(actions, words, command="triplets")


def convert(
    source: Source,
    out: Source,
    *,
    format: str = "auto",
    to: str = "auto",
    objects: str | None = None,
    base: int | None = None,
    set: Settings = (),
    json: bool = False,
) -> None:
    """Read judgments in one convention and write them in another.

    Args:
        source: The file to read.
        out: The file to write.
        format: isomorph, things (odd one last), things-csv, cblearn (odd one first), alignet, levels, nights or
            material-appearance; auto looks at the file.
        to: isomorph (.npz, .csv), things, cblearn (.npy, .txt), things-csv (.csv), alignet (.npz), or table: a folder, memory-mapped. A
            table is read wherever SOURCE is a folder.
        objects: What the numbers of SOURCE count: a text file with one id a line, a table with a column uniqueID or id, "things" for the
            THINGS item list, or how many there are.
        base: What the numbers count from: 0 or 1.
        set: Options of the reader: --set split=val (nights), triplet_type=class_border (levels), names=indices (alignet).
        json: One JSON object: n, objects, order, digest, out.
    """
    if convert_table(source, out, format, to, options_of(set), json):
        return
    triplets = read_judgments(source, format, objects, base, **options_of(set))
    triplets.save(out, to)
    _say(_facts(triplets, out), json)


def check(
    source: Source, *, format: str = "auto", objects: str | None = None, base: int | None = None, set: Settings = (), json: bool = False
) -> None:
    """Verify judgments, and say what is in them.

    Args:
        source: The file to read.
        format: See `isomorph triplets convert --help`.
        objects: What the numbers count.
        base: What they count from: 0 or 1.
        set: Options of the reader.
        json: One JSON object: n, objects, shown, order, things_order, repeated, odd_last, third_smallest, tied …
    """
    from isomorph.judgments import check_triplets

    _say(dataclasses.asdict(check_triplets(read_judgments(source, format, objects, base, **options_of(set)))), json)


def canonicalise(source: Source, out: Source, *, format: str = "auto", to: str = "auto", set: Settings = (), json: bool = False) -> None:
    """Re-sort triplets with similarities so that the odd one stands last.

    Args:
        source: The file to read (alignet, or isomorph with similarities).
        out: The file to write.
        format: See `isomorph triplets convert --help`.
        to: See there.
        set: Options of the reader.
        json: One JSON object: n, objects, order, digest, out, moved.
    """
    import numpy as np

    from isomorph.judgments import canonicalise as sort

    triplets = read_judgments(source, format, None, None, **options_of(set))
    sorted_triplets = sort(triplets)
    sorted_triplets.save(out, to)
    moved = int((np.asarray(sorted_triplets.items) != triplets.items).any(axis=1).sum())
    _say({**_facts(sorted_triplets, out), "moved": moved}, json)


def score(
    source: Annotated[str, tyro.conf.Positional],
    triplets: Source,
    *,
    similarity: str = "dot",
    centring: str = "stimuli",
    temperature: float = 1.0,
    ties: str = "split",
    resample: str = "trials",
    replicates: int = 1000,
    level: float = 0.95,
    seed: int = 0,
    format: str = "auto",
    objects: str | None = None,
    base: int | None = None,
    ids: str | None = None,
    positional: bool = False,
    set: Settings = (),
    store: StoreFolder = None,
    json: bool = False,
) -> None:
    """Score features against judgments: accuracy with an interval, negative log likelihood.

    Args:
        source: A file of features (FILE or FILE#KEY) or a stored layer (FINGERPRINT#LAYER).
        triplets: The judgments.
        similarity: dot, cosine, centred-cosine or euclidean.
        centring: Which mean a centred cosine takes away: over stimuli, features or scalar.
        temperature: What similarities are divided by in the softmax; the NLL depends on it, accuracy does not.
        ties: What a tie for the largest similarity counts: split, chance, wrong, right, alignet, glocal, vice or dreamsim.
        resample: What the bootstrap draws: trials, objects or participants.
        replicates: How often; 0 for no interval.
        level: The interval's coverage.
        seed: The bootstrap's seed.
        format: The convention of TRIPLETS; see `isomorph triplets convert --help`.
        objects: What the numbers in TRIPLETS count; see there.
        base: What they count from: 0 or 1.
        ids: The stimulus of each row of SOURCE, where it has no names: as --objects; also "things" (item order) and "things-files" (the
            order of file names, which image features, VICE and SPoSE have).
        positional: Join by position instead of by id.
        set: Options of the reader of TRIPLETS.
        store: The store's folder; default: $ISOMORPH_STORE.
        json: One JSON object: accuracy, nll, low, high, n, ties, tied, chance, similarity, temperature, ece …
    """
    from isomorph.judgments import score_triplets

    judgments = read_judgments(triplets, format, objects, base, **options_of(set))
    result = score_triplets(
        _features(source, ids, store), judgments, similarity=similarity, centring=centring, temperature=temperature,
        ties=ties, resample=resample, replicates=replicates, level=level, seed=seed, positional=positional,
    )  # fmt: skip
    _say(result.to_plain(), json)


def _features(source: str, ids: str | None, store: str | None) -> Features | Gram:
    features = read_features(source, store=store)
    return features if ids is None else dataclasses.replace(features, ids=read_ids(ids))


def _facts(triplets: Triplets, out: Path) -> dict[str, Any]:
    return {"n": len(triplets), "objects": len(triplets.objects), "order": triplets.order, "digest": triplets.digest, "out": str(out)}


def _say(facts: dict[str, Any], json: bool) -> None:
    print_json(facts) if json else print_facts(facts)
