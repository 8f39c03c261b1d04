"""The works of the benchmark as data classes."""

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
    """A model with a batch, a target and an explained tensor.

    Attributes:
      model: the model that the library explains.
      x: the batch, as the model takes it.
      steps: gradients per example.
      target: the index of the explained output.
      logits: explained tensor → outputs before any softmax, for gradients that are taken by hand.
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
    """The sizes of the works.

    Attributes:
      quick: whether the works have their small version.
      pictures: the height and width of ResNet50's pictures; None for the work's own.
      calibrated: whether batch normalisation has statistics of the inputs. Calibration takes memory, which the
        allocator keeps; in a measurement of memory it would hide the growth.
    """

    quick: bool = False
    pictures: int | None = None
    calibrated: bool = True


@dataclasses.dataclass(frozen=True)
class Work:
    """Integrated Gradients of one model and batch.

    Attributes:
      build: makes the subject, the same one each time.
      limits: figure → the largest value that it should have.
      chunks: the chunk sizes to try for the floor; 0: the whole batch, one step.
      first_call: whether the first call is measured.
      single: method of a single backward pass → the largest ratio to the plain gradient that it should have; None where
        these methods are not measured.
      growth: whether the memory of all steps is compared with that of a tenth of them.
      packages: the packages that must be installed.
    """

    build: Callable[[Sizes], Subject]
    limits: Mapping[str, float]
    chunks: tuple[int, ...] = (8, 16, 32, 64, 256, 0)
    first_call: bool = False
    single: Mapping[str, float] | None = None
    growth: bool = False
    packages: tuple[str, ...] = ()

    @property
    def missing(self) -> list[str]:
        """The packages of the work that are not installed."""
        return missing(self.packages)
