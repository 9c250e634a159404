"""A protocol with the few changes that studies and commands ask for by plain words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from isomorph.errors import InputError

if TYPE_CHECKING:
    from isomorph.encoding import Protocol


def protocol_with(
    name: str,
    *,
    metrics: Sequence[str] = (),
    alphas: Sequence[float] = (),
    cv: str | int | None = None,
    options: Mapping[str, Any] | None = None,
) -> Protocol:
    """A protocol by name, with other metrics, penalties or fields.

    Args:
        name: One of `isomorph.encoding.list_protocols()`.
        metrics: Instead of its own.
        alphas: Penalties of its ridge, instead of its own.
        cv: How its ridge chooses among them: `"loo"`, or a number of folds.
        options: Any plain fields of the protocol.

    Raises:
        UnknownNameError: There is no such protocol, field or metric.
        InputError: `cv` is neither, or the protocol's regression has no penalties to choose.
    """
    from isomorph.encoding import Ridge, load_protocol

    protocol = load_protocol(name)
    changes: dict[str, Any] = dict(options or {})
    if metrics:
        changes["metrics"] = tuple(metrics)
    if alphas or cv is not None:
        if not isinstance(protocol.regression, Ridge):
            fits = type(protocol.regression).__name__
            raise InputError(f"the protocol {name!r} fits {fits}, which has no penalties to choose: leave out alphas and cv.")
        chosen: dict[str, Any] = {"alphas": tuple(map(float, alphas))} if alphas else {}
        changes["regression"] = replace(protocol.regression, **chosen, **_selection(protocol.regression.select, cv))
    return protocol.changed(**changes) if changes else protocol


def _selection(select: str, cv: str | int | None) -> dict[str, Any]:
    if cv is None:
        return {}
    scorer = "mse" if select.endswith("mse") else "pearson"
    if str(cv) == "loo":
        return {"select": f"loo-{scorer}"}
    if not str(cv).isdigit() or int(cv) < 2:
        raise InputError(f"cv is 'loo' or a number of folds, at least 2; got {cv!r}.")
    return {"select": f"cv-{scorer}", "folds": int(cv)}
