"""What was shown: ordered, named, lazily decoded pictures and texts."""

from isomorph._lazy import lazy_exports

_EXPORTS = {
    "CORRUPTIONS": "isomorph.stimuli._corrupt_table",
    "Corruption": "isomorph.stimuli._corrupt_table",
    "ShardStream": "isomorph.stimuli._shard_stream",
    "Skipped": "isomorph.stimuli._skipped",
    "Stimuli": "isomorph.stimuli._stimuli",
    "Subset": "isomorph.stimuli._subset",
    "balanced_subset": "isomorph.stimuli._subset",
    "corrupt": "isomorph.stimuli._corrupt",
    "corrupted": "isomorph.stimuli._corrupted",
    "joined": "isomorph.stimuli._joined",
    "names_shards": "isomorph.stimuli._shard_names",
    "shard_names": "isomorph.stimuli._shard_names",
    "shards_beside": "isomorph.stimuli._shard_names",
}

__all__ = sorted(_EXPORTS)  # noqa: PLE0605
__getattr__, __dir__ = lazy_exports(__name__, _EXPORTS)
