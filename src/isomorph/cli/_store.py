"""`isomorph store`: what is finished, whether it is sound, and what can go."""

from __future__ import annotations

from textwrap import shorten

from isomorph.cli._output import print_facts, print_json, print_table, say
from isomorph.cli._parse import StoreFolder, call_action


def run(words: list[str]) -> int | None:
    """Parse and run."""
    return call_action({"ls": ls, "verify": verify, "gc": gc}, words, command="store")


def ls(*, store: StoreFolder = None, json: bool = False) -> None:
    """List the objects in the store.

    Args:
        store: The store's folder; default: $ISOMORPH_STORE.
        json: One JSON object a line.
    """
    from isomorph.store import open_store

    kept = open_store(store)
    rows = [
        {
            "fingerprint": entry.fingerprint,
            "kind": entry.kind,
            "summary": entry.summary,
            "bytes": entry.bytes,
            "shards": entry.shards,
            "complete": entry.complete,
        }
        for entry in kept.entries()
    ]
    if json:
        for row in rows:
            print_json(row)
        return
    for row in rows:
        row |= {
            "fingerprint": str(row["fingerprint"])[:12],
            "summary": shorten(str(row["summary"]), 80, placeholder=" …"),
            "complete": "yes" if row["complete"] else "no",
        }
    print_table(rows, ["fingerprint", "kind", "summary", "bytes", "shards", "complete"])
    say(f"{len(rows)} objects in {kept.place}")


def verify(*, store: StoreFolder = None, json: bool = False) -> int:
    """Read every byte in the store and compare digests; status 1 where something is damaged.

    Args:
        store: The store's folder; default: $ISOMORPH_STORE.
        json: One JSON object a line, one a damaged file.
    """
    from isomorph.spec import to_plain
    from isomorph.store import open_store

    kept = open_store(store)
    damaged = [to_plain(each) for each in kept.verify()]
    if json:
        for each in damaged:
            print_json(each)
    elif damaged:
        print_table(damaged, list(damaged[0]))
    say(f"{len(damaged)} damaged files in {kept.place}" if damaged else f"nothing in {kept.place} is damaged")
    return 1 if damaged else 0


def gc(*, older_than_days: float = 7, dry_run: bool = False, store: StoreFolder = None, json: bool = False) -> None:
    """Remove unfinished objects and temporary files.

    Args:
        older_than_days: Only what was last written longer ago.
        dry_run: Say what would go, and remove nothing.
        store: The store's folder; default: $ISOMORPH_STORE.
        json: One JSON object.
    """
    from isomorph.spec import to_plain
    from isomorph.store import open_store

    freed = open_store(store).gc(older_than_days=older_than_days, dry_run=dry_run)
    if json:
        print_json(to_plain(freed))
    else:
        print_facts({"objects": len(freed.objects), "files": len(freed.files), "bytes": freed.bytes})
