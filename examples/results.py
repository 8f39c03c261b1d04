"""Files, tables and versions that the scripts write."""

from collections.abc import Sequence
import json
import os
import platform
from typing import Any

import keras
import tensorflow as tf

from deepexplain_tf.writing.atomic import atomic_file


def versions() -> dict[str, str]:
    """Returns the versions of TensorFlow, Keras and Python, on which figures depend."""
    return {"TensorFlow": tf.__version__, "Keras": keras.__version__, "Python": platform.python_version()}


def listed_versions() -> str:
    """Returns the versions as a text."""
    return ", ".join(f"{name} {version}" for name, version in versions().items())


def markdown_table(header: Sequence[str], rows: Sequence[Sequence[str]], *, left: int = 1) -> str:
    """Returns a table in Markdown; the first `left` columns are flush left, the others flush right."""
    marks = ["---" if column < left else "--:" for column in range(len(header))]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in (header, marks, *rows))


def write(path: str | os.PathLike[str], content: str | bytes) -> None:
    """Writes a file whole or not at all."""
    with atomic_file(path) as file:
        file.write(content.encode() if isinstance(content, str) else content)


def write_json(path: str | os.PathLike[str], found: Any) -> None:
    """Writes figures as JSON, whole or not at all."""
    write(path, json.dumps(found, indent=2, ensure_ascii=False) + "\n")
