"""Which layers are meant: names, shell patterns, positions and depths."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from fnmatch import fnmatchcase
from typing import TypeAlias

from isomorph.errors import InputError

LayerChoice: TypeAlias = str | int | float | Sequence[str | int | float]
"""`"all"`; a layer's name; a shell pattern; a position (negative from the end); a depth between 0.0 and 1.0; or several of these."""


def as_choices(layers: LayerChoice) -> tuple[str | int | float, ...]:
    """The choices as a tuple, each checked by itself.

    Raises:
        InputError: There is none, a depth is outside 0 to 1, or one is neither text nor a number.
    """
    choices = (layers,) if isinstance(layers, str | int | float) else tuple(layers)
    if not choices:
        raise InputError('layers names no layer; use "all", names, patterns, positions or depths between 0.0 and 1.0.')
    for each in choices:
        if isinstance(each, bool) or not isinstance(each, str | int | float):
            raise InputError(f"a layer is chosen by a name, a pattern, a position or a depth; got {each!r:.80}.")
        if isinstance(each, float) and not 0 <= each <= 1:
            raise InputError(f"a depth lies between 0.0 (the first layer) and 1.0 (the last); got {each}.")
    return choices


def choose_layers(
    choices: Sequence[str | int | float],
    *,
    unique: Sequence[str],
    duplicates: Mapping[str, str],
    unusable: Mapping[str, str],
    silent: Sequence[str] = (),
    subject: str,
) -> tuple[str, ...]:
    """The chosen layers in the order in which they run.

    Positions, depths, patterns and `"all"` see the `unique` layers; a duplicate is chosen only by its exact name.

    Args:
        choices: What `as_choices` returned.
        unique: The layers that can be extracted, in the order in which they run.
        duplicates: Layers that equal an earlier one, and which.
        unusable: Layers that cannot be extracted, and why.
        silent: Modules that the forward pass never called.
        subject: The model's name, for messages.

    Raises:
        InputError: A choice fits no layer; the message says what is close and how to list all.
    """
    chosen: set[str] = set()
    for each in choices:
        if isinstance(each, float):
            chosen.add(unique[round(each * (len(unique) - 1))])
        elif isinstance(each, int):
            if not -len(unique) <= each < len(unique):
                raise InputError(f"{subject} has {len(unique)} layers; there is none at position {each}. {_list_command(subject)}")
            chosen.add(unique[each])
        elif each == "all":
            chosen.update(unique)
        elif each in unique or each in duplicates:
            chosen.add(each)
        elif each in unusable:
            raise InputError(f"the layer {each!r} of {subject} cannot be extracted: {unusable[each]}.")
        elif matched := [name for name in unique if fnmatchcase(name, each)]:
            chosen.update(matched)
        elif each in silent:
            raise InputError(
                f"the layer {each!r} of {subject} never runs in a forward pass, so it has no features. {_list_command(subject)}"
            )
        else:
            raise InputError(_unknown(each, subject, [*unique, *duplicates]))
    order = {name: position for position, name in enumerate(unique)}
    return tuple(sorted(chosen, key=lambda name: (order[duplicates.get(name, name)], name in duplicates, name)))


def _unknown(name: str, subject: str, known: Sequence[str]) -> str:
    close = get_close_matches(name, known, n=3, cutoff=0.6)
    kind = "layer that fits" if any(mark in name for mark in "*?[") and not close else "layer called"
    hint = f"Did you mean {' or '.join(map(repr, close))}? " if close else ""
    return f"{subject} has no {kind} {name!r}. {hint}{_list_command(subject)}"


def _list_command(subject: str) -> str:
    return f"`isomorph extract {subject} --stimuli … --dry-run` lists its layers."
