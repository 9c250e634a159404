"""Indexes of shards as units of work, for shards that take long to read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from isomorph.engine import Needs
from isomorph.stimuli._shard_index import Shard, index_name, stored_index
from isomorph.stimuli._shard_stream import shard_title

if TYPE_CHECKING:
    from isomorph.stimuli._remote_shard import RemoteShard
    from isomorph.store import Store


@dataclass(frozen=True, eq=False)
class ShardIndexUnit:
    """Reads one shard once, from its first byte to its last, and commits where its pictures are."""

    shard: Shard | RemoteShard

    @property
    def label(self) -> str:
        """What progress shows."""
        return f"index of {shard_title(self.shard)}"

    @property
    def fingerprint(self) -> str:
        """The name of the index."""
        return index_name(self.shard)

    @property
    def needs(self) -> Needs:
        """The shard at hand."""
        return Needs(near=str(self.shard.path))

    def run(self, store: Store) -> None:
        """Compute and commit the index."""
        stored_index(self.shard, store)
