"""The folder of a report: a page, its assets, the data, figures for papers."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable
from importlib.resources import as_file, files
from pathlib import Path
from typing import TypeVar

from isomorph.errors import FileError
from isomorph.report._palette import check_matplotlib

Drawn = TypeVar("Drawn")


def write_report(
    folder: Path | str,
    *,
    assets: Iterable[str],
    data: Callable[[Path], object],
    figures: Callable[[Path], Drawn] | None,
    page: Callable[[Drawn | None], str],
) -> Path:
    """Write `index.html` and what it shows.

    Args:
        folder: Where; made if absent.
        assets: Style sheets and scripts, beside the vendored libraries.
        data: Writes the data into a folder.
        figures: Draws figures into a folder and says what they are; None: there are none.
        page: The HTML, of what `figures` said.

    Returns:
        The page.

    Raises:
        MissingDependencyError: Figures are wanted and matplotlib is not installed; nothing is written then.
        FileError: The folder cannot be written.
    """
    if figures:
        check_matplotlib()
    folder = Path(folder)
    index = folder / "index.html"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name in ("assets", "data", *(["figures"] if figures else [])):
            (folder / name).mkdir(exist_ok=True)
        _copy_assets(folder / "assets", assets)
        data(folder / "data")
        drawn = figures(folder / "figures") if figures else None
        index.write_text(page(drawn), encoding="utf-8")
    except FileError:
        raise
    except OSError as error:
        raise FileError(f"the report cannot be written into {folder}: {error.strerror or error}. Choose another folder.") from error
    return index


def _copy_assets(folder: Path, names: Iterable[str]) -> None:
    """Style sheets and scripts by name, and the vendored libraries with their licences."""
    with as_file(files("isomorph.report")) as package:
        for name in names:
            shutil.copyfile(package / "assets" / name, folder / name)
        for path in sorted((package / "vendor").iterdir()):
            if path.suffix in (".js", ".txt"):
                shutil.copyfile(path, folder / path.name)
