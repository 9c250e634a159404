"""The sentences of the library in the words of the command line: `on_error='skip'` is `--on-error skip` here."""

from __future__ import annotations

import re
from inspect import isfunction, signature
from types import ModuleType

_ARGUMENT = re.compile(r"(?<![\w/\\.'-])([a-z]+(?:_[a-z]+)*)(?:=('[^'\s]*'|True|False|…))?(?![\w/\\=])")
_OTHERWISE = {
    "with key=…": "as FILE#KEY",
    "axes=('unit', 'stimulus')": "--axes unit stimulus",
    "Pass min_units= to": "Pass --min-units N to",
    "choose the shared ones with .take(ids)": "leave the others out of the files",
}


def as_options(sentence: str, command: ModuleType) -> str:
    """Rewrite arguments as options, where the functions of `command` have such an option or take the options of a measure (`--set`)."""
    functions = [each for each in vars(command).values() if isfunction(each) and each.__module__ == command.__name__]
    options = {name for each in functions if not each.__name__.startswith("_") for name in signature(each).parameters}

    def option(said: re.Match[str]) -> str:
        name, value = said[1], (said[2] or "").strip("'")
        if name in options and (value or "_" in name):
            return f"--{name.replace('_', '-')} {value}".rstrip()
        if "set" in options and value:
            return f"--set {name}={value.lower() if value in ('True', 'False') else value}"
        return said[0]

    if "on_error" not in options:
        sentence = sentence.replace(", or leave out what cannot be decoded with on_error='skip'", "")
    for words, others in _OTHERWISE.items():
        sentence = sentence.replace(words, others)
    return _ARGUMENT.sub(option, sentence)
