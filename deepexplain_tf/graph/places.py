"""Places: the tensors that are explained, named by a model's layers and inputs and marked while it is traced."""

from collections.abc import Iterator, Sequence
import contextlib
import dataclasses
import threading
from typing import Any

import tensorflow as tf

from deepexplain_tf.errors import ModelError, UnknownNameError, closest, shortened
from deepexplain_tf.graph import tf_private
from deepexplain_tf.graph.activity import analyse
from deepexplain_tf.graph.autograph import unconverted
from deepexplain_tf.graph.ir import Program, Value

_TRACING = threading.RLock()  # held while a layer's `call` is wrapped


@dataclasses.dataclass(frozen=True)
class Place:
    """A tensor of a model that is explained.

    Attributes:
      name: the name that the user gave.
      layer: the Keras layer whose output it is, None for an input.
      position: the position of the input, None for a layer.
    """

    name: str
    layer: Any = None
    position: int | None = None


def places_of(layered: Any, layer: str | tuple[str, ...] | None, inputs: Sequence[str]) -> list[Place]:
    """Returns the places that `layer=` names: layers of a model, and among several names also inputs.

    Args:
      layered: the Keras model, None for a model without layers.
      layer: the name of a layer, several names, or None.
      inputs: the names of the model's inputs.

    Raises:
      UnknownNameError: there is no such layer or input, or more than one.
    """
    if layer is None:
        return []
    if isinstance(layer, str):
        if layer in inputs and not _computing(layered, layer):
            raise UnknownNameError(
                f"layer= must name a layer, or inputs in a list. Got {layer!r}, an input: layer=[{layer!r}] explains "
                "it, and keeps the other inputs as they are."
            )
        return [Place(layer, _layer(layered, layer))]
    return [_place(layered, name, list(inputs)) for name in layer]


def neurons_of(layered: Any, output: str | int) -> list[Place]:
    """Returns the layer that `output=` names, if it names one; an output of that name goes before it."""
    layers = layers_of(layered) if isinstance(output, str) else {}
    named = {output, str(output).rpartition(":")[0]} & layers.keys()
    return [Place(str(output), _layer(layered, str(output)))] if named else []


def layer_names(layered: Any) -> list[str]:
    """Returns the names of the layers of a Keras model, none for a model without layers."""
    return list(layers_of(layered))


def _place(layered: Any, name: str, inputs: list[str]) -> Place:
    if name not in inputs:
        return Place(name, _layer(layered, name, inputs))
    if _computing(layered, name):
        raise UnknownNameError(
            f"layer= must name one place. Got {name!r}, the name of an input and of a layer; rename one."
        )
    return Place(name, position=inputs.index(name))


def _computing(layered: Any, name: str) -> list[Any]:
    """Returns the layers of a name that are no inputs."""
    return [layer for layer in layers_of(layered).get(name, []) if type(layer).__name__ != "InputLayer"]


def layers_of(model: Any) -> dict[str, list[Any]]:
    """Returns the layers of a Keras model by name, none for a model without layers."""
    layers: dict[str, list[Any]] = {}
    for layer in [] if model is None else model._flatten_layers(include_self=False):
        layers.setdefault(layer.name, []).append(layer)
    return layers


def _layer(model: Any, name: str, inputs: Sequence[str] = ()) -> Any:
    if model is None:
        shown = f"; its inputs are {shortened(list(inputs))}" if inputs else ""
        raise UnknownNameError(
            f"layer= must name a layer of a Keras model. Got {name!r} for a model without layers{shown}."
        )
    layers = layers_of(model)
    matches = layers.get(name) or layers.get(name.rpartition(":")[0]) or []
    if len({id(layer) for layer in matches}) > 1:
        raise UnknownNameError(
            f"layer= must name one layer. Got {name!r}, the name of {len(matches)} layers; rename one."
        )
    if not matches:
        raise UnknownNameError(f"unknown layer {name!r}; {closest(name, {*layers, *inputs})}.")
    return matches[0]


class Marks:
    """The outputs of the layers' calls, recorded while a model is traced; Keras has no forward hooks."""

    def __init__(self, places: Sequence[Place]):
        self._layers = {id(place.layer): place.layer for place in places if place.layer is not None}
        self._marks: dict[int, list[list[tf.Tensor]]] = {key: [] for key in self._layers}

    @contextlib.contextmanager
    def recorded(self) -> Iterator[None]:
        """Records the calls of the layers by this thread; the layers are as before at the end."""
        with contextlib.ExitStack() as stack:
            stack.enter_context(_TRACING)
            for key, layer in self._layers.items():
                stack.enter_context(_marked(layer, self._marks[key]))
            yield

    def values(self, places: Sequence[Place], function: Any, reader: Any, program: Program) -> tuple[Value, ...]:
        """Returns the value of each place in the traced program.

        Args:
          places: some of the places.
          function: the traced function.
          reader: the reader of its graph.
          program: the program that was read.

        Raises:
          ModelError: a place cannot be marked.
          UnknownNameError: there is no such call of a layer.
        """
        return tuple(
            program.inputs[place.position] if place.position is not None else self._value(place, function, reader)
            for place in places
        )

    def _value(self, place: Place, function: Any, reader: Any) -> Value:
        marks, name = self._marks[id(place.layer)], place.name
        variables = [v if isinstance(v, tf.Variable) else v.value for v in place.layer.variables]
        handles = [handle for variable in variables for handle in tf_private.handles_of(variable)]
        if reader.has_unseen_use(handles, [mark[0].graph for mark in marks]):
            raise ModelError(
                f"every call of a named layer must be traced anew. Got {name!r}, called in a tf.function "
                "that was traced before; rebuild the model."
            )
        # A model that builds itself during the trace calls its layers once more, in another graph.
        candidates = [mark for mark in marks if mark[0].graph is function.graph or reader.find(mark[0]) is not None]
        mark, *more = _choose(candidates, name)
        if more:
            raise ModelError(f"a named layer must have one output. Got {name!r} with {1 + len(more)}.")
        value = reader.find(mark)
        if value is None:
            raise ModelError(f"layer {name!r} must lie between the inputs and the outputs, outside of loops.")
        return value


def require_apart(places: Sequence[Place], values: Sequence[Value]) -> None:
    """Checks that no place is another or is computed from another: they are variables of one function.

    Raises:
      UnknownNameError: two places are the same.
      ModelError: one is computed from another.
    """
    names = [place.name for place in places]
    for number, value in enumerate(values):
        others = [(name, other) for n, (name, other) in enumerate(zip(names, values, strict=True)) if n != number]
        for name, other in others:
            if other == value:
                raise UnknownNameError(
                    f"layer= must name each place once. Got {names[number]!r} and {name!r}, which are the same."
                )
            if other in analyse([value], [other]).varying:
                raise ModelError(
                    f"layers explained together must not depend on each other. Got {name!r}, which is computed from "
                    f"{names[number]!r}; explain one of them."
                )


@contextlib.contextmanager
def _marked(layer: Any, marks: list[list[tf.Tensor]]) -> Iterator[None]:
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
