"""Masks of what should be relevant; metrics of localisation compare attributions with them.

- `inputs`: the examples, whose structure and shapes the attributions have; no model is asked.
- `attributions`: one set, or several by name.
- `masks`: booleans, or numbers 0 and 1, in the structure of the inputs: True where an example should be relevant. A
  mask has the shape of its input, `[batch, ...]`, and tells of each element; or the last axis, such as the channels,
  has size 1 or, from three axes on, is left out: then it tells of positions, whose relevance is the sum over that axis.
- The score is NaN for an example without any True.
- The result is a `Score`, or a dict of them by the names of `attributions`.
- DeepExplainError: an argument does not fit.
"""

from collections.abc import Callable, Sequence
import dataclasses
from typing import Any

import numpy as np

from deepexplain_tf.arguments.arrays import is_symbolic, read_array
from deepexplain_tf.arguments.structure import flatten_like
from deepexplain_tf.arguments.types import Structure
from deepexplain_tf.errors import OptionError
from deepexplain_tf.metrics.arguments import Examples
from deepexplain_tf.metrics.base import Score


@dataclasses.dataclass(frozen=True)
class GroundTruth:
    """The positions that should be relevant.

    Attributes:
      masks: booleans `[batch, ...]` for each input; the last axis of the input has size 1 or is missing where it is
        summed over.
    """

    masks: list[np.ndarray]

    @classmethod
    def read(cls, given: Any, examples: Examples) -> "GroundTruth":
        """Reads the user's masks; DeepExplainError unless they fit the inputs."""
        leaves = flatten_like(given, examples.specs, "masks")
        return cls([_mask(leaf, array.shape) for leaf, array in zip(leaves, examples.inputs, strict=True)])

    @property
    def inside(self) -> np.ndarray:
        """Booleans `[batch, positions]`, of all inputs."""
        return _joined(self.masks)

    def relevance(self, arrays: Sequence[np.ndarray]) -> np.ndarray:
        """Returns the relevance of each position, `[batch, positions]` in float64, of an array for each input."""
        return _joined(
            [
                array.astype(np.float64).sum(-1).reshape(mask.shape)
                if mask.shape != array.shape
                else array.astype(np.float64)
                for array, mask in zip(arrays, self.masks, strict=True)
            ]
        )


def score_localisation(
    scored: Callable[[np.ndarray, np.ndarray], np.ndarray],
    inputs: Structure,
    attributions: Any,
    masks: Any,
    inside_of: Callable[[GroundTruth], np.ndarray] = lambda truth: truth.inside,
) -> Score | dict[str, Score]:
    """Returns the result of a metric, whose arguments follow `scored`.

    Args:
      scored: relevance and booleans, both `[batch, positions]` → `[batch]`.
      inputs: the examples.
      attributions: one set, or several by name.
      masks: the masks.
      inside_of: returns the booleans that `scored` gets.
    """
    examples = Examples.read(inputs)
    sets, truth = examples.attributions(attributions), GroundTruth.read(masks, examples)
    inside, known = inside_of(truth), truth.inside.any(1)
    scores = [scored(truth.relevance(arrays), inside) for arrays in sets.arrays]
    return sets.by_name([Score(per_example=np.where(known, score, np.nan)) for score in scores])


def _mask(given: Any, shape: tuple[int, ...]) -> np.ndarray:
    mask = read_array(given, "masks")
    shapes = [shape, (*shape[:-1], 1), *([shape[:-1]] if len(shape) > 2 else [])]
    if is_symbolic(mask) or tuple(mask.shape) not in shapes:
        wanted = " or ".join(str(list(one)) for one in dict.fromkeys(shapes))
        raise OptionError(f"masks must have the shape {wanted}. Got {list(mask.shape)}.")
    if mask.dtype != bool and not np.isin(mask, (0, 1)).all():
        raise OptionError(f"masks must be booleans, or numbers 0 and 1. Got {mask[~np.isin(mask, (0, 1))][0]}.")
    return mask.astype(bool)


def _joined(arrays: Sequence[np.ndarray]) -> np.ndarray:
    return np.concatenate([array.reshape(len(array), -1) for array in arrays], 1)
