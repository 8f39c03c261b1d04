"""The contract of a format of export, and `save`, which writes one whole or not at all."""

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
    """A format of export; its fields are its options.

    A format is a frozen dataclass, registered by `@FORMATS.register(name)` in a file of its own, which
    `export/__init__.py` imports. It sets `description_file` and implements `write`. Every field has a default; a
    `__post_init__` raises OptionError for a value that does not fit, or for the default of an option that must be
    given. `saved_model.py` is a short example. The command line lists the formats in `cli/export.py`.
    """

    description_file: ClassVar[str]
    """The path of the JSON file inside the exported folder, into which `save` writes the
    description of the export; `overwrite=True` replaces only folders that hold such a file."""

    @abc.abstractmethod
    def write(self, program: ExplainerProgram, folder: pathlib.Path) -> dict[str, Any]:
        """Writes a program into a folder and returns its description.

        Args:
          program: the functions to export, which a format traces for `program.specs` or `program.fixed_specs`;
            `program.resources` has the variables that the traced functions read.
          folder: an empty temporary folder. It takes its final place after `write`, or disappears if that raises.

        Returns:
          Values of JSON by name: `program.provenance()`, whose notes are known once `explain` was traced, and the
          format's own.

        Raises:
          DeepExplainError: the format cannot hold the program.
        """


def make_format(name: str, options: Mapping[str, Any]) -> Format:
    """Makes a format from its name and options.

    Raises:
      UnknownNameError: a format that does not exist.
      OptionError: an option that the format does not have, a value out of range, or a missing option.
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
    """Writes an export in a format, with its description as JSON; the folder appears whole or not at all.

    Args:
      program: a function that makes the program, called after `path` is found to be free.
      path: the folder to write.
      format: the format.
      version: the number of TensorFlow Serving's subfolder `path/version/`; None for `path` itself.
      overwrite: whether an older export at this path is replaced.

    Raises:
      PathError: `path` exists already, or cannot be written to.
      OptionError: an argument out of range.
      DeepExplainError: the explainer is not one that can be exported, or the format cannot hold it.
    """
    if version is not None:
        require_whole("version", 0, version)
    require_bool("overwrite", overwrite)
    final = path if version is None else os.path.join(path, str(version))
    marks = [FORMATS[name].description_file for name in FORMATS]
    with atomic_folder(final, overwrite=overwrite, marks=marks) as folder:
        described = format.write(program(), folder)
        file = folder / format.description_file
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(described, indent=1, ensure_ascii=False), "utf-8")
