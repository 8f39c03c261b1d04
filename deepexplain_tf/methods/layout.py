"""What a method may know about the explained tensors and the call, and how it reads its options by them."""

from collections.abc import Mapping
import dataclasses
from typing import Any

import numpy as np

from deepexplain_tf.arguments.options import is_int
from deepexplain_tf.arguments.structure import unpack
from deepexplain_tf.errors import InputError, OptionError, shortened


@dataclasses.dataclass(frozen=True)
class Layout:
    """The facts about the explained tensors and the call that `Method.data` may use.

    Attributes:
      structure: the user's structure of the explained tensors, with positions as leaves.
      shapes: for each explained tensor, the shape of one example.
      seed: the user's seed.
      fixed_sizes: whether `data` should have the same sizes at every call, since XLA compiles anew for other sizes.
      n_baselines: the number of baselines of each example in a background, or of points; 0 without sets of them.
    """

    structure: Any
    shapes: tuple[tuple[int, ...], ...]
    seed: int | None
    fixed_sizes: bool = False
    n_baselines: int = 0

    @property
    def lengths(self) -> tuple[tuple[int, ...], ...]:
        """The shapes, for a method that needs every length, as masks do.

        Raises:
          InputError: a length that is open inside the graph being built.
        """
        if any(length is None for shape in self.shapes for length in shape):
            shown = [list(shape) for shape in self.shapes]
            raise InputError(
                f"inputs must have known lengths, but for the batch, where masks replace them. Got {shown}."
            )
        return self.shapes

    def flatten(self, option: str, given: Any) -> list[Any]:
        """Returns the values of an option that has one value for each explained tensor, in their order.

        Args:
          option: the name of the option, for the error message.
          given: the value that the user passed, in the structure of the inputs.

        Raises:
          OptionError: the option does not have the structure of the inputs.
        """
        structure = self.structure
        leaves = unpack(structure, given)
        if leaves is not None:
            return leaves
        shown = list(structure) if isinstance(structure, Mapping) else f"{len(structure)} inputs"
        raise OptionError(f"{option} must have the structure of the inputs, {shown}. Got {str(given)[:100]}.")

    def whole_numbers(self, option: str, given: Any) -> list[tuple[int, ...]]:
        """Returns an option that has whole numbers ≥ 1, one for each axis but the batch, of each explained tensor.

        Args:
          option: the name of the option, for the error message.
          given: the value that the user passed, in the structure of the inputs.

        Raises:
          OptionError: anything else.
        """
        tuples = self.flatten(option, given)
        for item, shape in zip(tuples, self.shapes, strict=True):
            fits = isinstance(item, list | tuple | np.ndarray) and np.ndim(item) == 1 and len(item) == len(shape)
            if not (fits and all(is_int(size) and size >= 1 for size in item)):
                numbers = f"{len(shape)} whole numbers ≥ 1 for shape {list(shape)}"
                raise OptionError(f"{option} must be {numbers}. Got {shortened(item)}.")
        return [tuple(int(size) for size in item) for item in tuples]
