"""`isomorph extract`: features of every layer, in one pass."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import tyro

from isomorph.cli._extract_part import check_part, extract_part
from isomorph.cli._output import print_facts, print_json, print_table, say
from isomorph.cli._parse import StoreFolder, call, wrong_usage
from isomorph.cli._profile import measured, plain_profile, tell_profile
from isomorph.errors import FileError, InputError
from isomorph.profile import timing
from isomorph.spec import to_plain

if TYPE_CHECKING:
    from isomorph.models import Extraction, ExtractionPlan
    from isomorph.profile import Profile
    from isomorph.stimuli import Stimuli
    from isomorph.store import Store


def run(words: list[str]) -> int | None:
    """Parse and run."""
    return call(extract, words, command="extract")


def extract(
    model: Annotated[str, tyro.conf.Positional],
    *,
    stimuli: str,
    layers: tuple[str, ...] = ("all",),
    pool: str = "flatten",
    reduce: Literal["features", "gram", "sketch"] = "features",
    batch_size: int | None = None,
    memory_limit: str = "2GB",
    precision: str = "float32",
    device: str = "cpu",
    on_error: Literal["raise", "skip"] = "raise",
    column: str | None = None,
    group: str | None = None,
    out: Path | None = None,
    thingsvision: Annotated[Path | None, tyro.conf.arg(metavar="FOLDER")] = None,
    thingsvision_format: Literal["npy", "hdf5", "mat", "txt", "pt"] = "npy",
    store: StoreFolder = None,
    part: Annotated[str | None, tyro.conf.arg(metavar="I/N")] = None,
    dry_run: bool = False,
    profile: bool = False,
    json: bool = False,
) -> int | None:
    """Run a model over pictures or texts and keep what its layers hold.

    Args:
        model: A name from `isomorph list models`.
        stimuli: A folder of pictures, a name from `isomorph list stimuli`, tar shards (`"https://host/train-{00000..00999}.tar"`,
            `"s3://bucket/{0..9}.tar"`, `"shards/*.tar"`), or a table of texts (.csv .tsv .parquet; .txt has one text a line).
        layers: all, or names, shell patterns, positions (-1 is the last), depth fractions (0.5).
        pool: flatten keeps every value; mean and max go over positions or tokens; cls is the class token, tokens the mean of the others,
            cls+tokens both (thingsvision's cls_token, avg_pool, cls_token+avg_pool).
        reduce: Keep the features, the exact Gram matrix, or a sketch.
        batch_size: Stimuli at a time; chosen from the memory limit unless given.
        memory_limit: What may be held in memory; the rest goes to the store as it comes.
        precision: float32, bfloat16 or float16: of the forward pass; results are float32.
        device: cpu, cuda:0 or mps.
        on_error: What to do with a file that cannot be read: stop, or skip it and say so.
        column: The column of the table that holds the texts.
        group: The column that says what each text is about, as the picture of a caption: each layer gets one row a picture, the mean of its
            captions.
        out: Also write the layers to a file (.npz or .safetensors), with the ids.
        thingsvision: Also write a folder a layer into this new folder, as thingsvision does: features and file_names.txt.
        thingsvision_format: What those features are written as.
        store: The store's folder; default: $ISOMORPH_STORE.
        part: Show the model the I-th of N shares of the batches; other processes or machines do the others in the same store, and the same
            command without this gathers them. A batch size makes sure that there are enough batches.
        dry_run: Print the plan (layers, shapes, bytes, duplicates) and stop.
        profile: Also tell where the time went.
        json: One JSON object.
    """
    from isomorph.engine import Progress
    from isomorph.models import extract as extract_features
    from isomorph.models import load_model
    from isomorph.store import open_store

    if profile and dry_run:
        wrong_usage("extract", "--profile measures an extraction, and --dry-run makes none.")
    share = None
    if part is not None:
        share = check_part(
            part, {"--out": out, "--thingsvision": thingsvision, "--group": group, "--dry-run": dry_run, "--profile": profile}
        )
    _check_out(out, thingsvision, reduce)
    kept = open_store(store)
    shown = read_stimuli(stimuli, on_error=on_error, column=column, group=group, store=kept)
    options: dict[str, Any] = {
        "layers": as_layers(layers),
        "pool": pool,
        "reduce": reduce,
        "batch_size": batch_size,
        "memory_limit": memory_limit,
        "precision": precision,
    }
    with measured(profile) as spent:
        loaded = load_model(model, device=device)
        for each in shown.skipped:
            say(f"skipped {each.path}: {each.reason}")
        if dry_run:
            _print_plan(extract_features(loaded, shown, **options, dry_run=True), json=json)
            return None
        if share:
            return extract_part(loaded, shown, share, store=kept, options=options, json=json)
        with Progress(quiet=json) as progress:
            extraction = extract_features(loaded, shown, **options, store=kept, progress=progress)
        if group:
            extraction = extraction.grouped(shown.groups, store=kept)
        if out:
            _write(extraction, out)
        if thingsvision:
            _write_folders(extraction, thingsvision, thingsvision_format)
    _print(extraction, shown, {"out": out, "thingsvision": thingsvision}, spent, json=json)
    return None


def read_stimuli(
    asked: str | Path,
    *,
    on_error: Literal["raise", "skip"] = "raise",
    column: str | None = None,
    group: str | None = None,
    store: Store | None = None,
) -> Stimuli:
    """A folder of pictures or shards, shards by their names, a named set of stimuli, or a table of texts.

    Raises:
        FileError: There is nothing at `asked`, nor a set of that name.
        InputError: There is no table that could have the column `group`.
    """
    from isomorph.benchmarks import load_stimuli, stimulus_sets
    from isomorph.stimuli import Stimuli, names_shards

    path = Path(asked)
    if group is not None and (path.suffix == ".txt" or not path.is_file()):
        raise InputError(f"--group names a column of a table of texts (.csv, .tsv, .parquet), but {asked} is none.")
    if names_shards(asked) or path.is_dir():
        return load_stimuli(asked, on_error=on_error, store=store)
    if not path.is_file():
        if str(asked) in stimulus_sets.names():
            return load_stimuli(asked)
        raise FileError(f"there is no folder or file {path} to take stimuli from, nor a set of that name in `isomorph list stimuli`.")
    if path.suffix == ".txt":
        return Stimuli.from_texts([line for line in path.read_text(encoding="utf-8").splitlines() if line.strip()])
    return Stimuli.from_texts(path, column=column, group=group)


def as_layers(words: tuple[str, ...]) -> Any:
    """`all`, or names and numbers as Python would write them."""
    if words == ("all",):
        return "all"
    return [_number(word) for word in words]


def _number(word: str) -> str | int | float:
    for kind in (int, float):
        try:
            return kind(word)
        except ValueError:
            continue
    return word


def _check_out(out: Path | None, thingsvision: Path | None, reduce: str) -> None:
    """Before any work is done, not after."""
    if out is not None and out.suffix not in (".npz", ".safetensors"):
        raise InputError(f"features are written as .npz or .safetensors; got {out.name!r}.")
    if thingsvision is not None:
        from isomorph.features._save_thingsvision import check_new_folder

        if reduce == "gram":
            raise InputError("thingsvision's folders hold features, and reduce=gram keeps none. Reduce to features or sketch.")
        check_new_folder(thingsvision)


@timing("write")
def _write_folders(extraction: Extraction, folder: Path, format: Any) -> None:
    """A folder for each layer; the slash of a name like `name[a/b]` cannot stand in a folder's."""
    from isomorph.features import Features, save_thingsvision

    for layer, each in extraction.items():
        if isinstance(each, Features):
            save_thingsvision(each, folder / layer.replace("/", "%2F"), format=format)


@timing("write")
def _write(extraction: Extraction, out: Path) -> None:
    """One array a layer, features or Gram matrix, and the ids."""
    import json

    import numpy as np
    from safetensors import SafetensorError
    from safetensors.numpy import save_file

    from isomorph.features import Features

    arrays: dict[str, Any] = {
        layer: np.ascontiguousarray(each.values if isinstance(each, Features) else each.centred) for layer, each in extraction.items()
    }
    try:
        if out.suffix == ".npz":
            np.savez(out, **arrays, ids=np.array(extraction.ids))
        else:
            save_file(arrays, str(out), metadata={"ids": json.dumps(extraction.ids)})
    except (OSError, SafetensorError) as error:
        raise FileError(
            f"{out} cannot be written: {getattr(error, 'strerror', None) or error}. The extraction itself is in the store."
        ) from error


def _print(extraction: Extraction, stimuli: Stimuli, written: dict[str, Path | None], spent: Profile | None, *, json: bool) -> None:
    rows = [{"layer": each.name, "width": each.width, "depth": round(each.depth, 4), "shape": each.shape} for each in extraction.layers]
    grouped = extraction.provenance.get("grouped")
    n = len(extraction.ids)
    if json:
        skipped = to_plain(stimuli.skipped)
        told = {"profile": plain_profile(spent)} if spent else {}
        print_json(
            {"fingerprint": extraction.fingerprint, "n": n, "layers": rows, **written, "grouped": grouped, "skipped": skipped, **told}
        )
        return
    print_table(rows, ["layer", "width", "depth"])
    facts: dict[str, Any] = {"fingerprint": extraction.fingerprint, "stimuli": n}
    if grouped:
        facts["grouped"] = f"means of {grouped['rows']} texts, {grouped['fewest']} to {grouped['most']} each"
    print_facts(facts | {name: str(path) for name, path in written.items() if path})
    tell_profile(spent)


def _print_plan(plan: ExtractionPlan, *, json: bool) -> None:
    if json:
        print_json(plan.to_plain())
    else:
        print(plan)
