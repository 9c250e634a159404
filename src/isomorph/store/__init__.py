"""Where finished work lives: immutable safetensors shards under the fingerprint of what they hold, safe against `kill -9`."""

from isomorph.store._audit import Damage, Entry, Freed
from isomorph.store._open_store import open_store, store_beside
from isomorph.store._receipt import ShardReceipt, TensorFact
from isomorph.store._remote_store import RemoteStore
from isomorph.store._store import Store
from isomorph.store._stored_object import StoredObject
from isomorph.store._writer import Writer

__all__ = [
    "Damage",
    "Entry",
    "Freed",
    "RemoteStore",
    "ShardReceipt",
    "Store",
    "StoredObject",
    "TensorFact",
    "Writer",
    "open_store",
    "store_beside",
]
