"""Pictures, one file at a time."""

from collections.abc import Iterator
import dataclasses
import functools
import os
import pathlib
from typing import Any

import numpy as np

from deepexplain_tf.arguments import pictures
from deepexplain_tf.datasets import fingerprint
from deepexplain_tf.datasets.rows import Row
from deepexplain_tf.datasets.sources.base import SOURCES, RowSource, files_with, only_spec
from deepexplain_tf.errors import DeepExplainError


@SOURCES.register("pictures")
@dataclasses.dataclass(frozen=True)
class Pictures(RowSource):
    """A picture, several, or a folder of them and of folders, in the order of their paths.

    Pictures are stretched to the size that the model takes; see `read_pictures` for the options.

    Attributes:
      preprocess: how pixels become inputs.
      behind: the colour behind transparent pixels.
      value_range: the values that are black and white in pictures of more than 8 bits.
    """

    preprocess: pictures.Preprocess = "none"
    behind: pictures.Colour = "white"
    value_range: Any = None

    @classmethod
    def takes(cls, given: Any) -> bool:
        return bool(files_with(given, pictures.SUFFIXES))

    def __post_init__(self) -> None:
        pictures.check_options(self.preprocess, self.behind, self.value_range)
        only_spec(self.specs)

    @functools.cached_property
    def files(self) -> list[pathlib.Path]:
        """The files in their order."""
        return files_with(self.given, pictures.SUFFIXES)

    @functools.cached_property
    def names(self) -> list[str]:
        """The paths inside the folder, and of files that were named themselves their names."""
        given = self.given
        folder = pathlib.Path(given) if not isinstance(given, list | tuple) and pathlib.Path(given).is_dir() else None
        paths = [file.name if folder is None else file.relative_to(folder).as_posix() for file in self.files]
        return [os.fsencode(path).decode(errors="backslashreplace") for path in paths]  # names may be any bytes

    @property
    def count(self) -> int:
        return len(self.files)

    def identity(self) -> dict[str, Any]:
        return {**fingerprint.of_files(self.files), **self._options}

    def rows(self, first: int) -> Iterator[Row]:
        for file, name in zip(self.files[first:], self.names[first:], strict=True):
            try:
                yield Row(self._read(file), name)
            except (DeepExplainError, OSError) as error:
                yield Row(None, name, str(error))

    def _read(self, file: pathlib.Path) -> np.ndarray:
        return pictures.read_pictures(file, self._shape, **self._options)[0]

    @property
    def _options(self) -> dict[str, Any]:
        return {"preprocess": self.preprocess, "behind": self.behind, "value_range": self.value_range}

    @functools.cached_property
    def _shape(self) -> tuple[int | None, ...]:
        spec = only_spec(self.specs)
        shape = (None, None, None) if spec is None or spec.shape.rank is None else tuple(spec.shape[1:])
        return pictures.in_colours(shape)
