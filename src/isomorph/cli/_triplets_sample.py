"""`isomorph triplets sample|label`, and conversion of tables of triplets: many millions, in bounded memory."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import tyro

from isomorph.cli._judgments import read_ids, read_judgments
from isomorph.cli._output import print_facts, print_json
from isomorph.cli._parse import StoreFolder
from isomorph.cli._source import read_features
from isomorph.errors import InputError

if TYPE_CHECKING:
    import numpy as np

    from isomorph.features import Features

Place = Annotated[Path, tyro.conf.Positional]


def sample(
    source: Annotated[str, tyro.conf.Positional],
    *,
    out: Path,
    n: int = 10_000_000,
    kind: str = "cluster_border_500",
    groups: Path | None = None,
    key: str | None = None,
    balance: Literal["images", "groups"] = "images",
    seed: int = 0,
    ids: str | None = None,
    json: bool = False,
) -> None:
    """Draw triplets of images by classes or clusters.

    Args:
        source: Features of the images (FILE or FILE#KEY), or how many images there are.
        out: The folder of the table to write.
        n: How many triplets.
        kind: random, between_class, class_border, within_class, cluster_500 or cluster_border_500 (any number of clusters).
        groups: The class or cluster of each image: what `isomorph cluster` wrote, or .npy, .npz, .csv, .txt.
        key: The array of an .npz, or the column of a .csv.
        balance: Whether each of the images is equally likely to begin a triplet, or each of the groups.
        seed: Of the draws.
        ids: The images' names: a text file with one a line, or a table with a column id; default: those of SOURCE.
        json: One JSON object: n, groups, groups_shown, single, smallest, median, largest, shown_fewest …, out.
    """
    from isomorph.alignet import TripletSampler, load_groups, sample_to_table
    from isomorph.engine import Progress

    names: tuple[str, ...] | None = None
    if source.isdecimal():
        images = int(source)
    else:
        x = read_rows(source)
        images, names = len(x), getattr(x, "ids", None)
    names = read_ids(ids) if ids else names
    of = None if groups is None else load_groups(groups, key=key)
    sampler = TripletSampler(sampling=kind, images=images, groups=of, balance=balance, seed=seed)
    with Progress(quiet=json) as progress:
        _, statistics = sample_to_table(sampler, n, out, objects=names, progress=progress)
    _say({**dataclasses.asdict(statistics), "sampling": kind, "out": str(out)}, json)


def label(
    source: Annotated[str, tyro.conf.Positional],
    triplets: Place,
    *,
    out: Path,
    transform: str | None = None,
    precision: Literal["float16", "float32"] = "float32",
    format: str = "auto",
    ids: str | None = None,
    positional: bool = False,
    store: StoreFolder = None,
    json: bool = False,
) -> None:
    """Label triplets with a teacher's features: similarities of the three pairs, the odd one last.

    What was finished before a kill is kept; the same command goes on there.

    Args:
        source: The teacher's features: FILE (.npy is read where it lies, float16, too), FILE#KEY or a stored layer (FINGERPRINT#LAYER).
        triplets: A table (folder), or judgments in any format.
        out: The folder of the table to write; or a file .npz, in AligNet's format.
        transform: The teacher's affine map, a file or a published name; without one these are the labels of the control ("untransformed").
        precision: Of the similarities in the table: float16 or float32.
        format: The convention of TRIPLETS; see `isomorph triplets convert --help`.
        ids: The image of each row of SOURCE: a text file with one a line, or a table with a column id.
        positional: Join by position instead of by id.
        store: The store's folder; default: $ISOMORPH_STORE.
        json: One JSON object: n, odd_last, third_smallest, tied, moved, entropy, out.
    """
    from isomorph.alignet import TripletTable, label_triplets
    from isomorph.alignment import load_transform
    from isomorph.engine import Progress
    from isomorph.judgments import write_alignet

    source_of = TripletTable.open(triplets) if triplets.is_dir() else read_judgments(triplets, format)
    as_npz = out.suffix.lower() == ".npz"
    folder = out.with_name(f"{out.stem}.table") if as_npz else out
    with Progress(quiet=json) as progress:
        table, report = label_triplets(
            read_rows(source, ids, store), source_of, folder, transform=load_transform(transform) if transform else None,
            precision=precision, positional=positional, progress=progress,
        )  # fmt: skip
        if as_npz:
            write_alignet(out, table, progress=progress)
    facts = {**dataclasses.asdict(report), "out": str(out)}
    _say({**facts, "table": str(folder)} if as_npz else facts, json)


def convert_table(source: Path, out: Path, format: str, to: str, options: dict[str, Any], json: bool) -> bool:
    """Convert from or to a table of triplets, if either is one; whether it was done."""
    from isomorph.alignet import TripletTable, table_from_alignet, table_from_triplets
    from isomorph.engine import Progress
    from isomorph.judgments import write_alignet

    if not source.is_dir() and to != "table":
        return False
    with Progress(quiet=json) as progress:
        if source.is_dir():
            table = TripletTable.open(source)
            if out.suffix.lower() == ".npz" and to in ("auto", "alignet"):
                write_alignet(out, table, progress=progress)
            else:
                table[:].save(out, to)
            facts: dict[str, Any] = {"n": len(table), "objects": table.header["objects"]}
        elif _is_alignet(source, format):
            table, report = table_from_alignet(source, out, progress=progress, **options)
            facts = {"n": len(table), "objects": table.header["objects"], **dataclasses.asdict(report)}
        else:
            table = table_from_triplets(read_judgments(source, format, **options), out)
            facts = {"n": len(table), "objects": table.header["objects"]}
    _say({**facts, "out": str(out)}, json)
    return True


def read_rows(source: str, ids: str | None = None, store: str | None = None) -> Features | np.ndarray[Any, Any]:
    """Features by name. An `.npy` file without ids stays as it is: memory-mapped, and float16 if it is.

    Raises:
        InputError: SOURCE is a Gram matrix, or there are more or fewer ids than rows.
    """
    from isomorph.data import read_npy
    from isomorph.features import Features

    path = Path(source)
    if path.suffix.lower() == ".npy" and path.is_file() and ids is None:
        values = read_npy(path, memory_map=True)
        if values.ndim == 2 and values.dtype.kind == "f":
            return values
    found = read_features(source, store=store)
    if not isinstance(found, Features):
        raise InputError(
            f"{source} holds the relations among the stimuli only; features are needed (`isomorph extract --reduce features`)."
        )
    return dataclasses.replace(found, ids=read_ids(ids)) if ids else found


def _is_alignet(source: Path, format: str) -> bool:
    if format != "auto" or source.suffix.lower() != ".npz":
        return format == "alignet"
    from isomorph.judgments._npz_stream import NpzStream

    with NpzStream(source) as archive:
        return "indices" in archive.names


def _say(facts: dict[str, Any], json: bool) -> None:
    print_json(facts) if json else print_facts(facts)
