"""The argument `explain` of metrics that explain anew: a function that returns attributions, or several by name."""

from collections.abc import Callable, Mapping, Sequence
import dataclasses
from typing import Any

import numpy as np
import tensorflow as tf

from deepexplain_tf.arguments.arrays import read_array
from deepexplain_tf.errors import InputError
from deepexplain_tf.metrics.arguments import Named, attributions_of


@dataclasses.dataclass(frozen=True)
class Explainers(Named):
    """One or several functions that return attributions, or an `Explanation`.

    Attributes:
      functions: the functions.
    """

    functions: list[Callable[..., Any]]

    @classmethod
    def read(cls, explain: Any) -> "Explainers":
        """Reads a function, or several by name; TypeError for any other value, InputError for an empty dict."""
        several = isinstance(explain, Mapping)
        functions = list(explain.values()) if several else [explain]
        for function in functions:
            if not callable(function):
                raise TypeError(f"explain is a function that returns attributions. Got {type(function).__name__}.")
        if not functions:
            raise InputError("explain must be a function that returns attributions, or several by name. Got none.")
        return cls(list(explain) if several else None, functions)

    def __call__(self, batch: int, *arguments: Any) -> list[np.ndarray]:
        """Returns the attributions `[batch, elements]` of each function, in float64.

        Raises:
          InputError: a function does not return finite attributions of `batch` examples.
        """
        return [_elements(function(*arguments), batch) for function in self.functions]

    def repeat(self, before: Sequence[np.ndarray], *arguments: Any) -> list[np.ndarray]:
        """Returns the attributions of another call; InputError where their shapes differ from those of `before`."""
        after = self(len(before[0]), *arguments)
        for old, new in zip(before, after, strict=True):
            if old.shape != new.shape:
                raise InputError(
                    f"explain must return attributions of one shape. Got {old.shape[1]} elements, then {new.shape[1]}."
                )
        return after


def _elements(given: Any, batch: int) -> np.ndarray:
    arrays = [read_array(leaf, "attributions") for leaf in tf.nest.flatten(attributions_of(given))]
    for array in arrays:
        if not array.shape or array.shape[0] != batch:
            raise InputError(f"explain must return attributions [{batch}, ...]. Got shape {list(array.shape)}.")
    return np.concatenate([np.reshape(array, (batch, -1)).astype(np.float64) for array in arrays], 1)
