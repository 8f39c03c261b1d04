"""One call of a method: its arguments, fed to the compiled graph in batches."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
import dataclasses
import functools
import math
from typing import Any

import numpy as np
import tensorflow as tf
import tqdm

from deepexplain_tf.arguments.arrays import as_constant, is_symbolic
from deepexplain_tf.arguments.containers import Contents
from deepexplain_tf.arguments.names import NAMELESS, Names
from deepexplain_tf.arguments.target import Selection
from deepexplain_tf.engine.engine import Engine
from deepexplain_tf.engine.events import Sizes
from deepexplain_tf.engine.execution import OutOfMemory, run_compiled
from deepexplain_tf.engine.inline import inline
from deepexplain_tf.engine.replicas import ALONE, Replicas
from deepexplain_tf.errors import ModelError, TargetError, name_of
from deepexplain_tf.methods.base import Method
from deepexplain_tf.methods.layout import Layout
from deepexplain_tf.objective.chunks import Chunks
from deepexplain_tf.objective.objective import Objective

_EMPTY = Contents(None)


@dataclasses.dataclass(frozen=True)
class Call:
    """The arguments of one call, read and checked.

    Attributes:
      engine: the engine of the model.
      method: the method.
      objective: the explained function.
      layout: the shapes and structure of the explained tensors.
      inputs: an array `[batch, ...]` for each input of the model.
      baseline: `[1 or batch, ...]` for each explained tensor, or `[1 or batch, n_baselines, ...]` with sets of them;
        empty for a method without a baseline.
      selection: the target.
      batch_size: the number of examples in one batch, on each replica.
      chunks: the sizes of the chunks of evaluations.
      notes: notes for the user.
      differentiable: whether the results are tensors that may be differentiated, through tensors in `inputs` and
        `baseline`.
      inlined: whether the program becomes part of the graph being built; see `engine.inline`.
      progress: whether to show a progress bar.
      contents: what the user's container of examples holds.
      structure: the user's structure of the inputs, with positions as leaves.
      names: the names of features, words, classes and examples.
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
    differentiable: bool = False
    inlined: bool = False
    progress: bool = False
    contents: Contents = _EMPTY
    structure: Any = 0
    names: Names = NAMELESS

    @property
    def symbolic(self) -> bool:
        """Whether the inputs are tensors of a graph being built."""
        return any(is_symbolic(array) for array in self.inputs)

    @property
    def units(self) -> int:
        """The number of units that are explained of each example; its rows of results are one after the other."""
        return math.prod(self.selection.units or ())

    @property
    def count(self) -> int:
        """The number of rows of results."""
        return self.inputs[0].shape[0] * self.units

    @property
    def _replicas(self) -> Replicas:
        return Replicas.here(differentiable=self.differentiable)

    @property
    def named_structure(self) -> Any:
        """The structure of the attributions, with positions as leaves."""
        return 0 if self.method.pairwise else self.layout.structure

    @property
    def named_shapes(self) -> Sequence[tuple[int | None, ...]]:
        """For each array of attributions, the shape of those of one example and unit."""
        if not self.method.pairwise:
            return self.layout.shapes
        features = math.isqrt(self.method.pairs_in(self.layout))
        return [(features, features)]

    def by_baseline(self) -> Iterator["Call"]:
        """Yields the call with each point of its sets alone as the baseline; without sets the call itself."""
        if not self.method.sets:
            yield self
            return
        method = self.method.without_sets()
        for number in range(self.layout.n_baselines):
            yield dataclasses.replace(self, method=method, baseline=[array[:, number] for array in self.baseline])

    def batches(self, total: int, size: int, replicas: int = 1) -> Iterator[tuple[np.ndarray, int]]:
        """Yields for each batch the example numbers, padded to an allowed size, and their number without padding.

        Args:
          total: the number of examples.
          size: the number of examples in one batch.
          replicas: the number of replicas; with several, a batch is one for each of them, of the same size.
        """
        starts: Iterable[int] = range(0, total, size * replicas)
        if self.progress:
            starts = tqdm.tqdm(starts, desc=type(self.method).__name__, delay=2, leave=False)
        for start in starts:
            batch = np.arange(start, min(start + size * replicas, total))
            yield np.resize(batch, replicas * self._padded(-(-len(batch) // replicas), size)), len(batch)

    def _padded(self, count: int, size: int) -> int:
        if self.objective.batch:
            return self.objective.batch
        # XLA compiles anew for each size, and powers of 2 are few; a method that repeats does no work on padding, and
        # loops take long to compile.
        padded = self.layout.fixed_sizes and (self.method.loops or bool(self.objective.loops))
        return min(2 ** (count - 1).bit_length(), size) if padded else count

    def evaluate(
        self, method: Method, rows: np.ndarray | None = None, row_data: Mapping[str, np.ndarray] | None = None
    ) -> dict[str, Any]:
        """Returns the `Result` of a method, in the order of `rows`: NumPy arrays, or tensors if differentiable.

        Args:
          method: the method.
          rows: the numbers of the rows of results, which may repeat; None for all.
          row_data: arrays `[rows]` to be added to the data of the method.
        """
        chosen = np.arange(self.count) if rows is None else rows
        call = self._within(self.engine.events.sizes(self.objective))
        while True:
            try:
                parts = call._results(method, chosen, row_data or {})
                if not self.differentiable:
                    return _collected(parts, len(chosen))
                return tf.nest.map_structure(lambda *tensors: tf.concat(tensors, 0), *parts)
            except OutOfMemory:
                smaller = call._smaller()
                if smaller is None:
                    raise
                self.engine.events.exhausted(self.objective, smaller)
                call = call._within(smaller)

    def _within(self, sizes: Sizes | None) -> "Call":
        """Returns the call with at most these sizes."""
        if sizes is None:
            return self
        chunk = min(self.chunks.size, sizes.chunk)
        chunks = dataclasses.replace(self.chunks, size=chunk, small_size=min(self.chunks.small_size, chunk))
        return dataclasses.replace(self, batch_size=min(self.batch_size, sizes.batch), chunks=chunks)

    def _smaller(self) -> Sizes | None:
        """Returns sizes with half as many evaluations at once, None where there is but one, or the model fixes them."""
        batch, chunk = min(self.batch_size, self._replicas.share(self.count)), self.chunks.size
        if self.objective.batch:
            return None
        if self.method.loops and not self.chunks.at_once:
            chunk = min(chunk, batch * (self.method.evaluations_in(self.layout) or chunk))
            if chunk > 1:
                return Sizes(batch, chunk // 2)
        return Sizes(batch // 2, chunk) if batch > 1 else None

    def _results(
        self, method: Method, chosen: np.ndarray, row_data: Mapping[str, np.ndarray]
    ) -> Iterator[dict[str, Any]]:
        """Yields the `Result` of each batch of examples, on each replica, as tensors."""
        data, replicas = self._data(method), self._replicas

        def share(batch: np.ndarray, count: int) -> dict[str, Any]:
            batch_data = {name: array[batch] for name, array in row_data.items()}
            rows = chosen[batch]
            of_example, of_row = (functools.partial(_rows, numbers) for numbers in (rows // self.units, rows))
            return self.arguments({**data, **batch_data, "count": np.int32(max(count, 1))}, of_example, of_row)

        size = self.chunks.size if row_data else self.batch_size
        for batch, total in self.batches(len(chosen), size, replicas.count):
            parts = list(replicas.split(batch, total))
            results = self._graph(method, [share(*part) for part in parts], replicas)
            for result, (part, count) in zip(results, parts, strict=True):
                self._check_rows(result, len(part))
                if count:
                    yield result if count == len(part) else _each(functools.partial(_first, count), result)

    def _data(self, method: Method) -> dict[str, Any]:
        """Returns the data of a method, with the number of baselines where there is room for more."""
        data = dict(method.data(self.layout))
        if method.sets == "background" and self.layout.fixed_sizes:
            data["n_baselines"] = np.int32(self.layout.n_baselines)
        return data

    def _check_rows(self, result: Mapping[str, Any], rows: int) -> None:
        """Refuses a model, a target or a layer that does not keep the batch; the trace may not show that."""
        target = result["outputs"]
        if target.shape[0] != rows:
            called = self.objective.selection == "callable"
            whose = f"the target {name_of(self.objective.owner)}" if called else "a target"
            kind = TargetError if called else ModelError
            raise kind(f"{whose} must be one number for each of {rows} examples, [batch]. Got {target.shape}.")
        shapes = [array.shape.as_list() for array in result["attributions"]]
        if any(shape[0] != rows for shape in shapes):
            raise ModelError(f"attributions must have a row for each of {rows} examples. Got the shapes {shapes}.")

    def evaluate_symbolic(self, method: Method) -> dict[str, Any]:
        """Returns the `Result` of a method for the symbolic inputs of a graph being built."""
        count = tf.shape(self.inputs[0])[0] * self.units

        def of_example(array: Any) -> Any:
            return array if self.units == 1 else tf.repeat(array, self.units, axis=0)

        def of_row(array: Any) -> Any:
            return array if array.shape[0] != 1 else tf.repeat(array, count, axis=0)

        arguments = self.arguments({**self._data(method), "count": count}, of_example, of_row)
        return self._graph(method, [arguments])[0]

    def arguments(
        self, data: Mapping[str, Any], of_example: Callable[[Any], Any], of_row: Callable[[Any], Any] | None = None
    ) -> dict[str, Any]:
        """Returns the arguments of a compiled graph as tensors.

        Args:
          data: the data of the method.
          of_example: an array with an entry for each example → the entries for the rows of this batch.
          of_row: the same of an array with an entry for each row of results; None where an example has one row.
        """
        as_tensor = as_constant if tf.executing_eagerly() else tf.convert_to_tensor
        of_row = of_row or of_example
        baseline = [array if array.shape[0] == 1 else of_example(array) for array in self.baseline]
        return {
            "inputs": [as_tensor(of_example(array)) for array in self.inputs],
            "selector": [as_tensor(of_row(array)) for array in self.selection.data],
            "baseline": [as_tensor(array) for array in baseline],
            "data": {name: as_tensor(array) for name, array in data.items()},
        }

    def _graph(
        self, method: Method, shares: Sequence[Mapping[str, Any]], replicas: Replicas = ALONE
    ) -> Sequence[dict[str, Any]]:
        """Returns the `Result` of a method on each replica."""
        if self.inlined:
            return [inline(self.engine.program(method, self.objective, self.chunks), list(shares[0].values()))]
        compiled = self.engine.attribution(
            method, self.objective, self.chunks, shares[0], differentiable=self.differentiable
        )
        return run_compiled(self.engine, self.objective, compiled, shares, replicas, recorded=self.differentiable)

    def run(self, compiled: Callable[..., Any], arguments: Mapping[str, Any]) -> Any:
        """Returns the results of a compiled program; see `run_compiled`."""
        return run_compiled(self.engine, self.objective, compiled, [arguments])[0]


def _rows(rows: np.ndarray, array: Any) -> Any:
    start, count = rows[0], len(rows)
    if not np.array_equal(rows, np.arange(start, start + count)):
        return tf.gather(array, rows) if tf.is_tensor(array) else array[rows]
    return array if count == len(array) else array[start : start + count]


def _first(count: int, tensor: tf.Tensor) -> tf.Tensor:
    return tensor if len(tensor) == count else tensor[:count]


def _each(function: Callable[[Any], Any], result: Mapping[str, Any]) -> dict[str, Any]:
    """Returns a `Result` of the values of a function of each tensor; `tf.nest` would take longer."""
    return {
        name: [function(tensor) for tensor in value] if isinstance(value, list) else function(value)
        for name, value in result.items()
    }


def _collected(parts: Iterable[dict[str, Any]], total: int) -> dict[str, Any]:
    """Returns the results of all batches as arrays `[total, ...]`, which are never in memory twice."""
    arrays, start = None, 0
    for part in parts:
        numbers = _each(lambda tensor: tensor.numpy(), part)
        count = len(part["outputs"])
        if count == total:
            return numbers
        if arrays is None:
            arrays = tf.nest.map_structure(lambda array: np.empty((total, *array.shape[1:]), array.dtype), numbers)
        for whole, some in zip(tf.nest.flatten(arrays), tf.nest.flatten(numbers), strict=True):
            whole[start : start + count] = some
        start += count
    return arrays or {}
