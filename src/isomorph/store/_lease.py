"""Work on other machines, of which no lock tells: the notes that running units renew every half minute."""

from __future__ import annotations

import json
from pathlib import Path

from isomorph.store._atomic import boot_id
from isomorph.store._notes import LEASE_SECONDS, FolderNotes


def worked_on(folder: Path, *, now: float, locked: bool) -> bool:
    """Whether a process may work on the object in `folder`, by the notes of `isomorph.engine.Journal` in `units/`.

    A note holds for five minutes after it was last renewed, by the clock of the file system. Notes of this machine count only if `folder`
    cannot be locked: where it can, their processes are dead.
    """
    attempts = FolderNotes(folder.parents[2] / "units").read(folder.name[:2], folder.name)
    fresh = [each for each in attempts if each.name.endswith(".attempt.json") and now - each.written < LEASE_SECONDS]
    return any(not (locked and _boot_of(each.content) == boot_id()) for each in fresh)


def _boot_of(content: bytes) -> str | None:
    try:
        return str(json.loads(content)["boot"]).partition("/")[0] or None
    except (ValueError, KeyError, TypeError):
        return None
