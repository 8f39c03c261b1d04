"""One call of a method: batches of its arguments fed to the compiled graph."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
import dataclasses
import functools
from typing import Any

import numpy as np
import tensorflow as tf
import tqdm

from deepexplain_tf.arguments.arrays import is_symbolic
from deepexplain_tf.arguments.target import Selection
from deepexplain_tf.engine.engine import Engine
from deepexplain_tf.errors import InputError, ModelError, TargetError, brief
from deepexplain_tf.methods.base import Layout, Method
from deepexplain_tf.objective.chunks import Chunks
from deepexplain_tf.objective.objective import Objective


@dataclasses.dataclass(frozen=True)
class Call:
    """A method's arguments, read and checked: what stays the same over the batches of one call.

    Attributes:
      engine: the model.
      method: the method.
      objective: what is explained.
      layout: the explained tensors.
      inputs: an array `[batch, ...]` for each input of the model.
      baseline: `[1 or batch, ...]` for each explained tensor; empty where the method has none.
      selection: the target.
      batch_size: examples at a time.
      chunks: evaluations at a time.
      notes: what the user should know.
      progress: whether to show a progress bar.
    """

    engine: Engine
    method: Method
    objective: Objective
    layout: Layout
    inputs: Sequence[Any]
    baseline: Sequence[Any]
    selection: Selection
    batch_size: int
    chunks: Chunks
    notes: tuple[str, ...]
    progress: bool = False

    @property
    def symbolic(self) -> bool:
        """Whether the inputs are tensors of a graph being built."""
        return any(is_symbolic(array) for array in self.inputs)

    def batches(self, total: int, size: int) -> Iterator[tuple[np.ndarray, int]]:
        """Yields the numbers of each batch, padded where its size must not be any, and how many count."""
        name = type(self.method).__name__
        for start in tqdm.tqdm(range(0, total, size), desc=name, disable=not self.progress, delay=2, leave=False):
            batch = np.arange(start, min(start + size, total))
            yield np.resize(batch, self._padded(len(batch), size)), len(batch)

    def _padded(self, count: int, size: int) -> int:
        if self.objective.batch:
            return self.objective.batch
        # A compiler works anew for each size: there are few of them, where padding is no work.
        return min(2 ** (count - 1).bit_length(), size) if self.layout.fixed and self.method.repeats else count

    def evaluate(
        self, method: Method, rows: np.ndarray | None = None, row_data: Mapping[str, np.ndarray] | None = None
    ) -> dict[str, Any]:
        """Returns a method's result for some rows (all of them), as NumPy in the order of `rows`."""
        chosen = np.arange(self.inputs[0].shape[0]) if rows is None else rows
        data = method.data(self.layout)
        parts = []
        for batch, count in self.batches(len(chosen), self.batch_size if row_data is None else self.chunks.size):
            own = {name: array[batch] for name, array in (row_data or {}).items()}
            take = functools.partial(_rows, chosen[batch])
            result = self._graph(method, self.arguments({**data, **own, "count": np.int32(count)}, take))
            self._check_rows(result["outputs"], len(batch))
            parts.append(tf.nest.map_structure(functools.partial(_first, count), result))
        return parts[0] if len(parts) == 1 else tf.nest.map_structure(lambda *pieces: np.concatenate(pieces), *parts)

    def _check_rows(self, target: tf.Tensor, rows: int) -> None:
        """Refuses a model or target that does not keep the batch, which only its result may show."""
        if target.shape[0] != rows:
            kind = TargetError if self.objective.selection == "callable" else ModelError
            raise kind(f"a target must have one number for each of {rows} examples, [batch]. Got {target.shape}.")

    def evaluate_symbolic(self, method: Method) -> dict[str, Any]:
        """Returns a method's result for the one batch of a graph being built."""
        count = tf.shape(self.inputs[0])[0]

        def take(array: Any) -> Any:
            fed = any(array is own for own in self.inputs)
            return array if fed or array.shape[0] != 1 else tf.repeat(array, count, axis=0)

        return self._graph(method, self.arguments({**method.data(self.layout), "count": count}, take))

    def arguments(self, data: Mapping[str, Any], take: Callable[[Any], Any]) -> dict[str, Any]:
        """Returns what a graph is fed for the rows that `take` takes."""
        arguments = {
            "inputs": [take(array) for array in self.inputs],
            "selector": [] if self.selection.data is None else [take(self.selection.data)],
            "baseline": [array if array.shape[0] == 1 else take(array) for array in self.baseline],
            "data": dict(data),
        }
        return tf.nest.map_structure(tf.convert_to_tensor, arguments)

    def _graph(self, method: Method, arguments: Mapping[str, Any]) -> dict[str, Any]:
        compiled = self.engine.attribution(method, self.objective, self.chunks, arguments)
        return dict(run_compiled(compiled, arguments.values()))


def run_compiled(compiled: Callable[..., Any], arguments: Iterable[Any]) -> Any:
    """Calls a compiled program; what its ops refuse (a token beyond the vocabulary) is said plainly."""
    try:
        return compiled(*arguments)
    except tf.errors.InvalidArgumentError as error:
        raise InputError(f"the model must run on this batch of inputs. Got: {brief(error)}") from error
    except tf.errors.OpError as error:
        raise ModelError(f"every op of the model must run here. Got: {brief(error)}") from error


def _rows(rows: np.ndarray, array: np.ndarray) -> np.ndarray:
    whole = len(rows) == len(array) and np.array_equal(rows, np.arange(len(rows)))
    return array if whole else array[rows]


def _first(count: int, tensor: tf.Tensor) -> np.ndarray:
    return tensor.numpy()[:count]
