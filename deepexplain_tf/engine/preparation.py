"""The arguments of one call, read and checked before any work is done."""

from collections.abc import Sequence
import dataclasses
import functools
import math
from typing import Any

import numpy as np
import tensorflow as tf

from deepexplain_tf.arguments.arrays import as_arrays, as_tensor, is_symbolic, read_inputs
from deepexplain_tf.arguments.baselines import is_number, read_baseline, read_sets
from deepexplain_tf.arguments.containers import contents_of
from deepexplain_tf.arguments.names import NAMES, Names, read_names
from deepexplain_tf.arguments.options import require, require_between, require_bool, require_seed
from deepexplain_tf.arguments.strings import with_strings
from deepexplain_tf.arguments.structure import flatten_like, positions
from deepexplain_tf.engine.agreement import Disagreement
from deepexplain_tf.engine.call import Call
from deepexplain_tf.engine.engine import Engine
from deepexplain_tf.engine.floats import require_floats, require_numbers
from deepexplain_tf.engine.forward import forward
from deepexplain_tf.engine.lengths import require_one_length
from deepexplain_tf.engine.memory import BATCH_SIZE, Memory, read_bytes
from deepexplain_tf.engine.replicas import Replicas
from deepexplain_tf.engine.targets import require_within, select
from deepexplain_tf.errors import InputError, OptionError
from deepexplain_tf.graph import tf_private
from deepexplain_tf.methods.base import Method
from deepexplain_tf.methods.layout import Layout
from deepexplain_tf.objective.chunks import MAX_CHUNK_SIZE, Chunks
from deepexplain_tf.objective.model import Model
from deepexplain_tf.objective.objective import Objective

_NO_GRADIENT = "a GradientTape is recording, and arrays have no gradient: tensors=True returns tensors that have"
_MOST = 2**31 - 1
_ROOM, _MOST_ROOM = 2**22, 2**10  # bytes and baselines that a background may grow to without XLA compiling anew
_FEW = 32  # chunk size for few evaluations, where padding to a whole chunk would cost more than they do


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
    tensors: Any = None,
    **names: Any,
) -> None:
    """Checks the arguments of a call that can be checked without inputs.

    Raises:
      OptionError: an argument out of range, or a baseline for a method that has none.
    """
    del target, names
    for option, size in (("batch_size", batch_size), ("chunk_size", chunk_size)):
        if size is not None:
            require_between(option, 1, _MOST, size)
    if max_memory is not None:
        read_bytes(max_memory)
        require(chunk_size is None, "chunk_size", "left out where max_memory is given", chunk_size)
    require_seed(seed)
    require_bool("progress", progress)
    if tensors is not None:
        require_bool("tensors", tensors)
    if baseline is not None and not method.uses_baseline:
        raise OptionError(f"baseline belongs to methods that compare with one. Got a baseline for {name}.")
    if baseline is not None and method.sets:
        raise OptionError(f"baseline is left out where {method.sets} is given. Got both.")


def prepare(engine: Engine, method: Method, inputs: Any, **arguments: Any) -> Call:
    """Reads and checks the arguments of one call; see `DeepExplain.explain`.

    A model whose trace with open axes computes something else is traced once more, with the lengths of the data.

    Raises:
      DeepExplainError: an argument that does not fit; the subclass says which.
      UnsupportedOpError: an op that no rule covers.
    """
    tensors = arguments.pop("tensors", None)
    names = Names(**{name: arguments.pop(name, None) for name in NAMES})
    contents = contents_of(inputs, engine.specs)
    inputs = with_strings(contents.inputs, engine.specs)
    arrays = as_arrays(inputs, engine.specs)
    if method.differentiates and engine.settings.layer is None and engine.specs is None:
        require_numbers(arrays)
    given = [leaf for leaf in tf.nest.flatten(inputs) if isinstance(leaf, tf.Tensor)]
    if tensors is None:
        tensors = not tf.executing_eagerly() or tf_private.tape_watches(given)
    recorded = tensors and (tf.executing_eagerly() or tf_private.tape_is_active())
    prepared = functools.partial(
        _prepare, engine, method, arrays, differentiable=tensors, recorded=recorded, **arguments
    )
    try:
        call = prepared()
    except Disagreement:
        if not engine.use_lengths():
            raise
        call = prepared()
    shapes = call.named_shapes
    names = contents.names(names, shapes if engine.settings.layer is None else None)
    names = read_names(names, call.named_structure, shapes, call.inputs[0].shape[0])
    call = dataclasses.replace(call, contents=contents, names=names, notes=(*call.notes, *contents.notes))
    if not tensors:
        lost = tf.executing_eagerly() and tf_private.tape_is_active()
        return dataclasses.replace(call, notes=(*call.notes, _NO_GRADIENT)) if lost else call
    return _with_history(call, engine.model(arrays, method.inside), inputs, arguments.get("baseline"))


def _with_history(call: Call, model: Model, inputs: Any, baseline: Any) -> Call:
    """Returns the call with the user's own tensors, so that its results can be differentiated with respect to them."""
    given = flatten_like(inputs, model.traced.specs, "inputs")
    tensors = [as_tensor(array, leaf) for array, leaf in zip(call.inputs, given, strict=True)]
    if not call.baseline or baseline is None or is_number(baseline):
        return dataclasses.replace(call, inputs=tensors)
    structure = model.traced.specs if call.method.from_inputs else model.structure
    given = flatten_like(with_strings(baseline, structure), structure, "baseline")
    baselines = [as_tensor(array, leaf) for array, leaf in zip(call.baseline, given, strict=True)]
    return dataclasses.replace(call, inputs=tensors, baseline=baselines)


def _prepare(
    engine: Engine,
    method: Method,
    inputs: Any,
    *,
    differentiable: bool,
    recorded: bool,
    target: Any = None,
    baseline: Any = None,
    batch_size: int | None = None,
    chunk_size: int | None = None,
    max_memory: int | str | None = None,
    seed: int | None = None,
    progress: bool = False,
) -> Call:
    model = engine.model_for(method, inputs)
    arrays = read_inputs(inputs, model.traced.specs)
    if method.differentiates:
        require_floats(model, path=method.from_inputs)
    require_one_length(engine, model, arrays)
    objective, selection, notes = select(engine, method, model, target, arrays)
    explained = _explained(engine, model, arrays)
    compared = [tf.TensorSpec(array.shape, array.dtype) for array in arrays] if method.from_inputs else explained
    baselines = _baselines(method, model, baseline, compared)
    symbolic = any(is_symbolic(array) for array in arrays)
    in_xla = symbolic and tf_private.xla_compiles_graph()
    compiled = engine.compiles(method, objective, differentiable=differentiable)
    layout = Layout(
        structure=model.layout(inputs),
        shapes=tuple(tuple(spec.shape[1:]) for spec in explained),
        seed=seed,
        fixed_sizes=compiled and not symbolic,  # in a graph being built, data are constants
        n_baselines=baselines[0].shape[1] if method.sets else 0,
    )
    if compiled and not method.sets:
        baselines = [_full_shape(array, spec) for array, spec in zip(baselines, compared, strict=False)]
    if layout.fixed_sizes and method.sets == "background" and max_memory is None:
        baselines = _with_room(baselines)
    method = method.bound(layout)
    method.data(layout)  # refuses options that do not fit the inputs
    if not symbolic and not any(map(is_symbolic, baselines)):
        numbers = functools.partial(_explained_arrays, engine, model, arrays)
        method.check(numbers, baselines, given=baseline is not None)
    fixed = objective.batch
    units = math.prod(selection.units or ())
    count = (arrays[0].shape[0] or 1) * units
    evaluations = method.evaluations_in(layout)
    batch, chunk = _sizes(engine, objective, method, layout, baselines, count, batch_size, chunk_size, max_memory)
    if evaluations and not fixed:
        batch = min(batch, (_MOST - MAX_CHUNK_SIZE) // evaluations)  # int32 numbers the evaluations of a batch
    if (compiled or in_xla) and not fixed and chunk_size is None and evaluations is not None:
        # An open batch counts as one example, on which the padding of a larger chunk would be wasted.
        total = min(Replicas.here(differentiable=differentiable).share(count), batch) * evaluations
        chunk = engine.settled_chunk_size(method, objective, total, chunk, keep=not symbolic)
    chunks = Chunks(chunk, pad=bool(fixed or compiled or in_xla), small_size=fixed or min(chunk, _FEW))
    if recorded and not fixed and chunk_size is None and max_memory is None:
        # A tape keeps every evaluation until the end, in chunks or not.
        batch = max(batch_size or chunk // (evaluations or chunk), 1)
        chunks = dataclasses.replace(chunks, at_once=True)
    call = Call(
        engine=engine,
        method=method,
        objective=objective.differentiable if differentiable else objective,
        layout=layout,
        inputs=arrays,
        baseline=baselines,
        selection=selection,
        batch_size=batch,
        chunks=chunks,
        notes=(*model.notes, *notes),
        differentiable=differentiable,
        inlined=recorded and in_xla,
        progress=progress,
        structure=positions(inputs, model.traced.specs),
    )
    if symbolic and fixed not in (None, arrays[0].shape[0]):
        raise InputError(f"inputs must have the model's batch size {fixed}. Got {arrays[0].shape[0]}.")
    if symbolic or not tf.executing_eagerly():
        engine.agreement(model, objective).require_no_draw()
    else:
        data = selection.data if selection.kind == "callable" else ()
        lengths = engine.agreement(model, objective).check(arrays, data, repeats=method.loops or units > 1)
        require_within(selection, lengths)
    return call


def _sizes(
    engine: Engine,
    objective: Objective,
    method: Method,
    layout: Layout,
    baselines: Sequence[Any],
    count: int,
    batch_size: int | None,
    chunk_size: int | None,
    max_memory: int | str | None,
) -> tuple[int, int]:
    """Returns the batch size and the chunk size."""
    limit = None if max_memory is None else read_bytes(max_memory)
    if objective.batch:
        return objective.batch, objective.batch
    batch, chunk = BATCH_SIZE, MAX_CHUNK_SIZE
    if method.loops or limit is not None:
        sets = baselines if method.sets else []
        of_each = sum(array.nbytes // len(array) for array in sets if len(array) > 1)
        memory = Memory(objective, method, layout, of_each, engine.accelerated)
        kept = count * memory.result + 2 * sum(array.nbytes for array in sets if len(array) == 1)
        batch, chunk = memory.within(limit, kept) if limit else (memory.batch_size(), memory.chunk_size())
    batch, chunk = batch_size or batch, min(chunk_size or chunk, MAX_CHUNK_SIZE)
    return (batch, chunk) if method.loops else (min(batch, chunk), chunk)


def _baselines(method: Method, model: Model, baseline: Any, compared: Sequence[tf.TensorSpec]) -> list[Any]:
    """Returns a baseline for each compared tensor, or a set of them; nothing where none is used."""
    structure = model.traced.specs if method.from_inputs else model.structure
    if method.sets is not None:
        return list(read_sets(method.options[method.sets], structure, compared, method.sets))
    return read_baseline(baseline, structure, compared) if method.uses_baseline else []


def _explained(engine: Engine, model: Model, arrays: Sequence[Any]) -> list[tf.TensorSpec]:
    """Returns the specs of the explained tensors for these inputs."""
    if model.prefix is None:
        return [tf.TensorSpec(array.shape, array.dtype) for array in arrays]
    specs: Sequence[Any] = [value.spec for value in model.explained]
    if any(None in spec.shape[1:] for spec in specs) and not any(is_symbolic(array) for array in arrays):
        _, specs = forward(engine, model.chosen_outputs(), [array[:1] for array in arrays])
    return [tf.TensorSpec((arrays[0].shape[0], *spec.shape[1:]), spec.dtype) for spec in specs]


def _explained_arrays(engine: Engine, model: Model, arrays: Sequence[Any]) -> Sequence[np.ndarray]:
    """Returns the explained tensors as arrays."""
    if model.prefix is None:
        return [np.asarray(array) for array in arrays]
    if not len(arrays[0]):
        return []
    _, explained = forward(engine, model.chosen_outputs(), arrays)
    return explained


def _with_room(sets: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Returns sets `[1 or batch, n_baselines, ...]` with room for more, so that XLA need not compile anew for others.

    The number of baselines becomes a power of 2, as large as 4 MiB allow; the first ones follow again.
    """
    count = sets[0].shape[1]
    of_each = max(sum(array.nbytes for array in sets) // count, 1)
    fitting = min(_MOST_ROOM, _ROOM // of_each)
    size = max(1 << (count - 1).bit_length(), 1 << max(fitting.bit_length() - 1, 0))
    numbers = np.arange(size) % count
    return [array[:, numbers] for array in sets]


def _full_shape(baseline: Any, spec: tf.TensorSpec) -> Any:
    """Returns a baseline broadcast to the shape of an example, so that XLA compiles once for numbers and arrays."""
    if is_symbolic(baseline) or None in spec.shape[1:]:
        return baseline
    return np.broadcast_to(baseline, (baseline.shape[0], *spec.shape[1:]))
