"""`isomorph align`: fit an affine map that brings features closer to people, and apply one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import tyro

from isomorph.cli._align_check import check
from isomorph.cli._output import print_facts, print_json, say
from isomorph.cli._parse import Settings, StoreFolder, call_action, options_of, wrong_usage
from isomorph.cli._source import read_features
from isomorph.errors import InputError

if TYPE_CHECKING:
    from isomorph.alignment import FittedTransform
    from isomorph.features import Features


def run(words: list[str]) -> int | None:
    """Dispatch on the action."""
    return call_action({"fit": fit, "apply": apply, "check": check}, words, command="align")


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
        from isomorph.judgments import Triplets

        spec: Any = _map(method, published, options)
        with Progress() as progress:
            fitted = spec.fit(
                features,
                Triplets.load(judgments, format),
                preserve=_features(preserve, store) if preserve else None,
                validation=Triplets.load(validation, format) if validation else None,
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


def _features(source: str, store: str | None) -> Features:
    from isomorph.features import Features

    found = read_features(source, store=store)
    if not isinstance(found, Features):
        raise InputError(f"{source!r} is a Gram matrix; an affine map needs the features. Extract them with --reduce features.")
    return found


def _map(method: str, published: str | None, options: dict[str, Any]) -> Any:
    from isomorph import alignment

    kind: Any = {"glocal": alignment.GLocal, "global": alignment.Global, "naive": alignment.Naive}[method]
    _known(kind, options)
    if published is None:
        return kind(**options)
    return kind.published(published, **options) if method == "glocal" else kind.published(**options)


def _onto(method: str, features: Features, target: Features, options: dict[str, Any]) -> FittedTransform:
    from isomorph.alignment import Procrustes, Ridge

    kind: Any = Ridge if method == "ridge" else Procrustes
    _known(kind, options)
    fitted: FittedTransform = kind(**options).fit(features, target)
    return fitted


def _known(kind: Any, options: dict[str, Any]) -> None:
    from isomorph.errors import UnknownNameError

    for name in options:
        if name not in kind.__dataclass_fields__:
            raise UnknownNameError("option", name, kind.__dataclass_fields__)
