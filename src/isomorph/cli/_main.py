"""Dispatch on the first word, so that help and mistakes cost nothing; turn errors into one sentence and an exit status."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Sequence
from difflib import get_close_matches
from importlib import import_module

VERBS = {
    "list": "models, benchmarks, measures and what is known of each",
    "show": "everything about one model, benchmark or measure",
    "extract": "features of a model for a folder of pictures or a table of texts",
    "compare": "how alike two or more sets of features are, with an interval",
    "align": "affine maps that bring features closer to people: fit, apply",
    "alignet": "from a teacher to triplets to an aligned student: a whole study, or the demo",
    "rdm": "the dissimilarities among the stimuli, from features",
    "probe": "how well labels can be read from features by a linear map",
    "triplets": "odd-one-out judgments: convert, check, score features against them; sample and label many millions",
    "cluster": "images in groups by their features: k-means, also of files that do not fit in memory",
    "encode": "layers against the units and geometry of a brain, by a published protocol",
    "evaluate": "models against brains and people: scores, intervals, noise ceilings",
    "behavior": "models beside people on distorted pictures: error consistency, shape bias, intervals, from CSV files",
    "perception": "answers as distributions: score against people's, reliability, convert, plan a survey",
    "visalign": "when not to answer, as VisAlign asks it: build, train, predict, score, submit, or all from one file",
    "consistency": "do similarities among models agree between data sets: stored matrices, or a whole study",
    "report": "saved results as a page that opens in a browser",
    "run": "a study written as one TOML file: plan, execute, resume",
    "plan": "the units of a study, or a script that runs them as arrays of jobs under SLURM",
    "status": "how far a study is, told by the store alone: done, running, failed, slowest",
    "data": "public data sets: list, fetch, verify",
    "store": "finished work on disk: list, verify, clean up",
    "demo": "pictures and words in, a report with brains and people in it out",
}
_DONE, _FAILED, _WRONG_USAGE, _INTERRUPTED = 0, 1, 2, 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status: 0 done, 1 failed, 2 wrong usage, 130 interrupted."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    if not words or words[0] in ("-h", "--help", "help"):
        print(_help())
        return _DONE if words else _WRONG_USAGE
    if words[0] in ("-V", "--version"):
        from isomorph._version import __version__

        print(f"isomorph {__version__}")
        return _DONE
    if words[0] not in VERBS:
        close = get_close_matches(words[0], VERBS, n=1)
        hint = f"Did you mean {close[0]!r}?" if close else "`isomorph --help` lists the commands."
        print(f"isomorph: there is no command {words[0]!r}. {hint}", file=sys.stderr)
        return _WRONG_USAGE
    os.environ.setdefault("THP_MEM_ALLOC_ENABLE", "1")  # read by torch when it loads: large pages save a fifth of an extraction's time
    return _guarded(words[0], words[1:])


def _guarded(verb: str, words: list[str]) -> int:
    from isomorph.cli._as_options import as_options
    from isomorph.errors import IsomorphError

    command = import_module(f"isomorph.cli._{verb}")
    if hasattr(command, "module_for"):  # a verb with two forms
        command = import_module(command.module_for(words))
    try:
        with warnings.catch_warnings():
            warnings.showwarning = lambda message, *_: print(
                f"isomorph {verb}: warning: {as_options(str(message), command)}", file=sys.stderr
            )
            status = command.run(words) or _DONE
        sys.stdout.flush()
    except IsomorphError as error:
        _reraise_if_debugging()
        print(f"isomorph {verb}: {as_options(str(error), command)}", file=sys.stderr)
        return _FAILED
    except BrokenPipeError:
        # The reader of stdout has gone (`| head`); Python would complain again when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _DONE
    except KeyboardInterrupt:
        print(f"isomorph {verb}: interrupted. What was finished is in the store; the same command goes on from there.", file=sys.stderr)
        return _INTERRUPTED
    except SystemExit as stop:  # how the parser ends: 0 after --help, 2 on wrong usage
        return stop.code if isinstance(stop.code, int) else _FAILED
    except Exception as error:
        _reraise_if_debugging()
        print(
            f"isomorph {verb}: an error that Isomorph did not expect: {type(error).__name__}: {error}\n"
            "Set ISOMORPH_DEBUG=1 to see where it happened, and please report it.",
            file=sys.stderr,
        )
        return _FAILED
    return status


def _reraise_if_debugging() -> None:
    if os.environ.get("ISOMORPH_DEBUG", "0") not in ("", "0"):
        raise  # noqa: PLE0704 - called from an except clause


def _help() -> str:
    width = max(map(len, VERBS))
    lines = [
        "usage: isomorph COMMAND [OPTIONS]",
        "",
        "How alike do models, brains and people see the world?",
        "",
        *(f"  {verb:<{width}}  {summary}" for verb, summary in VERBS.items()),
        "",
        "`isomorph COMMAND --help` explains one command; every command takes --json.",
        "A first look: isomorph demo",
    ]
    return "\n".join(lines)
