"""Traces a model once into a program, in which the places to explain are marked."""

from collections.abc import Iterator, Mapping, Sequence
import contextlib
import dataclasses
import functools
import itertools
from typing import Any

import numpy as np
import tensorflow as tf

from deepexplain_tf.arguments.structure import names_of
from deepexplain_tf.errors import ModelError, UnknownNameError, brief, shortened
from deepexplain_tf.graph import tf_private
from deepexplain_tf.graph.ir import CAPTURE, Program, Value
from deepexplain_tf.graph.kinds import BRANCHES
from deepexplain_tf.graph.places import Marks, Place, layer_names, neurons_of, places_of, require_apart
from deepexplain_tf.graph.read import read_function
from deepexplain_tf.graph.sources.source import Source


@dataclasses.dataclass(frozen=True, eq=False)
class Traced:
    """A traced model.

    Attributes:
      program: the model, from its flattened inputs to its flattened outputs.
      specs: the TensorSpecs of the inputs, in the structure that the model takes.
      outputs: the structure of the outputs, with positions in `program.outputs` as leaves (None stays None).
      names: the names of the outputs, in the order of their positions; empty if the model has none.
      places: the explained places in the order of their names, none if all inputs are explained.
      inside: the output of the layer that a method looks into, where one was named; else none.
      neurons: the output of the layer that is explained in place of the model's outputs, if one was named; else none.
      layers: the names of the model's layers.
      batch: the batch size of the trace, None if it is open.
      notes: remarks about the trace, for the user.
      variables: the variables that the model reads.
      assigned: those of them to which the model assigns.
      owner: the objects that keep the variables alive.
      draws: the key and the number of its random draws, where it draws by number; see `objective.redraw`.
    """

    program: Program
    specs: Any
    outputs: Any
    names: tuple[str, ...]
    places: tuple[Value, ...]
    inside: tuple[Value, ...]
    neurons: tuple[Value, ...]
    layers: tuple[str, ...]
    batch: int | None
    notes: tuple[str, ...]
    variables: tuple[tf.Variable, ...]
    assigned: tuple[tf.Variable, ...]
    owner: Any
    draws: tuple[Value, ...] = ()

    @functools.cached_property
    def states(self) -> tuple[Value, ...]:
        """The handles of whole numbers to which the model assigns, as it does to the seeds of its draws."""
        handles = [variable.handle for variable in self.assigned if variable.dtype.is_integer]
        captured = [node for node in self.program.nodes() if node.type == CAPTURE]
        return tuple(node.output() for node in captured if any(node.tensor is handle for handle in handles))


def trace(
    source: Source,
    layer: str | tuple[str, ...] | None,
    inputs: Any = None,
    inside: str | None = None,
    output: str | int = "auto",
) -> Traced:
    """Traces a model into a program.

    Args:
      source: the model as a callable.
      layer: the name of a Keras layer whose output is marked (`"name:i"` for the layer's i-th call), several names
        of layers and inputs, or None.
      inputs: the user's arrays, in the structure of the inputs; needed if `source.specs` is None.
      inside: the name of a Keras layer whose output is marked besides, or None.
      output: what is explained; where it is the name of a Keras layer and of no output, that layer is marked too.

    Raises:
      ModelError: the model cannot be traced, or the layer's output cannot be marked.
      UnknownNameError: the model has no such layer, or no such call of it.
    """
    places = places_of(source.layered, layer, _input_names(source, inputs))
    looked_into = places_of(source.layered, inside, ())
    neurons = neurons_of(source.layered, output)
    first_error: Exception | None = None
    fallback: Traced | None = None
    for specs, note in _candidates(source, inputs):
        try:
            traced = _trace(source, specs, places, looked_into, neurons, note)
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
    try:
        tensors = tf.nest.map_structure(lambda array, spec: tf.cast(array, spec.dtype), inputs, specs)
    except (TypeError, ValueError):  # of another structure than the declared one
        return None
    try:
        with unchanged(variables):
            source.call(tensors)
    except Exception:  # a model may raise any
        return False
    return True


@contextlib.contextmanager
def unchanged(variables: Sequence[tf.Variable]) -> Iterator[None]:
    """Gives variables their values back at the end."""
    values = [variable.read_value() for variable in variables]
    try:
        yield
    finally:
        for variable, value in zip(variables, values, strict=True):
            variable.assign(value)


def _trace(
    source: Source,
    specs: Any,
    places: Sequence[Place],
    inside: Sequence[Place],
    neurons: Sequence[Place],
    note: str,
) -> Traced:
    marks = Marks([*places, *inside, *neurons])

    def program(*flat: tf.Tensor) -> Any:
        return source.call(tf.nest.pack_sequence_as(specs, flat))

    if tf.config.functions_run_eagerly():
        raise ModelError(
            "models must be traced as graphs. Got tf.config.run_functions_eagerly(True), which prevents it."
        )
    with marks.recorded(), tf.device(None):  # the program may run on other devices
        function = tf.function(program).get_concrete_function(*tf.nest.flatten(specs))
    structure = function.structured_outputs
    if not function.outputs:
        raise ModelError("a model must return at least one tensor. Got none.")
    flat_program, reader = read_function(function, custom_gradients=source.custom_gradients)
    numbers = itertools.count()
    positions = tf.nest.map_structure(lambda leaf: None if leaf is None else next(numbers), structure)
    values = marks.values(places, function, reader, flat_program)
    require_apart(places, values)
    leading = tf.nest.flatten(specs)[0].shape
    batch = leading[0] if leading.rank else None
    notes = [*source.notes, *([note] if note else [])]
    if reader.lost:
        count = len(set(reader.lost))
        notes.append(
            f"the model's custom gradient at {reader.lost[0]} is not in its file: TensorFlow's is used (at {count} ops)"
        )
    names = tuple(_output_names(source, positions))
    hidden = [place for place in neurons if place.name not in names]
    read = tuple(function.graph.variables)
    return Traced(
        flat_program,
        specs,
        positions,
        names,
        values,
        marks.values(inside, function, reader, flat_program),
        marks.values(hidden, function, reader, flat_program),
        tuple(layer_names(source.layered)),
        batch,
        tuple(notes),
        read,
        _assigned(function.graph, read),
        (function, source),
    )


def _input_names(source: Source, inputs: Any) -> list[str]:
    """Returns the names of the inputs, those of the user's dict where the model declares none."""
    if source.specs is not None:
        return names_of(source.specs)
    return names_of(inputs) if isinstance(inputs, Mapping) else []


def _assigned(graph: tf.Graph, variables: Sequence[tf.Variable]) -> tuple[tf.Variable, ...]:
    """Returns the variables to which a graph, or a function that it calls, assigns; all where one cannot be told."""
    names = _assigned_names(graph)
    inner = {placeholder.name: outer for outer, placeholder in graph.captures}
    if not names <= inner.keys():
        return tuple(variables)
    return tuple(variable for variable in variables if any(variable.handle is inner[name] for name in names))


def _assigned_names(graph: tf.Graph) -> set[str]:
    """Returns the names of the handles of a graph to whose variables it, or a function that it calls, assigns."""
    names: set[str] = set()
    for op in graph.get_operations():
        if "Assign" in op.type:
            names.add(op.inputs[0].name)
        called = [attr.func for attr in op.node_def.attr.values() if attr.HasField("func")]
        called += [function for attr in op.node_def.attr.values() for function in attr.list.func]
        for function in called:
            body = tf_private.function_graph(graph, function.name)[0]
            given = dict(zip((t.name for t in body.inputs), op.inputs[op.type in BRANCHES :], strict=False))
            names |= {given[name].name if name in given else name for name in _assigned_names(body)}
    return names


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
                return tf.TensorSpec([batch, *array.shape[1:]], given if given == tf.string else wanted or given)

            note = "" if batch is None else f"the model was traced with the fixed batch size {batch}"
            yield tf.nest.map_structure(spec, arrays), note
