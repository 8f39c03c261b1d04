"""The user's function, evaluated at many points for each example in one compiled loop."""

from collections.abc import Callable, Sequence
import dataclasses
import inspect
from typing import Any

import ml_dtypes
import numpy as np
import tensorflow as tf

from deepexplain_tf.arguments.options import require_whole
from deepexplain_tf.errors import DeepExplainError, InputError, ModelError, brief
from deepexplain_tf.metrics.arguments import Examples

CHUNK_SIZE = 128  # evaluations at once by default
Arrays = Sequence[np.ndarray]


@dataclasses.dataclass(frozen=True)
class Rows:
    """The tensors from which the points of some rows are made.

    Attributes:
      point: `[1 or rows]`, the number of each row's point among the points of its example.
      per_example: tensors `[rows, ...]`, the entries of each row's example.
      per_point: tensors `[rows, ...]`, the entries of each row's point.
      shared: tensors that all rows have in common.
    """

    point: Any
    per_example: Sequence[Any]
    per_point: Sequence[Any]
    shared: Sequence[Any]


Points = Callable[[Rows], Sequence[Any]]  # rows → a tensor [rows, ...] for each input


class Function:
    """A function from inputs to one number for each example, `[batch]` (or `[batch, 1]`).

    `fn(inputs)` gets the whole batch in its order, row i being example i; a batch of more than `chunk_size` examples is
    cut into slices in order, and the last example fills up the last slice. `fn(inputs, example)` gets any mixture of
    `chunk_size` rows, and in `example` `[rows]` the number of each row's example. The function is traced once; one that
    cannot be traced is called with NumPy arrays instead.

    Attributes:
      takes_example: whether the function takes `example`, so that the rows of a call may come from any examples.
      batch: the number of examples.
      rows: the number of rows in each call.
      dtype: the dtype of the values; None where the function cannot be traced.
    """

    def __init__(self, fn: Any, examples: Examples, chunk_size: int | None = None):
        """Checks the arguments and traces the function.

        Raises:
          TypeError: `fn` is not a function of one or two arguments.
          OptionError: `chunk_size` is not a whole number ≥ 1.
          ModelError: `fn` does not return one float for each row.
        """
        chunk_size = CHUNK_SIZE if chunk_size is None else chunk_size
        require_whole("chunk_size", 1, chunk_size)
        self.takes_example, self.batch = _takes_example(fn), examples.batch
        self.rows = int(chunk_size) if self.takes_example else min(int(chunk_size), examples.batch)
        self._fn, self._examples = fn, examples
        self._traced = self._trace()
        self.dtype = None if self._traced is None else self._traced.output_dtypes

    def evaluation(self, points: Points) -> "Evaluation":
        """Returns the evaluation of the function at the points that `points` makes."""
        return Evaluation(self, points)

    def __call__(self, inputs: Sequence[Any], example: Any) -> Any:
        """Returns values `[rows]` at an array `[rows, ...]` for each input."""
        if self._traced is not None:
            return self._traced(*inputs, example)
        return self._plain([np.asarray(array) for array in inputs], np.asarray(example))

    def error_for(self, error: Exception) -> DeepExplainError:
        """Returns the error to raise where the user's function fails."""
        if self.takes_example or self.rows == self.batch:
            return InputError(f"fn must run on the inputs that a metric makes. Got: {brief(error)}")
        return ModelError(
            f"fn(inputs) must take any {self.rows} of the {self.batch} examples, as chunk_size says; "
            f"fn(inputs, example) gets their numbers. Got: {brief(error)}"
        )

    def _plain(self, inputs: Sequence[Any], example: Any) -> tf.Tensor:
        try:
            value = self._value(inputs, example)
        except Exception as error:  # the user's function may raise anything
            raise self.error_for(error) from None
        return self._as_rows(value)

    def _value(self, inputs: Sequence[Any], example: Any) -> Any:
        packed = self._examples.pack(inputs)
        return self._fn(packed, example) if self.takes_example else self._fn(packed)

    def _trace(self) -> Any:
        """Returns the function traced for `rows` rows; None where it cannot be traced."""
        specs = [tf.TensorSpec([self.rows, *array.shape[1:]], array.dtype) for array in self._examples.inputs]
        returned: list[Any] = []

        def rows(*tensors: Any) -> tf.Tensor:
            returned.append(self._value(tensors[:-1], tensors[-1]))
            return self._as_rows(returned[-1])

        try:
            function = tf.function(rows, autograph=False)
            return function.get_concrete_function(*specs, tf.TensorSpec([self.rows], tf.int32))
        except Exception as error:  # NumPy and other libraries raise errors of any kind for a symbolic tensor
            if returned and isinstance(error, ModelError):
                raise error.with_traceback(None) from None  # the function ran, but its value does not fit
        return None

    def _as_rows(self, value: Any) -> tf.Tensor:
        """Returns the function's value as `[rows]`; ModelError unless it is one float for each row."""
        wanted = f"fn must return one float for each row, [{self.rows}]."
        try:
            value = tf.convert_to_tensor(value)
        except (ValueError, TypeError):
            raise ModelError(f"{wanted} Got {type(value).__name__}.") from None
        shape = value.shape
        if shape.rank == 2 and shape[1] == 1:
            value = value[:, 0]
        if not value.dtype.is_floating or not value.shape.is_compatible_with([self.rows]):
            raise ModelError(f"{wanted} Got {value.dtype.name} {shape}.")
        return tf.ensure_shape(value, [self.rows])


class Evaluation:
    """A function at points of each example: one loop, compiled at its first call."""

    def __init__(self, function: Function, points: Points):
        self._function, self._points = function, points
        self._loop = tf.function(self._compiled, autograph=False)

    def __call__(self, count: int, per_example: Arrays, *, per_point: Arrays = (), shared: Arrays = ()) -> np.ndarray:
        """Returns values `[batch, count]`, in the function's dtype.

        Args:
          count: the number of points of each example.
          per_example: arrays `[batch, ...]`; a row gets the entry of its example.
          per_point: arrays `[batch, count, ...]`; a row gets the entry of its point.
          shared: arrays that every row gets whole.

        Raises:
          DeepExplainError: the function fails, or returns NaN or Inf.
        """
        batch, parts = self._function.batch, []
        for chosen in [np.arange(batch)] if self._function.takes_example else self._slices():
            arrays = {
                "per_example": [array[chosen] for array in per_example],
                "per_point": [array[chosen] for array in per_point],
            }
            arguments = {**arrays, "shared": list(shared), "example": chosen.astype(np.int32)}
            parts.append(self._values(count, tf.nest.map_structure(tf.convert_to_tensor, arguments)))
        values = np.concatenate(parts, 1)[:, :batch].T
        if not np.isfinite(values.astype(np.float64)).all():
            raise ModelError("fn must be finite wherever a metric evaluates it. Got NaN or Inf.")
        return values

    def _slices(self) -> list[np.ndarray]:
        rows, batch = self._function.rows, self._function.batch
        return [np.minimum(np.arange(start, start + rows), batch - 1) for start in range(0, batch, rows)]

    def _values(self, count: int, arguments: dict[str, Any]) -> np.ndarray:
        """Returns `[count, examples]`."""
        total = count * self._function.batch
        steps = -(-total // self._function.rows) if self._function.takes_example else count
        arrays = (tf.range(steps), tf.constant(count), arguments)
        compiles = self._function.dtype is not None
        try:
            # Calls of a tf.function made anew for each metric would make TensorFlow warn of retracing; these do not.
            loop = self._loop.get_concrete_function(*arrays) if compiles else self._stepwise
            values = np.asarray(loop(*arrays))
        except tf.errors.OpError as error:
            raise self._function.error_for(error) from None
        return values.reshape(-1)[:total].reshape(count, -1) if self._function.takes_example else values

    def _compiled(self, steps: tf.Tensor, count: tf.Tensor, arguments: dict[str, Any]) -> tf.Tensor:
        one = lambda step: self._step(step, count, **arguments)  # noqa: E731
        return tf.map_fn(one, steps, parallel_iterations=1, fn_output_signature=self._function.dtype)

    def _stepwise(self, steps: tf.Tensor, count: tf.Tensor, arguments: dict[str, Any]) -> tf.Tensor:
        return tf.stack([self._step(step, count, **arguments) for step in steps])

    def _step(
        self,
        step: tf.Tensor,
        count: tf.Tensor,
        per_example: Sequence[tf.Tensor],
        per_point: Sequence[tf.Tensor],
        shared: Sequence[tf.Tensor],
        example: tf.Tensor,
    ) -> tf.Tensor:
        if self._function.takes_example:
            rows, batch = self._function.rows, self._function.batch
            row = tf.minimum(step * rows + tf.range(rows), count * batch - 1)
            example, point = row % batch, row // batch
            place = tf.stack([example, point], 1)
            per_example = [tf.gather(array, example) for array in per_example]
            per_point = [tf.gather_nd(array, place) for array in per_point]
        else:
            point, per_point = step[tf.newaxis], [array[:, step] for array in per_point]
        return self._function(self._points(Rows(point, per_example, per_point, shared)), example)


def rounding_of(values: np.ndarray) -> np.ndarray:
    """Returns 4 ε max|f| `[batch]`: differences of a function's values `[batch, points]` up to it may be rounding."""
    eps = float(ml_dtypes.finfo(values.dtype).eps)
    return 4 * eps * np.abs(values).max(1).astype(np.float64)


def _takes_example(fn: Any) -> bool:
    if not callable(fn):
        raise TypeError(f"fn is a function of inputs. Got {type(fn).__name__}.")
    try:
        parameters = inspect.signature(fn).parameters.values()
    except (TypeError, ValueError):  # some built-in functions have no signature
        return False
    positional = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    required = [p.name for p in positional if p.default is p.empty]
    if len(required) > 2:
        raise TypeError(f"fn is a function of inputs, or of inputs and example. Got one of {required}.")
    return len(required) == 2
