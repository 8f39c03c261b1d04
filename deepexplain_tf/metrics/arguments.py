"""The arguments of metrics, read and checked before the model is evaluated."""

from collections.abc import Callable, Mapping, Sequence
import dataclasses
from typing import Any, TypeVar

import numpy as np
import tensorflow as tf

from deepexplain_tf.arguments.arrays import as_arrays, is_symbolic, read_array
from deepexplain_tf.arguments.baselines import read_baseline
from deepexplain_tf.arguments.features import number_elements, number_groups
from deepexplain_tf.arguments.structure import flatten_like
from deepexplain_tf.arguments.types import Structure
from deepexplain_tf.errors import InputError, OptionError, shortened

T = TypeVar("T")


@dataclasses.dataclass(frozen=True)
class Examples:
    """The examples of a metric.

    Attributes:
      specs: the structure of the inputs, with the shape and dtype of each.
      inputs: an array `[batch, ...]` for each input.
    """

    specs: Any
    inputs: list[np.ndarray]

    @classmethod
    def read(cls, inputs: Structure, *, strings: bool = False) -> "Examples":
        """Reads the user's inputs; InputError unless they are arrays of one batch, real and finite, or strings."""
        arrays = as_arrays(inputs, strings=strings)
        flat = tf.nest.flatten(arrays)
        if any(is_symbolic(array) for array in flat):
            raise InputError("inputs of a metric must be arrays. Got a tensor of a graph being built.")
        return cls(tf.nest.map_structure(lambda array: tf.TensorSpec(array.shape, array.dtype), arrays), flat)

    @property
    def batch(self) -> int:
        """The number of examples."""
        return len(self.inputs[0])

    @property
    def shapes(self) -> list[tuple[int, ...]]:
        """The shape of one example of each input."""
        return [array.shape[1:] for array in self.inputs]

    def pack(self, flat: Sequence[Any]) -> Any:
        """Returns values, one for each input, in the user's structure."""
        return tf.nest.pack_sequence_as(self.specs, list(flat))

    def require_float_input(self) -> None:
        """Raises InputError unless at least one input has a float dtype, so that it can be perturbed."""
        if all(array.dtype.kind in "biu" for array in self.inputs):
            raise InputError(f"inputs must be floats to be perturbed. Got {self.inputs[0].dtype}.")

    def perturbed(self, draw: Callable[[tuple[int, ...]], np.ndarray]) -> list[np.ndarray]:
        """Returns the inputs, with `draw(shape)` added to those of a float dtype, in that dtype."""
        return [x if x.dtype.kind in "biu" else (x + draw(x.shape)).astype(x.dtype) for x in self.inputs]

    def baseline(self, given: Structure) -> list[np.ndarray]:
        """Returns a baseline `[1 or batch, ...]` for each input; see `arguments.read_baseline`."""
        return read_baseline(given, self.specs, self.inputs)

    def attributions(self, given: Any) -> "Attributions":
        """Reads one set of attributions, or several by name.

        Raises:
          InputError: wrong structure or shape, numbers that are not real or not finite, or an empty dict.
        """
        given = attributions_of(given)
        if not isinstance(given, Mapping) or (isinstance(self.specs, Mapping) and given.keys() == self.specs.keys()):
            return Attributions(None, [self.arrays(given, "attributions")])
        if not given:
            raise InputError("attributions must be in the structure of the inputs, or several by name. Got none.")
        names = list(given)
        return Attributions(names, [self.arrays(given[name], f"attributions {shortened(name)}") for name in names])

    def arrays(self, given: Any, what: str) -> list[np.ndarray]:
        """Returns finite arrays, one for each input; InputError, which names `what`, unless they fit the inputs."""
        leaves = flatten_like(attributions_of(given), self.specs, what)
        arrays = [read_array(leaf, what) for leaf in leaves]
        for array, expected in zip(arrays, self.inputs, strict=True):
            if is_symbolic(array) or tuple(array.shape) != expected.shape:
                raise InputError(
                    f"{what} must have the shape of the inputs, {list(expected.shape)}. Got {list(array.shape)}."
                )
        return arrays

    def features(self, groups: Any) -> "Features":
        """Reads `groups`.

        Args:
          groups: None or `"elements"`: every element is a feature. `"positions"`: the elements along an input's last
            axis form one feature, such as the channels of a pixel or the embedding of a token. Or whole numbers shaped
            like one example, in the structure of the inputs: elements with the same number form one feature.

        Raises:
          DeepExplainError: any other value.
        """
        if groups is None or (isinstance(groups, str) and groups == "elements"):
            return Features(number_elements(self.shapes))
        if isinstance(groups, str) and groups == "positions":
            rows = number_elements([(*shape[:-1], 1) for shape in self.shapes])
            return Features([np.broadcast_to(row, shape) for row, shape in zip(rows, self.shapes, strict=True)])
        if isinstance(groups, str):
            raise OptionError(
                f"groups must be 'elements', 'positions', or whole numbers shaped like one example. "
                f"Got {shortened(groups)}."
            )
        return Features(number_groups(flatten_like(groups, self.specs, "groups"), self.shapes))


@dataclasses.dataclass(frozen=True)
class Named:
    """An argument that is a single item, or several by name.

    Attributes:
      names: the user's names for the items; None for a single one.
    """

    names: list[str] | None

    def by_name(self, results: Sequence[T]) -> T | dict[str, T]:
        """Returns the items' results by the user's names; the result alone for a single item."""
        return results[0] if self.names is None else dict(zip(self.names, results, strict=True))


@dataclasses.dataclass(frozen=True)
class Attributions(Named):
    """One set of attributions, or several by name.

    Attributes:
      arrays: for each set, an array `[batch, ...]` for each input.
    """

    arrays: list[list[np.ndarray]]


@dataclasses.dataclass(frozen=True)
class Features:
    """The features: sets of elements that are replaced together.

    Attributes:
      ids: for each input, the number of each element's feature, from 0, shaped like one example.
    """

    ids: list[np.ndarray]

    @property
    def count(self) -> int:
        """The number of features."""
        return 1 + max(int(ids.max(initial=-1)) for ids in self.ids)

    def require_several(self, metric: str) -> None:
        """Raises InputError, which names the metric, unless there are two or more features."""
        if self.count < 2:
            raise InputError(f"{metric} needs two or more features. Got one.")

    def sums(self, arrays: Sequence[np.ndarray]) -> np.ndarray:
        """Returns the sum over the elements of each feature, `[batch, features]` in float64."""
        ids = np.concatenate([ids.ravel() for ids in self.ids])
        order = np.argsort(ids, kind="stable")
        starts = np.searchsorted(ids[order], np.arange(self.count))
        sums = np.empty((len(arrays[0]), self.count))
        for row, example in zip(sums, zip(*arrays, strict=True), strict=True):  # one at a time: a few MB, not all again
            flat = np.concatenate([array.ravel() for array in example]).astype(np.float64)
            row[:] = np.add.reduceat(flat[order], starts)
        return sums


def attributions_of(given: Any) -> Any:
    """Returns the attributions of an `Explanation`, and any other value as it is."""
    return getattr(given, "attributions", given)
