"""The user's function, evaluated at many points for each example in one compiled loop."""

from collections.abc import Callable, Sequence
import dataclasses
import inspect
from typing import Any

import numpy as np
import tensorflow as tf

from deepexplain_tf.errors import DeepExplainError, InputError, ModelError, brief
from deepexplain_tf.metrics.given import Given
from deepexplain_tf.options import require_whole

CHUNK_SIZE = 128  # points at once where nothing else is asked for
Arrays = Sequence[np.ndarray]


@dataclasses.dataclass(frozen=True)
class Rows:
    """What the points of some rows are made from: tensors.

    Attributes:
      number: `[1 or rows]`, which of its example's points each row is.
      own: `[rows, ...]`, of the rows' examples.
      each: `[rows, ...]`, of the rows' examples and numbers.
      shared: of all rows.
    """

    number: Any
    own: Sequence[Any]
    each: Sequence[Any]
    shared: Sequence[Any]


Points = Callable[[Rows], Sequence[Any]]  # rows → a tensor [rows, ...] for each input


class Function:
    """A function from inputs to one number for each example, `[batch]` (or `[batch, 1]`).

    One that takes the inputs alone gets the whole batch in its order, row i being example i; a batch of more than
    `chunk_size` examples is cut into slices in order, the last of which is filled up with its last example. One that
    takes `(inputs, example)` gets any mixture of `chunk_size` rows, and in `example` `[rows]` the number of the example
    that each row is of. It is traced once; one that cannot be traced is called with NumPy arrays instead.
    """

    def __init__(self, fn: Any, given: Given, chunk_size: int | None = None):
        """Checks the arguments and traces the function.

        Raises:
          TypeError: no function of one or two arguments.
          OptionError: `chunk_size` < 1.
          ModelError: a function that does not return one float for each row.
        """
        require_whole("chunk_size", 1, CHUNK_SIZE if chunk_size is None else chunk_size)
        self._mixes = _takes_example(fn)
        self._fn, self._given = fn, given
        chunk_size = CHUNK_SIZE if chunk_size is None else int(chunk_size)
        self._rows = chunk_size if self._mixes else min(chunk_size, given.batch)
        self._traced = self._trace()

    def at(self, points: Points) -> "Evaluation":
        """Returns the function at the points that `points` makes, as one compiled loop."""
        return Evaluation(points, self._call, self._given.batch, self._rows, self._mixes, self._dtype)

    @property
    def _dtype(self) -> tf.DType | None:
        return None if self._traced is None else self._traced.output_dtypes

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

    def _call(self, points: Sequence[Any], example: Any) -> Any:
        try:
            if self._traced is not None:
                return self._traced(*points, example)
            inputs = self._given.pack([np.asarray(point) for point in points])
            return self._one_each(self._fn(inputs, np.asarray(example)) if self._mixes else self._fn(inputs))
        except DeepExplainError:
            raise
        except Exception as error:  # of the user's own code
            if not self._mixes and self._rows < self._given.batch:
                raise ModelError(
                    f"fn(inputs) must take any {self._rows} of the {self._given.batch} examples, as chunk_size has it; "
                    f"fn(inputs, example) is told which. Got: {brief(error)}"
                ) from error
            raise InputError(f"fn must run on what a metric makes of the inputs. Got: {brief(error)}") from error

    def _one_each(self, value: Any) -> tf.Tensor:
        """Returns what the function returned, as `[rows]`."""
        wanted = f"fn must return one float for each row, [{self._rows}]."
        try:
            value = tf.convert_to_tensor(value)
        except (ValueError, TypeError) as error:
            raise ModelError(f"{wanted} Got {type(value).__name__}.") from error
        shape = value.shape
        if shape.rank == 2 and shape[1] == 1:
            value = value[:, 0]
        if not value.dtype.is_floating or not value.shape.is_compatible_with([self._rows]):
            raise ModelError(f"{wanted} Got {value.dtype.name} {shape}.")
        return tf.ensure_shape(value, [self._rows])


@dataclasses.dataclass(eq=False)
class Evaluation:
    """A function at points of each example: one loop, compiled at its first call.

    Attributes:
      points: makes the inputs of some rows.
      call: `(inputs, example [rows])` → values `[rows]`.
      batch: how many examples there are.
      rows: how many rows are evaluated at once.
      mixes: whether a row may be of any example; else the rows are examples in their order.
      dtype: of the values; None where nothing is compiled.
    """

    points: Points
    call: Callable[[Sequence[Any], Any], Any]
    batch: int
    rows: int
    mixes: bool
    dtype: tf.DType | None

    def __post_init__(self) -> None:
        self._loop = tf.function(self._compiled, autograph=False) if self.dtype is not None else self._stepwise

    def __call__(self, count: int, own: Arrays, *, each: Arrays = (), shared: Arrays = ()) -> np.ndarray:
        """Returns values `[batch, count]`, in the function's dtype.

        Args:
          count: how many points each example has.
          own: arrays `[batch, ...]`; the rows get those of their examples.
          each: arrays `[batch, count, ...]`; the rows get those of their examples and numbers.
          shared: arrays that all rows get.

        Raises:
          ModelError: the function fails, or is NaN or Inf.
        """
        parts = []
        for chosen in [np.arange(self.batch)] if self.mixes else self._slices():
            arrays = {"own": [array[chosen] for array in own], "each": [array[chosen] for array in each]}
            arguments = {**arrays, "shared": list(shared), "example": chosen.astype(np.int32)}
            parts.append(self._values(count, tf.nest.map_structure(tf.convert_to_tensor, arguments)))
        values = np.concatenate(parts, 1)[:, : self.batch].T
        if not np.isfinite(values.astype(np.float64)).all():
            raise ModelError("fn must be finite wherever a metric evaluates it. Got NaN or Inf.")
        return values

    def _slices(self) -> list[np.ndarray]:
        starts = np.arange(0, self.batch, self.rows)
        return [np.minimum(np.arange(start, start + self.rows), self.batch - 1) for start in starts]

    def _values(self, count: int, arguments: dict[str, Any]) -> np.ndarray:
        """Returns `[count, examples]`."""
        steps = -(-count * self.batch // self.rows) if self.mixes else count
        try:
            values = np.asarray(self._loop(tf.range(steps), tf.constant(count), arguments))
        except tf.errors.OpError as error:
            raise InputError(f"fn must run on what a metric makes of the inputs. Got: {brief(error)}") from error
        return values.reshape(-1)[: count * self.batch].reshape(count, self.batch) if self.mixes else values

    def _compiled(self, steps: tf.Tensor, count: tf.Tensor, arguments: dict[str, Any]) -> tf.Tensor:
        one = lambda step: self._step(step, count, **arguments)  # noqa: E731
        return tf.map_fn(one, steps, parallel_iterations=1, fn_output_signature=self.dtype)

    def _stepwise(self, steps: tf.Tensor, count: tf.Tensor, arguments: dict[str, Any]) -> tf.Tensor:
        return tf.stack([self._step(step, count, **arguments) for step in steps])

    def _step(
        self,
        step: tf.Tensor,
        count: tf.Tensor,
        own: Sequence[tf.Tensor],
        each: Sequence[tf.Tensor],
        shared: Sequence[tf.Tensor],
        example: tf.Tensor,
    ) -> tf.Tensor:
        if not self.mixes:
            rows = Rows(step[tf.newaxis], own, [array[:, step] for array in each], shared)
            return self.call(self.points(rows), example)
        row = tf.minimum(step * self.rows + tf.range(self.rows), count * self.batch - 1)
        example, number = row % self.batch, row // self.batch
        place = tf.stack([example, number], 1)
        own, each = [tf.gather(array, example) for array in own], [tf.gather_nd(array, place) for array in each]
        return self.call(self.points(Rows(number, own, each, shared)), example)


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
