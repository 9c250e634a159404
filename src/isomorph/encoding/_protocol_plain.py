"""A protocol as plain data, and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from isomorph.encoding._protocol import Protocol
from isomorph.encoding._split import EvenOdd, Halves, KFold, Shuffled, Split
from isomorph.errors import InputError
from isomorph.spec import from_plain, to_plain

_SPLITS: dict[str, type[Split]] = {each.name: each for each in (EvenOdd, KFold, Shuffled, Halves)}
_REGRESSIONS = ("Ridge", "PLS", "PrincipalRegression")


def plain_protocol(protocol: Protocol) -> dict[str, Any]:
    """Fields as plain data; splits, regressions and projections say what they are."""
    plain: dict[str, Any] = {
        name: to_plain(getattr(protocol, name))
        for name in Protocol.__dataclass_fields__
        if name not in ("split", "regression", "projection")
    }
    plain["split"] = {"rule": protocol.split.name, **to_plain(protocol.split)}
    plain["regression"] = {"method": type(protocol.regression).__name__, **to_plain(protocol.regression)}
    plain["projection"] = None if protocol.projection is None else to_plain(protocol.projection)
    return plain


def protocol_from_plain(plain: Mapping[str, Any]) -> Protocol:
    """What `plain_protocol` came from.

    Raises:
        InputError: It is another thing.
    """
    from isomorph import encoding

    fields = dict(plain)
    split, regression, projection = (fields.pop(name, None) for name in ("split", "regression", "projection"))
    if not isinstance(split, Mapping) or split.get("rule") not in _SPLITS:
        raise InputError(f"a protocol's split has a rule of {', '.join(_SPLITS)}; got {split!r:.80}.")
    if not isinstance(regression, Mapping) or regression.get("method") not in _REGRESSIONS:
        raise InputError(f"a protocol's regression has a method of {', '.join(_REGRESSIONS)}; got {regression!r:.80}.")
    unknown = [name for name in fields if name not in Protocol.__dataclass_fields__]
    if unknown:
        raise InputError(f"a protocol has no field {unknown[0]!r}.")
    fields["metrics"] = tuple(fields.get("metrics", ()))
    return Protocol(
        **fields,
        split=from_plain(_SPLITS[split["rule"]], {name: value for name, value in split.items() if name != "rule"}),
        regression=from_plain(
            getattr(encoding, regression["method"]), {name: value for name, value in regression.items() if name != "method"}
        ),
        projection=None if projection is None else from_plain(encoding.SparseProjection, projection),
    )
