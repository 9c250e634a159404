"""Every error Isomorph raises on purpose.

```
IsomorphError
├── InputError (ValueError)          an argument cannot be used as given
│   ├── ShapeError                   an array has the wrong axes or too few rows
│   ├── IdError                      a stimulus id is missing, doubled or unknown
│   ├── NonFiniteError               NaN or infinity where a number is needed
│   └── UnknownNameError             no entry of that name; says what is close
├── FileError (OSError)              a file cannot be read as what it claims to be
│   └── DigestError                  a file is not the bytes its catalogue row promises
├── StoreError (OSError)             the store cannot be read or written
│   └── StageNotReadyError           the stage of a study before this one is not finished
├── FetchError (OSError)             a public file can be had neither from mirror, cache nor network
├── DeviceError (RuntimeError)       the machine lacks the device that was asked for
├── ModelRunError (RuntimeError)     a network that another program runs gave up
└── MissingDependencyError (ImportError)   an optional package is absent; says the command that installs it
```

Each message says what is wrong with which thing, in the caller's words and numbers, and then what to do. The command line prints
the message alone and exits with status 1.
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


class IsomorphError(Exception):
    """The root of the tree: catch this to catch everything Isomorph raises on purpose."""


class InputError(IsomorphError, ValueError):
    """An argument cannot be used as given."""


class ShapeError(InputError):
    """An array has the wrong axes, or too few stimuli for what is asked."""


class IdError(InputError):
    """A stimulus id is missing, doubled or unknown."""


class NonFiniteError(InputError):
    """NaN or infinity where a finite number is needed."""


class UnknownNameError(InputError):
    """No entry has this name.

    Example:
        >>> str(UnknownNameError("measure", "procrustse", ["cka", "procrustes"]))
        "no measure is called 'procrustse'. Did you mean 'procrustes'?"
    """

    def __init__(self, kind: str, name: str, known: Iterable[str], *, listing: str | None = None) -> None:
        names = sorted(known)
        close = get_close_matches(name, names, n=3, cutoff=0.6)
        if close:
            hint = f"Did you mean {' or '.join(repr(each) for each in close)}?"
        elif not names:
            hint = "There is none yet."
        elif len(names) <= 12:
            hint = f"There are: {', '.join(names)}."
        else:
            hint = f"There are {len(names)}; {listing or f'`isomorph list {kind}s` shows them'}."
        super().__init__(f"no {kind} is called {name!r}. {hint}")
        self.name = name


class FileError(IsomorphError, OSError):
    """A file cannot be read as what it claims to be."""


class DigestError(FileError):
    """A file does not hold the bytes that its catalogue row or manifest promises."""


class StoreError(IsomorphError, OSError):
    """The store cannot be read or written."""


class StageNotReadyError(StoreError):
    """A stage of a study needs what a stage before makes, and that is not finished: others may be at it."""


class FetchError(IsomorphError, OSError):
    """A public file can be had neither from the mirror, the cache nor the network."""


class DeviceError(IsomorphError, RuntimeError):
    """The machine lacks the device that was asked for."""


class ModelRunError(IsomorphError, RuntimeError):
    """A network that another program runs (onnxruntime, TensorFlow) gave up."""


class MissingDependencyError(IsomorphError, ImportError):
    """An optional package is absent.

    Example:
        >>> str(MissingDependencyError("timm", needed_by="'timm/resnet18'", install="pip install 'isomorph[timm]'"))
        "'timm/resnet18' needs the package 'timm', which is not installed. Run: pip install 'isomorph[timm]'"
    """

    def __init__(self, package: str, *, needed_by: str, install: str) -> None:
        super().__init__(f"{needed_by} needs the package {package!r}, which is not installed. Run: {install}")
        self.package = package
        self.install = install
