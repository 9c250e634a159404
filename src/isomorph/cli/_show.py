"""`isomorph show`: everything about one thing."""

from __future__ import annotations

from inspect import cleandoc
from typing import Annotated, Any

import tyro

from isomorph.cli._output import print_facts, print_json
from isomorph.cli._parse import call
from isomorph.errors import UnknownNameError


def run(words: list[str]) -> int | None:
    """Parse and run."""
    return call(show, words, command="show")


def show(name: Annotated[str, tyro.conf.Positional], *, json: bool = False) -> None:
    """Show what is known of a model, a benchmark, a measure or a protocol.

    Args:
        name: Its name, as `isomorph list` prints it; a model's name has a slash: timm/resnet18.a1_in1k.
        json: One JSON object.
    """
    facts = _facts(name)
    print_json(facts) if json else print_facts({key: value for key, value in facts.items() if value not in (None, "", (), [], {})})


def _facts(name: str) -> dict[str, Any]:
    from isomorph import benchmarks, measures
    from isomorph.encoding import list_protocols, load_protocol
    from isomorph.encoding._protocol_plain import plain_protocol
    from isomorph.spec import to_plain

    if "/" in name:
        from isomorph.models import model_card

        return dict(to_plain(model_card(name)))
    if name in list_protocols():
        return {"name": name, "entry": "protocol", "summary": list_protocols()[name], **plain_protocol(load_protocol(name))}
    known = {"benchmark": benchmarks.registry, "measure": measures.registry}
    kind = next((each for each, registry in known.items() if name in registry.names()), None)
    if kind is None:
        names = [*benchmarks.registry.names(), *measures.registry.names(), *list_protocols()]
        raise UnknownNameError("benchmark, measure or protocol", name, names)
    entry = known[kind].entry(name)
    facts = {"name": entry.name, "entry": kind, "summary": entry.summary, **entry.facts}
    if kind == "measure":
        measure = measures.load_measure(name)
        facts["options"] = to_plain(measure)
        facts |= {each: sorted(value) if isinstance(value, frozenset) else value for each, value in vars(measure.traits).items()}
        facts["about"] = cleandoc(type(measure).__doc__ or "")
    return facts
