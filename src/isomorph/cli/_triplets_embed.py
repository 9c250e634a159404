"""`isomorph triplets embed|dimensions`: what people base their choices on, as a few dimensions."""

from __future__ import annotations

import dataclasses
import glob
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import tyro

from isomorph.cli._judgments import read_ids, read_judgments
from isomorph.cli._output import print_facts, print_json, print_table, say
from isomorph.cli._parse import Settings, known_options, options_of

if TYPE_CHECKING:
    from isomorph.alignment import OddOneOutEmbedding


def embed(
    source: Annotated[Path, tyro.conf.Positional],
    *,
    out: Path,
    method: Literal["vice", "spose"] = "vice",
    seeds: tuple[int, ...] = (0,),
    format: str = "auto",
    objects: str | None = None,
    base: int | None = None,
    set: Settings = (),
    json: bool = False,
) -> None:
    """Fit non-negative dimensions to odd-one-out choices, and write them; a fit that was killed goes on when it is called again.

    Args:
        source: The triplets.
        out: The .safetensors file to write, with all runs; OUT.part.0 beside it holds the fit so far.
        method: vice (which knows how sure it is) or spose.
        seeds: One run each; from two on it is known which dimensions are found again.
        format: See `isomorph triplets convert --help`.
        objects: What the numbers of SOURCE count; see there. Objects that stand in no trial are left out.
        base: What they count from: 0 or 1.
        set: An option of the method, such as dimensions=50, epochs=500 or learning_rate=0.01.
        json: One JSON object: method, out, objects, dimensions, seed, held_out, settled, reproducible …
    """
    from isomorph import alignment
    from isomorph.engine import Progress

    kind: Any = {"vice": alignment.VICE, "spose": alignment.SPoSE}[method]
    options = known_options(kind, options_of(set))
    triplets = read_judgments(source, format, objects, base)
    shown = tuple(each for each, is_shown in zip(triplets.objects, triplets.shown, strict=True) if is_shown)
    if len(shown) < len(triplets.objects):
        say(f"{len(triplets.objects) - len(shown)} of {len(triplets.objects)} objects stand in no trial and are left out.")
    with Progress() as progress:
        embedding = kind(**options, seeds=seeds).fit(triplets.restrict(shown), checkpoint=f"{out}.part", progress=progress)
    embedding.save(out)
    for part in out.parent.glob(f"{glob.escape(out.name)}.part.*"):
        part.unlink()
    facts = _facts(embedding, out)
    print_json(facts) if json else print_facts(facts)


def dimensions(
    source: Annotated[Path, tyro.conf.Positional],
    triplets: Annotated[Path | None, tyro.conf.Positional] = None,
    *,
    top: int = 10,
    format: str = "auto",
    objects: str | None = None,
    base: int | None = None,
    json: bool = False,
) -> None:
    """Say what each dimension of an embedding is about: the objects that have most of it, and what it explains.

    Args:
        source: An embedding: .safetensors of `isomorph triplets embed`, VICE's .npz, or a matrix in .npy.
        triplets: Trials; with them it is known which share of choices a dimension explains, and what goes without it.
        top: How many objects of each dimension.
        format: How TRIPLETS are written; see `isomorph triplets convert --help`.
        objects: What the numbers in TRIPLETS count; and the objects of SOURCE where the file does not say ("things-files").
        base: What the numbers count from: 0 or 1.
        json: One JSON object a dimension: index, top, total, objects, share, gain, reproducibility.
    """
    from isomorph.alignment import OddOneOutEmbedding

    named = None if objects is None or source.suffix == ".safetensors" else read_ids(objects)
    embedding = OddOneOutEmbedding.load(source, objects=named)
    trials = read_judgments(triplets, format, objects, base) if triplets else None
    found = [dataclasses.asdict(each) for each in embedding.dimensions(trials, top=top)]
    if json:
        for row in found:
            print_json(row)
        return
    say(str(embedding))
    for row in found:
        row["top"] = ", ".join(f"{name} {weight:.2f}" for name, weight in row["top"])
    columns = ("index", "share", "gain", "reproducibility", "objects", "total", "top")
    print_table(found, [each for each in columns if any(row[each] is not None for row in found)])


def _facts(embedding: OddOneOutEmbedding, out: Path) -> dict[str, Any]:
    several = len(embedding.runs) > 1
    return {
        "method": embedding.method,
        "out": str(out),
        "objects": len(embedding.objects),
        "dimensions": embedding.width,
        "seed": embedding.seed,
        "runs": len(embedding.runs),
        "held_out": embedding.held_out,
        "epochs": int(embedding.trace.epochs[-1]) if embedding.trace else None,
        "settled": embedding.trace.settled if embedding.trace else None,
        "reproducible": embedding.reproducibility().share if several else None,
    }
