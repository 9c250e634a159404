"""All pairs of many things, every measure of them in one pass."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory, gettempdir
from typing import Any, Literal, overload

import numpy as np

from isomorph.engine import Progress, parse_bytes
from isomorph.errors import InputError, ShapeError
from isomorph.features import load_features
from isomorph.measures import Measure, compare_all, load_measure
from isomorph.pairwise._arithmetic import Arithmetic
from isomorph.pairwise._pass import Pass
from isomorph.pairwise._plan import choose_form, plan_work
from isomorph.pairwise._recipe import Recipe, recipe_of
from isomorph.pairwise._result import AllPairs
from isomorph.pairwise._rows import Thing
from isomorph.pairwise._state import Header, PairState
from isomorph.pairwise._things import check_things, is_relational
from isomorph.spec import fingerprint


@overload
def all_pairs(
    items: Mapping[str, Any], measures: Sequence[str | Measure] | str | Measure = ..., *, memory_limit: str | int = ...,
    form: Literal["auto", "stream", "features"] = ..., products: Literal["auto", "float32", "float64"] = ...,
    standard_errors: bool = ..., part: None = ..., device: str = ..., scratch: Path | str | None = ..., progress: Progress | None = ...,
) -> AllPairs: ...  # fmt: skip
@overload
def all_pairs(
    items: Mapping[str, Any], measures: Sequence[str | Measure] | str | Measure = ..., *, memory_limit: str | int = ...,
    form: Literal["auto", "stream", "features"] = ..., products: Literal["auto", "float32", "float64"] = ...,
    standard_errors: bool = ..., part: tuple[int, int], device: str = ..., scratch: Path | str | None = ...,
    progress: Progress | None = ...,
) -> PairState: ...  # fmt: skip
def all_pairs(
    items: Mapping[str, Any],
    measures: Sequence[str | Measure] | str | Measure = ("cka",),
    *,
    memory_limit: str | int = "2GB",
    form: Literal["auto", "stream", "features"] = "auto",
    products: Literal["auto", "float32", "float64"] = "auto",
    standard_errors: bool = False,
    part: tuple[int, int] | None = None,
    device: str = "cpu",
    scratch: Path | str | None = None,
    progress: Progress | None = None,
) -> AllPairs | PairState:
    r"""Compare all pairs of `items` by all `measures`, in one pass over row stripes of their Gram matrices.

    A stripe holds the inner products of a few stimuli with all others, of all things at once; kernels and distances follow from it, and
    only sums are kept: for M things, n stimuli and widths p about \(n^2 \sum p + M^2 n^2 / 2\) multiplications instead of
    \(M^2 n^2 p\). Linear CKA of few features is computed from their cross-covariances instead, \(2 n \sum p_a p_b\), where that is less.

    Linear and RBF CKA, and RSA by Pearson's, Spearman's or ρ_a's correlation or by cosine, are computed so; any other measure is computed
    pair by pair by itself (`form` of the result says which), and then needs the memory that it needs.

    Args:
        items: Names and what is compared: `Features`, arrays `[stimulus, feature]` (memory-mapped files are read in chunks and never
            loaded whole), or paths of files. Named stimuli meet by id; arrays by position.
        measures: Names in `isomorph.measures.registry`, or measures.
        memory_limit: How much memory the work may take beside the items: the height of the stripes follows from it. Rows that do not
            fit, and entries to be ranked, are kept in `scratch`; where neither has room, ranks are taken of a million sampled entries.
        form: `"stream"` or `"features"` to decide for linear measures what `"auto"` takes from the count of multiplications.
        products: The precision of products. `"float32"`: features are centred in float64 first and sums over stimuli are float64;
            values are right to about 1e-6. `"float64"`: to 1e-10. `"auto"`: float64 if any item is.
        standard_errors: Also the jack-knife over stimuli of each value, exactly; the pass then walks both triangles.
        part: `(i, N)` with 1 ≤ i ≤ N: compute only this share of the stripes, and return its `PairState`. Merged, they give the same bits
            as one pass with the same options. (Stripes are shared out in up to 64 groups of 256 rows and more; of more parts than that
            some have nothing to do.)
        device: `"cpu"`, or a device of torch such as `"cuda"`.
        scratch: A folder for temporary files; default: the system's.
        progress: Shows how far the work is.

    Returns:
        The values of all pairs; or with `part` a state that merges with the others'.

    Raises:
        InputError: The memory does not suffice for a single stripe (the message says how much would), names stand twice, or `part` is
            given for a measure that has no streaming form.
        ShapeError: Numbers of stimuli differ or are below a measure's minimum; a thing does not vary.
        IdError: A thing lacks stimuli of the others.
        NonFiniteError: A value is NaN or infinite; the message names thing and stimulus.

    Example:
        >>> import numpy as np
        >>> rng = np.random.default_rng(0)
        >>> x = rng.normal(size=(60, 5))
        >>> result = all_pairs({"one": x, "shifted": x + 1, "other": rng.normal(size=(60, 8))}, ("cka", "rsa"))
        >>> result.measures, result.matrix("cka").round(2)[0, :2].tolist(), result.form["cka"]
        (('cka', 'rsa'), [1.0, 1.0], 'features')
    """
    items = {name: load_features(each) if isinstance(each, str | Path) else each for name, each in items.items()}
    chosen = _chosen([measures] if isinstance(measures, str | Measure) else list(measures))
    limit = parse_bytes(memory_limit)
    things = None if is_relational(items) else check_things(items)
    recipes, others = _recipes(chosen, streams=things is not None, jackknife=standard_errors)
    if part is not None:
        _check_part(part, others)
    result = state = None
    if things is not None and recipes:
        _check_minimum(recipes, len(things[0].ids))
        _warn_of_bias(chosen, things)
        state = _state(
            things, recipes, limit=limit, form=form, precision=_precision(things, products), jackknife=standard_errors,
            part=part or (1, 1), device=device, scratch=Path(scratch or gettempdir()), progress=progress,
        )  # fmt: skip
        if part is not None:
            return state
        result = state.finish(scratch=scratch)
    return _with_others(result, items, chosen, others, standard_errors=standard_errors)


def _state(
    things: Sequence[Thing], recipes: tuple[Recipe, ...], *, limit: int, form: str, precision: str, jackknife: bool, part: tuple[int, int],
    device: str, scratch: Path, progress: Progress | None,
) -> PairState:  # fmt: skip
    n, widths = len(things[0].ids), [thing.width for thing in things]
    arithmetic = Arithmetic(device, precision)
    linear_form = choose_form(recipes, widths, n, form)
    forms: dict[str, str] = {each.label: linear_form if each.view.kind == "linear" else "stream" for each in recipes}
    streamed = tuple(each for each in recipes if forms[each.label] == "stream")
    work = plan_work(
        recipes, widths, n, itemsize=arithmetic.dtype.itemsize, limit=limit, by_row=jackknife, streams=bool(streamed),
        bases={each.view.base for each in recipes}, scratch=scratch,
    )  # fmt: skip
    header = Header(
        names=tuple(thing.name for thing in things), n=n, stimuli=fingerprint(list(things[0].ids)), recipes=recipes, forms=forms,
        precision=precision, standard_errors=jackknife, sampled=work.sampled, memory=work.bytes,
    )  # fmt: skip
    folder = TemporaryDirectory(dir=scratch, prefix="isomorph-", ignore_cleanup_errors=True)
    done = Pass(
        things, header, work, arithmetic, part=(part[0] - 1, part[1]), spare=max(0, limit - work.bytes), scratch=Path(folder.name),
        progress=progress,
    )  # fmt: skip
    if not done.pieces:
        folder.cleanup()
    return PairState(
        header=header, facts=done.facts, sums=done.sums, pieces=done.pieces, tree=done.tree, scratch=(folder,) if done.pieces else ()
    )  # fmt: skip


def _chosen(measures: Sequence[str | Measure]) -> dict[str, Measure]:
    labels = [each if isinstance(each, str) else repr(each) for each in measures]
    if not labels:
        raise InputError("all_pairs needs at least 1 measure; got none.")
    if len(set(labels)) < len(labels):
        raise InputError(f"the measure {next(each for each in labels if labels.count(each) > 1)!r} is asked for twice.")
    return {label: load_measure(each) if isinstance(each, str) else each for label, each in zip(labels, measures, strict=True)}


def _recipes(chosen: Mapping[str, Measure], *, streams: bool, jackknife: bool) -> tuple[tuple[Recipe, ...], list[str]]:
    found = {label: recipe_of(measure, label, jackknife=jackknife) if streams else None for label, measure in chosen.items()}
    return tuple(each for each in found.values() if each is not None), [label for label, each in found.items() if each is None]


def _check_part(part: tuple[int, int], others: Sequence[str]) -> None:
    index, count = part
    if not 1 <= index <= count:
        raise InputError(f"part must be (i, N) with 1 ≤ i ≤ N; got ({index}, {count}).")
    if others:
        raise InputError(f"{others[0]!r} cannot be computed in parts: it has no streaming form for these things. Compute it apart, whole.")


def _check_minimum(recipes: Sequence[Recipe], n: int) -> None:
    for each in recipes:
        if n < each.minimum:
            raise ShapeError(f"{each.label} needs at least {each.minimum} stimuli; got {n}.")


def _precision(things: Sequence[Thing], products: str) -> str:
    if products not in ("auto", "float32", "float64"):
        raise InputError(f"products must be 'auto', 'float32' or 'float64'; got {products!r}.")
    if products != "auto":
        return products
    return "float32" if all(thing.values.dtype in (np.float32, np.float16) for thing in things) else "float64"


def _warn_of_bias(chosen: Mapping[str, Measure], things: Sequence[Thing]) -> None:
    n, widths = len(things[0].ids), sorted(thing.width for thing in things)[-2:]
    for label, measure in chosen.items():
        chance = measure.chance(n, widths[0], widths[1]) if measure.traits.higher_is_closer else None
        if chance is not None and chance > 0.05:
            warnings.warn(
                f"{label}: unrelated features of widths {widths[0]} and {widths[1]} would score about {chance:.2f} with {n} stimuli.",
                UserWarning,
                stacklevel=3,
            )


def _with_others(
    result: AllPairs | None, items: Mapping[str, Any], chosen: Mapping[str, Measure], others: Sequence[str], *, standard_errors: bool
) -> AllPairs:
    if result is not None and not others:
        return result
    names = tuple(items)
    values = {} if result is None else dict(zip(result.measures, result.values, strict=True))
    errors = {} if result is None or result.standard_errors is None else dict(zip(result.measures, result.standard_errors, strict=True))
    values |= {label: compare_all(items, chosen[label])[1] for label in others}
    unknown = np.full((len(names), len(names)), np.nan)
    return AllPairs(
        names=names,
        measures=tuple(chosen),
        values=np.stack([values[label] for label in chosen]),
        standard_errors=np.stack([errors.get(label, unknown) for label in chosen]) if standard_errors else None,
        n=result.n if result else len(next(iter(items.values()))),
        form=dict.fromkeys(chosen, "pairwise") | dict(result.form if result else {}),
        sampled=result.sampled if result else {},
        precision=result.precision if result else "float64",
        memory=result.memory if result else 0,
    )
