"""What a work of the benchmark is."""

from collections.abc import Callable, Mapping
import dataclasses
from typing import Any

import numpy as np
import tensorflow as tf

from choices import missing


def _itself(inputs: tf.Tensor) -> tf.Tensor:
    return inputs


@dataclasses.dataclass(frozen=True)
class Subject:
    """A model, a batch and what is explained of it.

    Attributes:
      model: what the library is given.
      x: the batch, as the model takes it.
      steps: gradients per example.
      target: the output's index.
      logits: explained tensor → outputs before any softmax, for who takes the gradient by hand.
      start: inputs → explained tensor.
      layer: the layer whose output is explained, None for the inputs.
    """

    model: Any
    x: np.ndarray
    steps: int
    target: int
    logits: Callable[[tf.Tensor], tf.Tensor]
    start: Callable[[tf.Tensor], tf.Tensor] = _itself
    layer: str | None = None


@dataclasses.dataclass(frozen=True)
class Sizes:
    """How large the works are.

    Attributes:
      quick: whether all are small.
      pictures: the height and width of ResNet50's, None for its own.
      calibrated: whether batch normalisation has statistics of the inputs. Finding them takes memory, which the
        allocator keeps: where memory is measured, it would hide what is measured.
    """

    quick: bool = False
    pictures: int | None = None
    calibrated: bool = True


@dataclasses.dataclass(frozen=True)
class Work:
    """Integrated Gradients of one model and batch.

    Attributes:
      build: makes the subject, the same one each time.
      limits: figure → the largest value it is meant to have.
      chunks: the evaluations at once that are tried for the floor; 0: the whole batch, one step.
      first_call: whether the first call is measured.
      growth: whether the memory of all steps is compared with that of few.
      packages: what has to be installed for it.
    """

    build: Callable[[Sizes], Subject]
    limits: Mapping[str, float]
    chunks: tuple[int, ...] = (8, 16, 32, 64, 256, 0)
    first_call: bool = False
    growth: bool = False
    packages: tuple[str, ...] = ()

    @property
    def missing(self) -> list[str]:
        """The packages that it needs and that are not installed."""
        return missing(self.packages)
