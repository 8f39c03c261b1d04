"""Aliases for what users pass and receive."""

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
import tensorflow as tf

Array: TypeAlias = np.ndarray
Structure: TypeAlias = Any  # an array, or a list, tuple or dict of arrays
Target: TypeAlias = Any  # None | int | tuple[int, ...] | int array | float array | callable
Overrides: TypeAlias = dict[str, Callable[..., Any]]
TensorLike: TypeAlias = np.ndarray | tf.Tensor
