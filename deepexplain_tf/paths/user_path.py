"""A path that a user writes: a function of α, one example and its baseline, taken for all rows and differentiated."""

from collections.abc import Callable, Sequence
from typing import Any

from ml_dtypes import finfo
import numpy as np
import tensorflow as tf

from deepexplain_tf.arguments.structure import pack, unpack
from deepexplain_tf.errors import OptionError, brief, name_of
from deepexplain_tf.objective.evaluations import Tensors

_RUNS = "must run on alpha, an example and its baseline"
_CHECKED = 8  # examples at whose ends a path is checked before it is followed


class UserPath:
    """A user's function `path(alpha, x, baseline)` → the point γ(α) of one example, as a curve of `paths.curves`.

    Two are equal if they are the same function of the same structure of examples.
    """

    def __init__(self, function: Callable[..., Any], structure: Any):
        """Makes the path.

        Args:
          function: α, a scalar of the dtype of x; x, one example without the batch, and its baseline, each in the
            user's structure → points in this structure, in the shapes and dtypes of x, by ops of TensorFlow.
          structure: the user's structure of the explained tensors, with positions as leaves.
        """
        self._function, self._structure = function, structure

    def __eq__(self, other: object) -> bool:
        return isinstance(other, UserPath) and self._key == other._key

    def __hash__(self) -> int:
        return hash(self._key)

    @property
    def _key(self) -> tuple[Callable[..., Any], str]:
        return self._function, repr(self._structure)

    def __call__(self, alpha: tf.Tensor, examples: Tensors, baselines: Tensors) -> tuple[Tensors, Tensors]:
        """Returns the points of a curve, and their derivatives by α.

        With u for an upstream gradient, the vector–Jacobian product u ↦ u·γ′ is linear in u, and its gradient is γ′.

        Raises:
          OptionError: a function that fails, returns something else, or has no derivative by α.
        """
        alpha = tf.cast(alpha, examples[0].dtype)
        traced = tf.function(self._function)  # so that AutoGraph converts it
        one = lambda row: self._point(traced, row[0], list(row[1]), list(row[2]))  # noqa: E731
        try:
            points = tf.vectorized_map(one, (alpha, tuple(examples), tuple(baselines)), warn=False)
            upstream = [tf.zeros_like(point) for point in points]
            (slope,) = tf.gradients(points, alpha, upstream)
            if slope is None:
                raise self._error("must depend on alpha through differentiable ops. Got points that do not")
            slope = tf.convert_to_tensor(slope)  # of a gather, gradients come as slices
            found = tf.gradients(slope, upstream, unconnected_gradients=tf.UnconnectedGradients.ZERO)
            velocities = list(map(tf.convert_to_tensor, found))
        except OptionError:
            raise
        except Exception as error:  # the user's function may raise any error
            raise self._error(f"{_RUNS}. Got: {brief(error)}") from None
        for tensor, x in zip([*points, *velocities], [*examples, *examples], strict=True):
            tensor.set_shape(x.shape)
        return points, velocities

    def check(self, examples: Sequence[np.ndarray], baselines: Sequence[np.ndarray], *, begins: bool) -> None:
        """Checks the ends of the paths of some examples, op by op.

        Args:
          examples: `[batch, ...]` for each explained tensor.
          baselines: `[1 or batch, ...]` for each of them; axes of length 1 broadcast.
          begins: whether the paths must begin at the baselines.

        Raises:
          OptionError: a path that does not end at its example, begins elsewhere, or is another one at each call.
        """
        for number in range(min(len(examples[0]), _CHECKED)):
            x = [tf.constant(array[number]) for array in examples]
            x0 = [
                tf.broadcast_to(tf.constant(array[min(number, len(array) - 1)], example.dtype), example.shape)
                for array, example in zip(baselines, x, strict=True)
            ]
            self._check_end(1, "end at x", x, x, x0)
            if begins:
                self._check_end(0, "begin at the baseline", x0, x, x0)
            first, again = (self._point_of(0.5, x, x0) for _ in range(2))
            if not all(np.array_equal(*pair, equal_nan=True) for pair in zip(first, again, strict=True)):
                raise self._error("must give the same point whenever alpha is the same. Got two for alpha = 0.5")

    def _check_end(self, alpha: float, what: str, end: Tensors, x: Tensors, x0: Tensors) -> None:
        for point, *pair in zip(self._point_of(alpha, x, x0), end, x, x0, strict=True):
            require_end(f"path {name_of(self._function)}", f"{what} where alpha is {alpha}", point, *pair)

    def _point_of(self, alpha: float, x: Tensors, x0: Tensors) -> list[tf.Tensor]:
        """Returns the point of one example, outside of a graph."""
        try:
            return self._point(self._function, tf.constant(alpha, x[0].dtype), x, x0)
        except OptionError:
            raise
        except Exception as error:  # the user's function may raise any error
            raise self._error(f"{_RUNS}. Got: {brief(error)}") from None

    def _point(
        self, function: Callable[..., Any], alpha: tf.Tensor, x: Sequence[tf.Tensor], x0: Sequence[tf.Tensor]
    ) -> list[tf.Tensor]:
        """Returns the point of one example for each explained tensor."""
        found = function(alpha, pack(self._structure, x), pack(self._structure, x0))
        leaves = unpack(self._structure, found)
        if leaves is None or not all(map(_fits, leaves, x)):
            shown = ["another structure"] if leaves is None else list(map(_shown, leaves))
            raise self._error(f"must return one point in the structure of x, {list(map(_shown, x))}. Got {shown}")
        return [tf.convert_to_tensor(leaf) for leaf in leaves]

    def _error(self, text: str) -> OptionError:
        return OptionError(f"path {name_of(self._function)} {text}.")


def require_end(whose: str, what: str, point: Any, end: Any, *scale: Any) -> None:
    """Raises OptionError unless a point of a path is its end, up to rounding in units of the largest of `scale`."""
    unit = np.sqrt(float(finfo(end.dtype if isinstance(end, np.ndarray) else end.dtype.as_numpy_dtype).eps))
    found, wanted, *others = (np.asarray(tensor, np.float64) for tensor in (point, end, *scale))
    size = max(np.abs(array[np.isfinite(array)]).max(initial=0) for array in others)
    if not np.allclose(found, wanted, rtol=0, atol=unit * size, equal_nan=True):
        raise OptionError(f"{whose} must {what}. Got a point that is off by {np.abs(found - wanted).max():.2g}.")


def _fits(point: Any, x: tf.Tensor) -> bool:
    if not tf.is_tensor(point) and not isinstance(point, np.ndarray):
        return False
    return tf.as_dtype(point.dtype) == x.dtype and tf.TensorShape(point.shape).is_compatible_with(x.shape)


def _shown(value: Any) -> str:
    dtype, shape = getattr(value, "dtype", None), getattr(value, "shape", "")
    return type(value).__name__ if dtype is None else f"{tf.as_dtype(dtype).name}{shape}"
