from __future__ import annotations

import inspect

from isomorph import errors


def tree() -> dict[str, type]:
    return {name: each for name, each in vars(errors).items() if inspect.isclass(each) and issubclass(each, Exception)}


def test_every_error_is_drawn_in_the_docstring() -> None:
    assert errors.__doc__ is not None
    for name in tree():
        assert name in errors.__doc__


def test_one_root_catches_all() -> None:
    assert all(issubclass(each, errors.IsomorphError) for each in tree().values())


def test_unknown_names_list_few_and_count_many() -> None:
    assert str(errors.UnknownNameError("model", "zzz", ["a", "b"])) == "no model is called 'zzz'. There are: a, b."
    many = [f"name{index}" for index in range(40)]
    assert (
        str(errors.UnknownNameError("model", "zzz", many)) == "no model is called 'zzz'. There are 40; `isomorph list models` shows them."
    )
