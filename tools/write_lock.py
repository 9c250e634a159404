"""Print the installed versions that the project's extras need, as pip constraints.

The host packages of weights.txt pin themselves and are left out.
"""

import re
from importlib import metadata


def requirements(name: str, extras: frozenset[str]) -> list[tuple[str, frozenset[str]]]:
    """The packages that `name` needs on this machine with these extras."""
    found = []
    for text in metadata.requires(name) or []:
        from packaging.requirements import Requirement

        requirement = Requirement(text)
        markers = [{"extra": extra} for extra in extras] or [{"extra": ""}]
        if requirement.marker is None or any(requirement.marker.evaluate({"extra": "", **each}) for each in markers):
            found.append((requirement.name, frozenset(requirement.extras)))
    return found


def closure(root: str, extras: frozenset[str]) -> set[str]:
    """Every installed distribution that `root` needs, directly or not."""
    seen: set[tuple[str, frozenset[str]]] = set()
    waiting = [(root, extras)]
    while waiting:
        name, wanted = waiting.pop()
        key = (re.sub(r"[-_.]+", "-", name).lower(), wanted)
        if key in seen:
            continue
        try:
            waiting += requirements(name, wanted)
        except metadata.PackageNotFoundError:
            continue
        seen.add(key)
    return {name for name, _ in seen} - {root}


if __name__ == "__main__":
    print("# Versions that were tested together; pip reads this as constraints (pip install -c lock.txt). `make lock` writes it.")
    for name in sorted(closure("isomorph", frozenset({"dev", "demo", "hf", "onnx", "clip", "dask", "web"}))):
        print(f"{name}=={metadata.version(name).partition('+')[0]}")
