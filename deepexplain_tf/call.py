"""One call of a method: its arguments read and checked, and batches of them fed to the compiled graph."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
import dataclasses
import functools
from typing import Any

import numpy as np
import tensorflow as tf
import tqdm

from deepexplain_tf.arguments import as_arrays, is_symbolic, names_of, read_background, read_baseline, read_inputs
from deepexplain_tf.chunks import MAX_SIZE, Chunks
from deepexplain_tf.engine import Engine
from deepexplain_tf.errors import InputError, ModelError, OptionError, TargetError, brief
from deepexplain_tf.memory import BATCH_SIZE, Memory, read_bytes
from deepexplain_tf.methods.base import Layout, Method
from deepexplain_tf.model import Model
from deepexplain_tf.objective import Objective
from deepexplain_tf.options import is_int, require, require_bool, require_seed
from deepexplain_tf.target import Selection, read_target

_MOST = 2**31 - 1
_FEW = 32  # at once, where padding to a whole chunk would be more than the evaluations themselves


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
        return min(2 ** (count - 1).bit_length(), size) if self.layout.fixed and self.method.loops else count

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
        return dict(called(compiled, arguments.values()))


def prepare(
    engine: Engine,
    method: Method,
    inputs: Any,
    *,
    target: Any = None,
    baseline: Any = None,
    batch_size: int | None = None,
    chunk_size: int | None = None,
    max_memory: int | str | None = None,
    seed: int | None = None,
    progress: bool = False,
) -> Call:
    """Reads and checks the arguments of one call; see `DeepExplain.explain`."""
    inputs = as_arrays(inputs, engine.specs)
    model = engine.model(inputs)
    arrays = read_inputs(inputs, model.traced.specs)
    if method.differentiates and model.prefix is None:
        _require_real(model)
    objective, selection, notes = _target(engine, method, model, target, arrays)
    explained = _explained(engine, model, arrays)
    starts = read_baseline(baseline, model.structure, explained) if method.uses_baseline else []
    given = getattr(method, "background", None)
    if given is not None and baseline is not None:
        raise OptionError("baseline is left out where background is given. Got both.")
    symbolic, compiled = any(is_symbolic(array) for array in arrays), engine.compiles(method, objective)
    layout = Layout(
        structure=0 if model.prefix is not None else positions(inputs, model.traced.specs),
        shapes=tuple(tuple(spec.shape[1:]) for spec in explained),
        seed=seed,
        fixed=compiled and not symbolic,  # the data of a graph being built are constants of it
        background=() if given is None else read_background(given, model.structure, explained),
    )
    if compiled:
        starts = [_whole(start, spec) for start, spec in zip(starts, explained, strict=False)]
    method.data(layout)  # options that do not fit the inputs are refused here
    fixed = objective.batch
    batch, chunk = _sizes(engine, objective, method, layout, batch_size, chunk_size, max_memory)
    if compiled and not fixed and chunk_size is None and method.evaluations is not None:
        # In a graph of open batch, what one example needs: a padded chunk of more would be lost on it.
        total = min(arrays[0].shape[0] or 1, batch) * method.evaluations
        chunk = engine.settled_chunk(method, objective, total, chunk, keep=not symbolic)
    call = Call(
        engine=engine,
        method=method,
        objective=objective,
        layout=layout,
        inputs=arrays,
        baseline=starts,
        selection=selection,
        batch_size=batch,
        chunks=Chunks(chunk, pad=bool(fixed or compiled), few=fixed or min(chunk, _FEW)),
        notes=(*model.notes, *notes),
        progress=progress,
    )
    if symbolic and fixed not in (None, arrays[0].shape[0]):
        raise InputError(f"inputs must have the model's batch size {fixed}. Got {arrays[0].shape[0]}.")
    return call


def _sizes(
    engine: Engine,
    objective: Objective,
    method: Method,
    layout: Layout,
    batch_size: int | None,
    chunk_size: int | None,
    max_memory: int | str | None,
) -> tuple[int, int]:
    """Returns how many examples, and how many evaluations of the model, are done at once."""
    limit = None if max_memory is None else read_bytes(max_memory)
    if objective.batch:
        return objective.batch, objective.batch
    batch, chunk = BATCH_SIZE, MAX_SIZE
    if method.loops or limit is not None:
        memory = Memory(objective, method, layout.shapes, engine.accelerated)
        batch, chunk = memory.within(limit) if limit else (memory.batch_size(), memory.chunk_size())
    batch, chunk = batch_size or batch, min(chunk_size or chunk, MAX_SIZE)
    return (batch, chunk) if method.loops else (min(batch, chunk), chunk)


def _target(
    engine: Engine, method: Method, model: Model, target: Any, arrays: Sequence[Any]
) -> tuple[Objective, Selection, tuple[str, ...]]:
    """Returns the objective of a target, its data for every example, and notes."""
    if callable(target):
        objective = engine.objective(model, target, "callable")
        reported = getattr(target, "__name__", type(target).__name__)
        return objective, Selection("callable", None, reported), engine.check(method, objective)
    probe = engine.objective(model, None, "index")
    output = probe.program.outputs[0]
    batch = arrays[0].shape[0]
    fixed = output.shape.rank and output.shape[0] is not None and model.traced.batch is None
    if not output.shape.rank or fixed or 0 in output.shape[1:]:
        raise ModelError(f"an explained output must have the shape [batch, ...]. Got {output.shape}.")
    selection = read_target(target, output.shape.as_list(), output.dtype, batch)
    objective = engine.objective(model, None, "weights" if selection.kind == "weights" else "index")
    notes = engine.check(method, objective)
    if selection.kind == "predicted":
        selection = _predicted(engine, objective, arrays)
    elif selection.data is not None and is_symbolic(selection.data):
        shape = [tf.shape(arrays[0])[0], selection.data.shape[1]]
        selection = dataclasses.replace(selection, data=tf.broadcast_to(selection.data, shape))
    elif batch is None and selection.data is not None and len(selection.data) != 1:
        raise TargetError(
            f"a target of a graph of open batch must be one for all examples. Got {len(selection.data)}; give a tensor."
        )
    elif batch is not None and selection.data is not None:
        selection = dataclasses.replace(selection, data=np.repeat(selection.data, batch // len(selection.data), axis=0))
    return objective, selection, notes


def _predicted(engine: Engine, objective: Objective, arrays: Sequence[Any]) -> Selection:
    if any(is_symbolic(array) for array in arrays):
        output, _ = engine.forward(objective)(list(arrays))
        index = tf.argmax(output, axis=1, output_type=tf.int32)
        return Selection("index", index[:, tf.newaxis], index)
    output, _ = forward(engine, objective, arrays)
    index = output.argmax(1).astype(np.int32)
    return Selection("index", index[:, np.newaxis], index)


def forward(engine: Engine, objective: Objective, arrays: Sequence[Any]) -> tuple[np.ndarray, list[np.ndarray]]:
    """Returns the output before selection and the explained tensors, in batches."""
    size, count = objective.batch or BATCH_SIZE, arrays[0].shape[0]
    outputs, explained = [], []
    for start in range(0, count, size):
        rows = np.arange(start, min(start + size, count))
        padded = np.resize(rows, size) if objective.batch else rows
        output, tensors = called(engine.forward(objective), [[tf.convert_to_tensor(array[padded]) for array in arrays]])
        outputs.append(output.numpy()[: len(rows)])
        explained.append([tensor.numpy()[: len(rows)] for tensor in tensors])
    return np.concatenate(outputs), [np.concatenate(parts) for parts in zip(*explained, strict=True)]


def _explained(engine: Engine, model: Model, arrays: Sequence[Any]) -> list[tf.TensorSpec]:
    """Returns the specs of the explained tensors for these inputs."""
    if model.prefix is None:
        return [tf.TensorSpec(array.shape, array.dtype) for array in arrays]
    (value,) = model.explained
    shape = tuple(value.shape[1:])
    if None in shape and not any(is_symbolic(array) for array in arrays):
        _, (tensor,) = forward(engine, model.everything(), [array[:1] for array in arrays])
        shape = tensor.shape[1:]
    return [tf.TensorSpec((arrays[0].shape[0], *shape), value.dtype)]


def _whole(baseline: Any, spec: tf.TensorSpec) -> Any:
    """Returns a baseline with all axes of an example, where a number stands for them: the same form for a compiler."""
    if is_symbolic(baseline) or None in spec.shape[1:]:
        return baseline
    return np.broadcast_to(baseline, (baseline.shape[0], *spec.shape[1:]))


def positions(inputs: Any, specs: Any) -> Any:
    """Returns the user's structure of inputs, with their positions among those of the model as leaves."""
    if not isinstance(inputs, list | tuple | Mapping):
        return 0
    if isinstance(inputs, Mapping):
        names = names_of(specs)
        return {name: names.index(name) for name in inputs}
    return type(inputs)(range(len(inputs)))


def called(compiled: Callable[..., Any], arguments: Iterable[Any]) -> Any:
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


def _require_real(model: Model) -> None:
    for spec in tf.nest.flatten(model.traced.specs):
        if not spec.dtype.is_floating:
            name = f" for {spec.name!r}" if spec.name else ""
            raise InputError(
                f"inputs must be floats to be differentiated. Got {spec.dtype.name}{name}; "
                "name the layer behind it with layer= (an embedding for tokens), or use occlusion or "
                "shapley_sampling."
            )


def check_call(
    name: str,
    method: Method,
    *,
    target: Any = None,
    baseline: Any = None,
    batch_size: Any = None,
    chunk_size: Any = None,
    max_memory: Any = None,
    seed: Any = None,
    progress: Any = False,
) -> None:
    """Checks what a call can be refused for before there are inputs.

    Raises:
      OptionError: an argument out of range, or a baseline for a method that has none.
    """
    del target
    for option, size in (("batch_size", batch_size), ("chunk_size", chunk_size)):
        valid = size is None or (is_int(size) and 1 <= size <= _MOST)
        require(valid, option, f"a whole number in 1 … {_MOST}", size)
    if max_memory is not None:
        read_bytes(max_memory)
        require(chunk_size is None, "chunk_size", "left out where max_memory is given", chunk_size)
    require_seed(seed)
    require_bool("progress", progress)
    if baseline is not None and not method.uses_baseline:
        raise OptionError(f"baseline belongs to methods that compare with one. Got it for {name}.")
