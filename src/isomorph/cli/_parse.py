"""Command lines into calls: the options of a command are the parameters of one function."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from typing import Annotated, Any, NoReturn, TypeAlias

import tyro

StoreFolder: TypeAlias = Annotated[str | None, tyro.conf.arg(metavar="FOLDER|URL")]
"""The option `--store`."""

Settings: TypeAlias = tyro.conf.UseAppendAction[Annotated[tuple[tuple[str, ...], ...], tyro.conf.arg(metavar="OPTION=VALUE")]]
"""The option `--set`: several values after one, or the option several times."""


def call(function: Callable[..., int | None], words: list[str], *, command: str) -> int | None:
    """Parse `words` as the parameters of `function` and call it; wrong usage exits with status 2."""
    return tyro.cli(
        function,
        args=words,
        prog=f"isomorph {command}",
        config=(tyro.conf.FlagCreatePairsOff, tyro.conf.HelptextFromCommentsOff),
    )


def call_action(actions: Mapping[str, Callable[..., int | None]], words: list[str], *, command: str) -> int | None:
    """Dispatch `isomorph COMMAND ACTION …` on the action."""
    if words and words[0] in actions:
        return call(actions[words[0]], words[1:], command=f"{command} {words[0]}")
    asked_for_help = bool(words) and words[0] in ("-h", "--help")
    lines = [f"usage: isomorph {command} ACTION [OPTIONS]", ""]
    lines += [f"  {name:<14}{(action.__doc__ or '').strip().splitlines()[0]}" for name, action in actions.items()]
    print("\n".join(lines), file=sys.stdout if asked_for_help else sys.stderr)
    raise SystemExit(0 if asked_for_help else 2)


def wrong_usage(command: str, sentence: str) -> NoReturn:
    """Say what the command line lacks and exit with status 2, for what the parser cannot see."""
    print(f"isomorph {command}: {sentence} `isomorph {command} --help` explains the options.", file=sys.stderr)
    raise SystemExit(2)


def options_of(settings: tuple[tuple[str, ...], ...]) -> dict[str, Any]:
    """`(("debiased=false", "sigma=0.5"),)` as options; values read as TOML where they can be, else as text.

    Raises:
        InputError: A setting has no `=`.
    """
    from isomorph.errors import InputError
    from isomorph.spec import from_text

    options: dict[str, Any] = {}
    for each in (one for several in settings for one in several):
        name, sign, text = each.partition("=")
        if not sign or not name:
            raise InputError(f"--set takes option=value; got {each!r}.")
        options[name] = from_text(text)
    return options


def known_options(kind: Any, options: dict[str, Any]) -> dict[str, Any]:
    """The options, if the dataclass `kind` has them all.

    Raises:
        UnknownNameError: It has no such option; the message says what is close.
    """
    from isomorph.errors import UnknownNameError

    for name in options:
        if name not in kind.__dataclass_fields__:
            raise UnknownNameError("option", name, kind.__dataclass_fields__)
    return options
