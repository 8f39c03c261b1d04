"""What a format of export is, and how one is written: whole or not at all, with an account of what it holds."""

import abc
from collections.abc import Callable, Mapping
import dataclasses
import json
import os
import pathlib
from typing import Any, ClassVar

from deepexplain_tf.arguments.options import require_bool, require_whole
from deepexplain_tf.errors import OptionError, closest, shortened
from deepexplain_tf.export.program import ExplainerProgram
from deepexplain_tf.registry import Registry
from deepexplain_tf.writing.atomic import atomic_folder

FORMATS: Registry[type["Format"]] = Registry("format")


@dataclasses.dataclass(frozen=True)
class Format(abc.ABC):
    """A format, registered once; its fields are its options, checked when it is made."""

    description: ClassVar[str]
    """The file of a folder in which `save` tells what was exported."""

    @abc.abstractmethod
    def write(self, program: ExplainerProgram, folder: pathlib.Path) -> dict[str, Any]:
        """Writes a program into an empty folder; returns what is to be told of it."""


def make_format(name: str, options: Mapping[str, Any]) -> Format:
    """Makes a format from its name and options.

    Raises:
      UnknownNameError: no such format.
      OptionError: an option that the format does not have, or a value out of range.
    """
    kind = FORMATS[name]
    known = [field.name for field in dataclasses.fields(kind)]
    for option in options:
        if option not in known:
            raise OptionError(f"unknown option {shortened(option)} of format {name!r}; {closest(option, known)}.")
    return kind(**options)


def save(
    program: Callable[[], ExplainerProgram],
    path: str | os.PathLike[str],
    format: Format,
    *,
    version: int | None,
    overwrite: bool,
) -> None:
    """Writes a folder in a format, and in it, as JSON, what it holds.

    Args:
      program: makes the program; called once the path is free.
      path: the folder to write.
      format: the format.
      version: of TensorFlow Serving's layout, `path/version/`, None for `path` itself.
      overwrite: whether an older export at this path is replaced.

    Raises:
      PathError: there is something at `path`, or it cannot be written to.
      OptionError: an argument out of range.
      DeepExplainError: what the program and the format refuse.
    """
    if version is not None:
        require_whole("version", 0, version)
    require_bool("overwrite", overwrite)
    final = path if version is None else os.path.join(path, str(version))
    marks = [FORMATS[name].description for name in FORMATS]
    with atomic_folder(final, overwrite=overwrite, marks=marks) as folder:
        described = format.write(program(), folder)
        file = folder / format.description
        file.parent.mkdir(exist_ok=True)
        file.write_text(json.dumps(described, indent=1, ensure_ascii=False), "utf-8")
