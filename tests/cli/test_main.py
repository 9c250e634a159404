"""Dispatch, exit statuses, and what reaches stdout and stderr."""

import json
import os
import subprocess
import sys

import pytest

from isomorph.cli import main
from isomorph.cli._main import VERBS

ACTIONS = {
    "data": ("list", "fetch", "verify"),
    "store": ("ls", "verify", "gc"),
    "triplets": ("convert", "check", "canonicalise", "score"),
    "align": ("fit", "apply", "held-out", "check", "teacher"),
    "alignet": ("run", "demo"),
    "visalign": ("build", "train", "predict", "score", "submit", "run", "demo"),
    "perception": ("score", "reliability", "convert", "plan"),
}


def test_help_lists_every_command_and_succeeds(capsys):
    assert main(["--help"]) == 0
    out = capsys.readouterr().out
    assert all(verb in out for verb in VERBS)


def test_no_command_is_wrong_usage(capsys):
    assert main([]) == 2
    assert "usage: isomorph COMMAND" in capsys.readouterr().out


def test_an_unknown_command_says_what_is_close(capsys):
    assert main(["comapre"]) == 2
    assert capsys.readouterr().err == "isomorph: there is no command 'comapre'. Did you mean 'compare'?\n"


def test_version(capsys):
    import isomorph

    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"isomorph {isomorph.__version__}\n"


@pytest.mark.parametrize("verb", [each for each in VERBS if each not in ACTIONS])
def test_every_command_explains_itself(verb, capsys):
    assert main([verb, "--help"]) == 0
    out = capsys.readouterr().out
    assert f"isomorph {verb}" in out
    assert "--json" in out


@pytest.mark.parametrize(("verb", "actions"), ACTIONS.items())
def test_commands_with_actions_explain_each(verb, actions, capsys):
    assert main([verb, "--help"]) == 0
    out = capsys.readouterr().out
    assert all(action in out for action in actions)
    assert main([verb]) == 2
    for action in actions:
        assert main([verb, action, "--help"]) == 0
        assert "--json" in capsys.readouterr().out


def test_wrong_usage_is_status_two(capsys):
    assert main(["rdm"]) == 2
    assert main(["compare", "--no-such-option"]) == 2
    assert capsys.readouterr().out == ""


def test_help_is_quick_and_loads_nothing_heavy():
    code = (
        "import sys; from isomorph.cli import main; status = main(['--help']);"
        "heavy = {'torch', 'pandas', 'scipy', 'numpy', 'tyro', 'rich'} & set(sys.modules);"
        "print(sorted(heavy), file=sys.stderr); sys.exit(status or bool(heavy))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_a_reader_that_leaves_is_no_error():
    # The pipe is closed before a byte is written.
    reading, writing = os.pipe()
    os.close(reading)
    try:
        command = [sys.executable, "-m", "isomorph", "list", "benchmarks"]
        done = subprocess.run(command, stdout=writing, stderr=subprocess.PIPE, text=True, check=False)
    finally:
        os.close(writing)
    assert done.returncode == 0
    assert "Traceback" not in done.stderr
    assert "Broken" not in done.stderr


def test_ctrl_c_is_one_sentence(monkeypatch, capsys):
    from isomorph.cli import _list

    def interrupted(words):
        raise KeyboardInterrupt

    monkeypatch.setattr(_list, "run", interrupted)
    assert main(["list"]) == 130
    assert "the same command goes on from there" in capsys.readouterr().err


def test_an_unexpected_error_is_short_and_says_how_to_see_more(monkeypatch, capsys):
    from isomorph.cli import _list

    def broken(words):
        raise ZeroDivisionError("division by zero")

    monkeypatch.setattr(_list, "run", broken)
    assert main(["list"]) == 1
    err = capsys.readouterr().err
    assert "ZeroDivisionError: division by zero" in err
    assert "ISOMORPH_DEBUG=1" in err
    assert "Traceback" not in err
    monkeypatch.setenv("ISOMORPH_DEBUG", "1")
    with pytest.raises(ZeroDivisionError):
        main(["list"])


def test_show_tells_what_a_measure_declares(capsys):
    assert main(["show", "procrustes", "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["bounds"] == [0.0, None]
    assert (shown["higher_is_closer"], shown["metric"], shown["symmetric"]) == (False, True, True)
    assert shown["invariant_to"] == ["permutation", "rotation", "shift"]
    assert shown["misleads"]
