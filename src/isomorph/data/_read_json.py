"""JSON files from anywhere."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from isomorph.errors import FileError


def read_json(path: Path | str) -> Any:
    """The content of a JSON file.

    Raises:
        FileError: There is no such file, or it is not JSON.
    """
    path = Path(path)
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise FileError(f"there is no file {path}.") from error
    except (OSError, ValueError, RecursionError) as error:
        raise FileError(f"{path} cannot be read as JSON: {error}.") from error
