"""Work on other machines, of which no lock tells: the notes that running units touch every half minute."""

from __future__ import annotations

import json
from pathlib import Path

from isomorph.store._atomic import boot_id, listing, regular_status

LEASE_SECONDS = 300.0


def worked_on(folder: Path, *, now: float, locked: bool) -> bool:
    """Whether a process may work on the object in `folder`, by the notes of `isomorph.engine.Journal` in `units/`.

    A note holds for five minutes after it was last touched, by the clock of the file system. Notes of this machine count only if `folder`
    cannot be locked: where it can, their processes are dead.
    """
    for path in listing(folder.parents[2] / "units" / folder.name[:2]):
        if path.name.startswith(folder.name) and path.name.endswith(".attempt.json"):
            status = regular_status(path)
            fresh = status is not None and now - status.st_mtime < LEASE_SECONDS
            if fresh and not (locked and _boot_of(path) == boot_id()):
                return True
    return False


def _boot_of(path: Path) -> str | None:
    try:
        return str(json.loads(path.read_bytes())["boot"]).partition("/")[0] or None
    except (OSError, ValueError, KeyError, TypeError):
        return None
