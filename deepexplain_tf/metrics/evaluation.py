"""The user's function, evaluated at many points for each example in one compiled loop."""

from collections.abc import Callable, Sequence
import inspect
from typing import Any

import numpy as np
import tensorflow as tf

from deepexplain_tf.errors import DeepExplainError, InputError, ModelError, brief
from deepexplain_tf.metrics.given import Given
from deepexplain_tf.options import is_int, require

# Points at once where nothing else is asked for.
CHUNK_SIZE = 128
# (numbers [1 or rows], the examples' own tensors [rows, ...], shared tensors) → a tensor [rows, ...] for each input
Points = Callable[[Any, Sequence[Any], Sequence[Any]], Sequence[Any]]


class Function:
    """A function from inputs to one number for each example, `[batch]` (or `[batch, 1]`).

    One that takes the inputs alone gets the whole batch in its order, row i being example i; a batch of more than
    `chunk_size` examples is cut into slices in order, the last of which is filled up with its last example. One that
    takes `(inputs, example)` gets any mixture of `chunk_size` rows, and in `example` `[rows]` the number of the example
    that each row is of. It is traced once; one that cannot be traced is called with NumPy arrays instead.
    """

    def __init__(self, fn: Callable[..., Any], given: Given, chunk_size: int | None = None):
        """Checks the arguments and traces the function.

        Raises:
          TypeError: no function of one or two arguments.
          OptionError: `chunk_size` < 1.
          ModelError: a function that does not return one float for each row.
        """
        require(chunk_size is None or (is_int(chunk_size) and chunk_size >= 1), "chunk_size", "≥ 1", chunk_size)
        self._mixes = _takes_example(fn)
        self._fn, self._given = fn, given
        chunk_size = int(chunk_size or CHUNK_SIZE)
        self._rows = chunk_size if self._mixes else min(chunk_size, given.batch)
        self._traced = self._trace()

    def values(
        self, points: Points, count: int, own: Sequence[np.ndarray], shared: Sequence[np.ndarray] = ()
    ) -> np.ndarray:
        """Returns the function `[batch, count]`, in its own dtype, at points number 0 … count − 1 of each example.

        Args:
          points: makes the inputs of some rows from the numbers of their points.
          count: how many points each example has.
          own: arrays `[batch, ...]`, of which `points` is given the rows' own.
          shared: arrays that it is given as they are.

        Raises:
          ModelError: the function fails, or is NaN or Inf.
        """
        values = self._mixed(points, count, own, shared) if self._mixes else self._in_order(points, count, own, shared)
        if not np.isfinite(values.astype(np.float64)).all():
            raise ModelError("fn must be finite wherever a metric evaluates it. Got NaN or Inf.")
        return values

    def _in_order(
        self, points: Points, count: int, own: Sequence[np.ndarray], shared: Sequence[np.ndarray]
    ) -> np.ndarray:
        def step(number: Any, example: Any, own: Sequence[Any], shared: Sequence[Any]) -> Any:
            return self._call(points(number[tf.newaxis], own, shared), example)

        loop = self._loop(step)
        numbers, parts = np.arange(count, dtype=np.int32), []
        for start in range(0, self._given.batch, self._rows):
            example = np.minimum(np.arange(start, start + self._rows, dtype=np.int32), self._given.batch - 1)
            parts.append(loop(numbers, example, [array[example] for array in own], shared))
        return np.concatenate(parts, 1)[:, : self._given.batch].T

    def _mixed(self, points: Points, count: int, own: Sequence[np.ndarray], shared: Sequence[np.ndarray]) -> np.ndarray:
        total, batch = count * self._given.batch, self._given.batch

        def step(start: Any, example: Any, own: Sequence[Any], shared: Sequence[Any]) -> Any:
            del example
            pair = tf.minimum(start + tf.range(self._rows), total - 1)
            example = pair % batch
            return self._call(points(pair // batch, [tf.gather(array, example) for array in own], shared), example)

        starts = np.arange(0, total, self._rows, dtype=np.int32)
        values = self._loop(step)(starts, np.zeros(0, np.int32), list(own), shared)
        return values.reshape(-1)[:total].reshape(count, batch).T

    def _loop(self, step: Callable[..., Any]) -> Callable[..., np.ndarray]:
        """Returns `(numbers, *data)` → `step(number, *data)` of every number, stacked."""
        if self._traced is None:
            return lambda numbers, *data: np.stack([step(number, *data) for number in numbers])
        dtype = self._traced.output_dtypes

        @tf.function(autograph=False)
        def loop(numbers: tf.Tensor, *data: Any) -> tf.Tensor:
            one = lambda number: step(number, *data)  # noqa: E731
            return tf.map_fn(one, numbers, parallel_iterations=1, fn_output_signature=dtype)

        def run(*arguments: Any) -> np.ndarray:
            try:
                return loop(*tf.nest.map_structure(tf.convert_to_tensor, arguments)).numpy()
            except tf.errors.OpError as error:
                raise self._failed(error) from error

        return run

    def _call(self, points: Sequence[Any], example: Any) -> Any:
        if self._traced is not None:
            return self._traced(*points, example)
        inputs = self._given.pack([np.asarray(point) for point in points])
        try:
            value = self._fn(inputs, np.asarray(example)) if self._mixes else self._fn(inputs)
        except Exception as error:  # of the user's own code
            raise self._failed(error) from error
        return np.asarray(self._one_each(value))

    def _trace(self) -> Any:
        """Returns the function as TensorFlow's, of as many rows as it is called with; None where it has no graph."""

        def graph(*arguments: tf.Tensor) -> tf.Tensor:
            *flat, example = arguments
            inputs = self._given.pack(flat)
            return self._one_each(self._fn(inputs, example) if self._mixes else self._fn(inputs))

        specs = [tf.TensorSpec([self._rows, *array.shape[1:]], array.dtype) for array in self._given.inputs]
        try:
            function = tf.function(graph, autograph=False)
            return function.get_concrete_function(*specs, tf.TensorSpec([self._rows], tf.int32))
        except DeepExplainError:
            raise
        except Exception:  # of whatever kind NumPy or another library raises for a symbolic tensor; called eagerly
            return None

    def _one_each(self, value: Any) -> Any:
        """Returns what the function returned, as `[rows]`."""
        try:
            value = tf.convert_to_tensor(value)
        except (ValueError, TypeError) as error:
            raise ModelError(
                f"fn must return one float for each of {self._rows} rows. Got {type(value).__name__}."
            ) from error
        shape = value.shape
        if shape.rank == 2 and shape[1] == 1:
            value = value[:, 0]
        if not value.dtype.is_floating or not value.shape.is_compatible_with([self._rows]):
            raise ModelError(
                f"fn must return one float for each of {self._rows} rows, [{self._rows}]. "
                f"Got {value.dtype.name} {shape}."
            )
        return tf.ensure_shape(value, [self._rows])

    def _failed(self, error: Exception) -> DeepExplainError:
        if isinstance(error, DeepExplainError):
            return error
        if not self._mixes and self._rows < self._given.batch:
            return ModelError(
                f"fn(inputs) must take any {self._rows} of the {self._given.batch} examples, as chunk_size has it; "
                f"fn(inputs, example) is told which. Got: {brief(error)}"
            )
        return InputError(f"fn must run on what a metric makes of the inputs. Got: {brief(error)}")


def _takes_example(fn: Any) -> bool:
    if not callable(fn):
        raise TypeError(f"fn is a function of inputs. Got {type(fn).__name__}.")
    try:
        parameters = inspect.signature(fn).parameters.values()
    except (TypeError, ValueError):  # of some built-in functions
        return False
    positional = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    required = [p.name for p in positional if p.default is p.empty]
    if len(required) > 2:
        raise TypeError(f"fn is a function of inputs, or of inputs and example. Got one of {required}.")
    return len(required) == 2
