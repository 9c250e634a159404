"""`isomorph align`: fit an affine map that brings features closer to people, apply one, and check what it gains and costs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import tyro

from isomorph.cli._align_check import check
from isomorph.cli._judgments import read_judgments
from isomorph.cli._output import print_facts, print_json, say
from isomorph.cli._parse import Settings, StoreFolder, call_action, known_options, options_of, wrong_usage
from isomorph.cli._source import read_features
from isomorph.errors import InputError

if TYPE_CHECKING:
    from isomorph.alignment import FittedTransform
    from isomorph.features import Features


def run(words: list[str]) -> int | None:
    """Dispatch on the action."""
    actions: dict[str, Callable[..., int | None]] = {"fit": fit, "apply": apply, "held-out": held_out, "teacher": teacher, "check": check}
    return call_action(actions, words, command="align")


def fit(
    source: Annotated[str, tyro.conf.Positional],
    judgments: Annotated[str, tyro.conf.Positional],
    *,
    out: Path,
    method: Literal["glocal", "global", "naive", "ridge", "procrustes"] = "glocal",
    preserve: str | None = None,
    validation: Path | None = None,
    published: Literal["final", "shipped"] | None = None,
    set: Settings = (),
    format: str = "auto",
    objects: str | None = None,
    store: StoreFolder = None,
    json: bool = False,
) -> None:
    """Fit a map from features to people's judgments, and write it.

    Args:
        source: Features of the objects: a file (FILE or FILE#KEY) or a stored layer (FINGERPRINT#LAYER).
        judgments: A file of triplets; for ridge and procrustes features to map onto.
        out: The file to write: .safetensors (all that is known of the map) or .npz (as gLocal publishes its own).
        method: glocal, global, naive; ridge or procrustes.
        preserve: For glocal: features of many other pictures, whose neighbourhoods should stay.
        validation: Triplets to stop early by.
        published: The recipe of the published code, instead of ours; for global and naive there is one only.
        set: An option of the method, such as alpha=0.25 or epochs=50.
        format: How the triplets are written; auto: by suffix and content.
        objects: What the numbers of the triplets count: a file of ids, "things" or how many; see `isomorph triplets convert --help`.
        store: The store's folder; default: $ISOMORPH_STORE.
        json: One JSON object: method, transform, n, width, seen, loss.
    """
    from isomorph.engine import Progress

    features = _features(source, store)
    options = options_of(set)
    if method in ("ridge", "procrustes"):
        if preserve or validation or published:
            wrong_usage("align fit", f"--preserve, --validation and --published are not for {method}.")
        fitted = _onto(method, features, _features(judgments, store), options)
    else:
        spec: Any = _map(method, published, options)
        with Progress() as progress:
            fitted = spec.fit(
                features,
                read_judgments(judgments, format, objects),
                preserve=_features(preserve, store) if preserve else None,
                validation=read_judgments(validation, format, objects) if validation else None,
                progress=progress,
            )
    fitted.save(out)
    for note in fitted.notes:
        say(note)
    loss = fitted.history[-1].get("odd_one_out") if fitted.history else None
    answer = {
        "method": fitted.method,
        "transform": str(out),
        "n": len(features),
        "width": fitted.output_width,
        "seen": len(fitted.seen or ()),
    }
    answer |= {"loss": loss}
    print_json(answer) if json else print_facts(answer)


def apply(
    source: Annotated[str, tyro.conf.Positional],
    *,
    transform: str,
    out: Path,
    precision: Literal["same", "float32", "float64"] = "same",
    store: StoreFolder = None,
    json: bool = False,
) -> None:
    """Pass features through a fitted or published map.

    Args:
        source: A file of features (FILE or FILE#KEY; .npy is read block by block) or a stored layer (FINGERPRINT#LAYER).
        transform: A .safetensors or .npz file, or the name of a published one, such as glocal/dinov2-vit-base-p14.
        out: The file to write: .npy (the numbers alone), or .npz or .safetensors with the ids.
        precision: Of arithmetic and file: same as the features, float32 or float64.
        store: The store's folder; default: $ISOMORPH_STORE.
        json: One JSON object: n, width, transform, out.
    """
    from isomorph.alignment import load_transform, transform_to_file

    fitted: FittedTransform = load_transform(transform)
    features = _features(source, store)
    transform_to_file(features, fitted, out, precision=precision)
    if out.suffix == ".npy" and features.ids != tuple(map(str, range(len(features)))):
        say(f"{out} holds the numbers alone; --out with .npz or .safetensors keeps the {len(features)} ids too.")
    answer = {"n": len(features), "width": fitted.output_width, "transform": transform, "out": str(out)}
    print_json(answer) if json else print_facts(answer)


def held_out(
    source: Annotated[str, tyro.conf.Positional],
    judgments: Annotated[Path, tyro.conf.Positional],
    *,
    method: Literal["glocal", "global", "naive"] = "global",
    preserve: str | None = None,
    set: Settings = (),
    search: Settings = (),
    folds: int = 20,
    by: Literal["trials", "objects"] = "trials",
    search_folds: int = 8,
    similarity: Literal["cosine", "dot", "centred-cosine", "euclidean"] = "cosine",
    resample: Literal["objects", "trials", "participants"] = "objects",
    replicates: int = 1000,
    seed: int = 0,
    format: str = "auto",
    objects: str | None = None,
    store: StoreFolder = None,
    json: bool = False,
) -> None:
    """Say whether a map foretells choices about objects that it has not seen better than the features as they are.

    Args:
        source: Features of the objects: a file (FILE or FILE#KEY) or a stored layer (FINGERPRINT#LAYER).
        judgments: Odd-one-out triplets.
        method: glocal, global or naive.
        preserve: For glocal: features of many other pictures.
        set: An option of the method, such as strength=3.
        search: An option and the values to choose from within each fold, such as strength=[0.3,1,3].
        folds: Parts, each held out once.
        by: What is parted: trials (many objects, each in few trials) or objects (few, each in many).
        search_folds: Parts of a fold's training trials, for --search.
        similarity: By which the features as they are foretell.
        resample: What the bootstrap draws.
        replicates: How often; 0 for no interval.
        seed: Of folds and bootstrap.
        format: How the triplets are written; auto: by suffix and content.
        objects: What the numbers of the triplets count: a file of ids, "things" or how many.
        store: The store's folder; default: $ISOMORPH_STORE.
        json: One JSON object: verdict, before, after, difference, difference_low, difference_high, n …
    """
    from isomorph.alignment import held_out_gain
    from isomorph.engine import Progress

    with Progress() as progress:
        gain = held_out_gain(
            _map(method, None, options_of(set)), _features(source, store), read_judgments(judgments, format, objects),
            grid=options_of(search) or None, preserve=_features(preserve, store) if preserve else None, folds=folds, by=by,
            search_folds=search_folds, similarity=similarity, resample=resample, replicates=replicates, seed=seed, progress=progress,
        )  # fmt: skip
    if json:
        print_json(gain.to_plain())
        return
    say(str(gain))
    print_facts(gain.to_plain())


def teacher(
    source: Annotated[str, tyro.conf.Positional],
    judgments: Annotated[Path, tyro.conf.Positional],
    *,
    embedding: Path,
    out: Path,
    folds: int = 4,
    draws: int = 50,
    seed: int = 0,
    set: Settings = (),
    format: str = "auto",
    objects: str | None = None,
    store: StoreFolder = None,
    json: bool = False,
) -> None:
    """Fit a teacher: a map towards people's choice probabilities, as an embedding of their choices knows them.

    Args:
        source: The teacher's features of the objects.
        judgments: The triplets that were shown; who chose what plays no part.
        embedding: What knows people's probabilities: .safetensors of `isomorph triplets embed`.
        out: The transform to write: .safetensors or .npz.
        folds: One in so many objects is held out to judge the map.
        draws: Of the embedding.
        seed: Of draws and held-out objects.
        set: An option of the map (that of --method global), such as strength=0.01.
        format: How the triplets are written; auto: by suffix and content.
        objects: What the numbers of the triplets count: a file of ids, "things" or how many.
        store: The store's folder; default: $ISOMORPH_STORE.
        json: One JSON object: transform, divergence, untransformed, held_out, n.
    """
    from isomorph.alignment import OddOneOutEmbedding, UncertaintyDistillation
    from isomorph.engine import Progress

    people = OddOneOutEmbedding.load(embedding)
    spec = UncertaintyDistillation(map=_map("global", None, options_of(set)), draws=draws, folds=folds, seed=seed)
    with Progress() as progress:
        trials = read_judgments(judgments, format, objects)
        made = spec.fit(_features(source, store), trials.restrict(people.objects), people, progress=progress)
    made.transform.save(out)
    answer = {"transform": str(out), "divergence": made.divergence, "untransformed": made.untransformed}
    answer |= {"held_out": len(made.held_out), "n": made.trials}
    print_json(answer) if json else print_facts(answer)


def _features(source: str, store: str | None) -> Features:
    from isomorph.features import Features

    found = read_features(source, store=store)
    if not isinstance(found, Features):
        raise InputError(f"{source!r} is a Gram matrix; an affine map needs the features. Extract them with --reduce features.")
    return found


def _map(method: str, published: str | None, options: dict[str, Any]) -> Any:
    from isomorph import alignment

    kind: Any = {"glocal": alignment.GLocal, "global": alignment.Global, "naive": alignment.Naive}[method]
    options = known_options(kind, options)
    if published is None:
        return kind(**options)
    return kind.published(published, **options) if method == "glocal" else kind.published(**options)


def _onto(method: str, features: Features, target: Features, options: dict[str, Any]) -> FittedTransform:
    from isomorph.alignment import Procrustes, Ridge

    kind: Any = Ridge if method == "ridge" else Procrustes
    fitted: FittedTransform = kind(**known_options(kind, options)).fit(features, target)
    return fitted
