"""Traces a model once into a program, in which the layer to explain is marked."""

from collections.abc import Iterator, Mapping, Sequence
import contextlib
import dataclasses
import itertools
import threading
from typing import Any

import numpy as np
import tensorflow as tf

from deepexplain_tf.errors import ModelError, UnknownNameError, brief, closest, shortened
from deepexplain_tf.graph import tf_private
from deepexplain_tf.graph.autograph import unconverted
from deepexplain_tf.graph.ir import Program, Value
from deepexplain_tf.graph.read import read_function
from deepexplain_tf.graph.sources.source import Source

_TRACING = threading.RLock()  # held while a layer's `call` is wrapped


@dataclasses.dataclass(frozen=True, eq=False)
class Traced:
    """A traced model.

    Attributes:
      program: the model, from its flattened inputs to its flattened outputs.
      specs: the TensorSpecs of the inputs, in the structure that the model takes.
      outputs: the structure of the outputs, with positions in `program.outputs` as leaves (None stays None).
      names: the names of the outputs, in the order of their positions; empty if the model has none.
      layer: the output of the explained layer, None if the inputs are explained.
      batch: the batch size of the trace, None if it is open.
      notes: remarks about the trace, for the user.
      variables: the variables that the model reads.
      assigned: the same, of a model that assigns to some of them.
      owner: the objects that keep the variables alive.
    """

    program: Program
    specs: Any
    outputs: Any
    names: tuple[str, ...]
    layer: Value | None
    batch: int | None
    notes: tuple[str, ...]
    variables: tuple[tf.Variable, ...]
    assigned: tuple[tf.Variable, ...]
    owner: Any


def trace(source: Source, layer: str | None, inputs: Any = None) -> Traced:
    """Traces a model into a program.

    Args:
      source: the model as a callable.
      layer: the name of a Keras layer whose output is marked (`"name:i"` for the layer's i-th call), or None.
      inputs: the user's arrays, in the structure of the inputs; needed if `source.specs` is None.

    Raises:
      ModelError: the model cannot be traced, or the layer's output cannot be marked.
      UnknownNameError: the model has no such layer, or no such call of it.
    """
    keras_layer = None if layer is None else _layer(source.layered, layer)
    first_error: Exception | None = None
    fallback: Traced | None = None
    for specs, note in _candidates(source, inputs):
        try:
            traced = _trace(source, specs, layer, keras_layer, note)
        except (ModelError, UnknownNameError):
            raise  # our own errors do not depend on the signature
        except Exception as error:  # whatever the user's program raises for these shapes and dtypes
            first_error = first_error or error
            continue
        if source.specs is not None or _keeps_batch(traced):
            return traced
        fallback = fallback or traced  # a constant in the model may have the data's batch size
    if fallback is not None:
        return fallback
    raise _untraceable(source, inputs, first_error)


def _untraceable(source: Source, inputs: Any, error: Exception | None) -> ModelError:
    """Returns the error for a model that no signature fits."""
    itself = _runs(source, inputs)
    needed = {
        None: "the model must be traceable with these inputs",
        True: "the model must run in a graph, as inside a tf.function; its own call runs without one",
        False: "the model must run on these inputs, and its own call fails too",
    }[itself]
    return ModelError(f"{needed}. Got: {brief(error)}", error)


def _runs(source: Source, inputs: Any) -> bool | None:
    """Whether the model's own call runs on the user's arrays; None where there are none that it takes."""
    if inputs is None or not tf.executing_eagerly():
        return None
    specs = source.specs if source.specs is not None else next(_candidates(source, inputs))[0]
    owned = getattr(source.owner, "variables", ())
    owned = owned if isinstance(owned, list | tuple) else ()
    # The variables of Keras hold one of TensorFlow.
    held = [v if isinstance(v, tf.Variable) else getattr(v, "value", None) for v in owned]
    variables = [v for v in held if isinstance(v, tf.Variable)]
    values = [variable.read_value() for variable in variables]
    try:
        tensors = tf.nest.map_structure(lambda array, spec: tf.cast(array, spec.dtype), inputs, specs)
    except (TypeError, ValueError):  # of another structure than the declared one
        return None
    try:
        source.call(tensors)
    except Exception:  # a model may raise any
        return False
    finally:
        for variable, value in zip(variables, values, strict=True):
            variable.assign(value)
    return True


def _trace(source: Source, specs: Any, layer: str | None, keras_layer: Any, note: str) -> Traced:
    marks: list[list[tf.Tensor]] = []

    def program(*flat: tf.Tensor) -> Any:
        return source.call(tf.nest.pack_sequence_as(specs, flat))

    if tf.config.functions_run_eagerly():
        raise ModelError(
            "models must be traced as graphs. Got tf.config.run_functions_eagerly(True), which prevents it."
        )
    with _TRACING, _marked(keras_layer, marks):
        function = tf.function(program).get_concrete_function(*tf.nest.flatten(specs))
    structure = function.structured_outputs
    if not function.outputs:
        raise ModelError("a model must return at least one tensor. Got none.")
    flat_program, reader = read_function(function, custom_gradients=source.custom_gradients)
    numbers = itertools.count()
    positions = tf.nest.map_structure(lambda leaf: None if leaf is None else next(numbers), structure)
    value = None
    if layer is not None:
        variables = [v if isinstance(v, tf.Variable) else v.value for v in keras_layer.variables]
        handles = [variable.handle for variable in variables]
        if reader.has_unseen_use(handles, [mark[0].graph for mark in marks]):
            raise ModelError(
                f"every call of an explained layer must be traced anew. Got {layer!r}, called in a tf.function "
                "that was traced before; rebuild the model."
            )
        # A model that builds itself during the trace calls its layers once more, in another graph.
        candidates = [mark for mark in marks if mark[0].graph is function.graph or reader.find(mark[0]) is not None]
        mark, *more = _choose(candidates, layer)
        if more:
            raise ModelError(f"an explained layer must have one output. Got {layer!r} with {1 + len(more)}.")
        value = reader.find(mark)
        if value is None:
            raise ModelError(f"layer {layer!r} must lie between the inputs and the outputs, outside of loops.")
    leading = tf.nest.flatten(specs)[0].shape
    batch = leading[0] if leading.rank else None
    notes = [*source.notes, *([note] if note else [])]
    if reader.lost:
        count = len(set(reader.lost))
        notes.append(
            f"the model's custom gradient at {reader.lost[0]} is not in its file: TensorFlow's is used (at {count} ops)"
        )
    names = tuple(_output_names(source, positions))
    read = tuple(function.graph.variables)
    assigned = read if _assigns(function.graph) else ()
    return Traced(flat_program, specs, positions, names, value, batch, tuple(notes), read, assigned, (function, source))


def _assigns(graph: tf.Graph) -> bool:
    """Whether a graph, or a function that it calls, assigns to a variable."""
    for op in graph.get_operations():
        if "Assign" in op.type:
            return True
        called = [attr.func for attr in op.node_def.attr.values() if attr.HasField("func")]
        called += [function for attr in op.node_def.attr.values() for function in attr.list.func]
        if any(_assigns(tf_private.function_graph(graph, function.name)[0]) for function in called):
            return True
    return False


def _output_names(source: Source, outputs: Any) -> list[str]:
    """Returns the names of the outputs, in the order of their positions."""
    fields = outputs._asdict() if hasattr(outputs, "_asdict") else outputs
    if isinstance(fields, Mapping):
        order = fields if fields is not outputs else sorted(fields)
        counts = {name: sum(leaf is not None for leaf in tf.nest.flatten(fields[name])) for name in order}
        return [name if n == 1 else f"{name}/{i}" for name, n in counts.items() for i in range(n)]
    return list(source.output_names or getattr(source.layered, "output_names", None) or [])


def fill_structure(structure: Any, leaves: Sequence[Any]) -> Any:
    """Returns `structure` with `leaves[position]` in place of each position; None stays None."""
    return tf.nest.map_structure(lambda position: None if position is None else leaves[position], structure)


def _keeps_batch(traced: Traced) -> bool:
    """Whether an output has the inputs' batch axis, open or fixed, or has no known axes."""
    shapes = [value.shape for value in traced.program.outputs]
    return any(not shape.rank or shape[0] == traced.batch for shape in shapes)


def _candidates(source: Source, inputs: Any) -> Iterator[tuple[Any, str]]:
    """Yields the signatures to try, with a note: the one that the model declares, else those that fit the data."""
    if source.specs is not None:
        unknown = [spec.name for spec in tf.nest.flatten(source.specs) if spec.shape.rank is None]
        if unknown:
            raise ModelError(f"inputs must have a known number of axes. Got {shortened(unknown)} of open rank.")
        yield source.specs, ""
        return
    if inputs is None:
        raise ModelError("this model's input shapes must come from a first call or from input_signature=. Got neither.")
    arrays = tf.nest.map_structure(lambda array: array if tf.is_tensor(array) else np.asarray(array), inputs)
    single = source.dtype or tf.float32
    choices = [(source.dtype, single), (source.dtype, None), (single, single), (single, None)]
    for real, whole in dict.fromkeys(choices):
        for batch in (None, tf.nest.flatten(arrays)[0].shape[0]):

            def spec(array: Any, real: Any = real, whole: Any = whole, batch: Any = batch) -> tf.TensorSpec:
                given = tf.as_dtype(array.dtype)
                wanted = real if given.is_floating else whole
                return tf.TensorSpec([batch, *array.shape[1:]], wanted or given)

            note = "" if batch is None else f"the model was traced with the fixed batch size {batch}"
            yield tf.nest.map_structure(spec, arrays), note


# --- layer= -----------------------------------------------------------------------------------------------


def _layer(model: Any, name: str) -> Any:
    if model is None:
        raise UnknownNameError(f"layer= must name a layer of a Keras model. Got {name!r} for a model without layers.")
    layers: dict[str, list[Any]] = {}
    for layer in model._flatten_layers(include_self=False):
        layers.setdefault(layer.name, []).append(layer)
    matches = layers.get(name) or layers.get(name.rpartition(":")[0]) or []
    if len({id(layer) for layer in matches}) > 1:
        raise UnknownNameError(
            f"layer= must name one layer. Got {name!r}, the name of {len(matches)} layers; rename one."
        )
    if not matches:
        raise UnknownNameError(f"unknown layer {name!r}; {closest(name, layers)}.")
    return matches[0]


@contextlib.contextmanager
def _marked(layer: Any, marks: list[list[tf.Tensor]]) -> Iterator[None]:
    """Records the outputs of a layer's calls while this thread traces; Keras has no forward hooks."""
    if layer is None:
        yield
        return
    tracing = threading.get_ident()
    original = layer.call

    @unconverted
    def mark(outputs: Any) -> Any:
        outputs = tf.nest.map_structure(tf.identity, outputs)
        marks.append(tf.nest.flatten(outputs))
        return outputs

    def call(*args: Any, **kwargs: Any) -> Any:
        outputs = original(*args, **kwargs)
        if threading.get_ident() != tracing or tf.executing_eagerly():
            return outputs
        return mark(outputs)

    instance_call = layer.__dict__.get("call")
    layer.__dict__["call"] = call
    try:
        yield
    finally:
        if instance_call is None:
            del layer.__dict__["call"]
        else:
            layer.__dict__["call"] = instance_call


def _choose(marks: Sequence[list[tf.Tensor]], name: str) -> list[tf.Tensor]:
    _, _, number = name.rpartition(":")
    if len(marks) == 1 and not (":" in name and number != "0"):
        return marks[0]
    if not marks:
        raise UnknownNameError(
            f"layer {name!r} is not called by the model (or only in a tf.function that was traced before)."
        )
    if ":" in name and number.isdecimal() and number.isascii() and int(number) < len(marks):
        return marks[int(number)]
    raise UnknownNameError(
        f"layer {name!r} is called {len(marks)} times; pick a call by {name.partition(':')[0]!r} and ':0' to "
        f"':{len(marks) - 1}'."
    )
