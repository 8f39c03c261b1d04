"""The one border where whatever the user has becomes a program."""

from collections.abc import Callable, Iterator, Mapping, Sequence
import contextlib
import dataclasses
import os
import threading
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from deepexplain_tf.errors import ModelError, UnknownNameError, closest
from deepexplain_tf.graph.ir import Program, Value
from deepexplain_tf.graph.read import read_function

_TRACING = threading.RLock()  # a layer's `call` is wrapped while it is held
_FILES = (".keras", ".h5", ".hdf5")


@dataclasses.dataclass(frozen=True)
class Source:
    """A model as it can be called.

    Attributes:
      call: takes the inputs in the model's own structure.
      specs: the inputs' structure of TensorSpec, None where only data can tell.
      layered: the Keras object whose layers `layer=` names, or None.
      dtype: the dtype to which a Keras model casts real inputs, or None.
    """

    call: Callable[[Any], Any]
    specs: Any = None
    layered: Any = None
    dtype: tf.DType | None = None


@dataclasses.dataclass(frozen=True, eq=False)
class Traced:
    """A traced model.

    Attributes:
      program: its arguments are the flattened inputs, its outputs the flattened outputs.
      specs: the structure of input TensorSpecs, as the model takes them.
      outputs: the structure of the outputs, with positions in `program.outputs` as leaves.
      layer: the output of the layer to explain, None for the inputs themselves.
      batch: the batch size of the trace, None where it is open.
      notes: what the user should know about the trace.
      owner: keeps the variables alive.
    """

    program: Program
    specs: Any
    outputs: Any
    layer: Value | None
    batch: int | None
    notes: tuple[str, ...]
    owner: Any


def source_of(model: Any, input_signature: Any = None) -> Source:
    """Returns how to call a Keras model or layer, a `.keras`/`.h5` file, a tf.Module, or a callable.

    Raises:
      TypeError: something that is no model.
      FileNotFoundError: a missing file.
      ModelError: a file that holds no model.
    """
    if isinstance(model, str | os.PathLike):
        model = _load(os.fspath(model))
    if isinstance(model, keras.layers.Layer):
        specs = _keras_specs(model) if input_signature is None else _signature(input_signature)
        dtype = tf.as_dtype(model.dtype_policy.variable_dtype or keras.config.floatx())
        return Source(lambda inputs: model(inputs, training=False), specs, model, dtype)
    if isinstance(model, type) or not callable(model):
        raise TypeError(
            "a model is a Keras model, a .keras or .h5 file, a tf.Module or tf.function, or a callable. Got "
            f"{type(model).__name__}."
        )
    return Source(lambda inputs: _call(model, inputs), _signature(input_signature))


def trace(source: Source, layer: str | None, inputs: Any = None) -> Traced:
    """Traces a model.

    Args:
      source: how to call it.
      layer: the name of a Keras layer (or `"name:i"`) whose output is marked, or None.
      inputs: the structure of the user's arrays; needed where `source.specs` is None.

    Raises:
      ModelError: the model cannot be traced.
      UnknownNameError: there is no such layer.
    """
    found = None if layer is None else _layer(source.layered, layer)
    first_error: Exception | None = None
    for specs, note in _candidates(source, inputs):
        try:
            return _trace(source, specs, layer, found, note)
        except (ModelError, UnknownNameError):
            raise
        except Exception as error:  # whatever the user's program raises for these shapes and dtypes
            first_error = first_error or error
    raise ModelError(f"the model must be traceable with these inputs. Got: {_brief(first_error)}") from first_error


def _trace(source: Source, specs: Any, layer: str | None, found: Any, note: str) -> Traced:
    marks: list[tf.Tensor] = []

    def program(*flat: tf.Tensor) -> Any:
        return source.call(tf.nest.pack_sequence_as(specs, flat))

    with _TRACING, _marked(found, marks):
        function = tf.function(program).get_concrete_function(*tf.nest.flatten(specs))
    structure = function.structured_outputs
    if not function.outputs:
        raise ModelError("a model returns at least one tensor. Got none.")
    read, reader = read_function(function)
    positions = tf.nest.pack_sequence_as(structure, list(range(len(function.outputs))))
    value = None
    if layer is not None:
        mark = _choose(marks, layer)
        value = reader.find(mark)
        if value is None:
            raise ModelError(f"layer {layer!r} must lie between the inputs and the outputs, outside of loops.")
    leading = tf.nest.flatten(specs)[0].shape
    batch = leading[0] if leading.rank else None
    return Traced(read, specs, positions, value, batch, (note,) if note else (), (function, source))


def _candidates(source: Source, inputs: Any) -> Iterator[tuple[Any, str]]:
    """Yields the signatures to try: what the model declares, else what the data suggest."""
    if source.specs is not None:
        yield source.specs, ""
        return
    if inputs is None:
        raise ModelError("the shapes of this model's inputs come from the first call, or from input_signature=.")
    arrays = tf.nest.map_structure(lambda array: array if tf.is_tensor(array) else np.asarray(array), inputs)
    single = source.dtype or tf.float32
    choices = [(source.dtype, single), (source.dtype, None), (single, single), (single, None)]
    for real, whole in dict.fromkeys(choices):
        for batch in (None, tf.nest.flatten(arrays)[0].shape[0]):

            def spec(array: Any, real: Any = real, whole: Any = whole, batch: Any = batch) -> tf.TensorSpec:
                own = tf.as_dtype(array.dtype)
                wanted = real if own.is_floating else whole
                return tf.TensorSpec([batch, *array.shape[1:]], wanted or own)

            note = "" if batch is None else f"the model was traced with the fixed batch size {batch}"
            yield tf.nest.map_structure(spec, arrays), note


def _keras_specs(model: Any) -> Any:
    """Returns the declared inputs of a built Keras model, None where there are none."""
    try:
        declared = model.input
    except (AttributeError, ValueError):  # a Sequential that was never called has only `inputs`
        several = getattr(model, "inputs", None)
        if not several:
            return None
        declared = several[0] if len(several) == 1 else several
    return tf.nest.map_structure(lambda t: tf.TensorSpec(t.shape, tf.as_dtype(t.dtype), t.name), declared)


def _signature(given: Any) -> Any:
    if given is None:
        return None
    leaves = tf.nest.flatten(given)
    if not leaves or not all(isinstance(leaf, tf.TensorSpec) for leaf in leaves):
        raise TypeError("input_signature is a list of tf.TensorSpec, one for each input.")
    single = isinstance(given, list | tuple) and len(given) == 1
    return given[0] if single else given


def _call(function: Callable[..., Any], inputs: Any) -> Any:
    if isinstance(inputs, Mapping):
        return function(**inputs)
    return function(*inputs) if isinstance(inputs, list | tuple) else function(inputs)


def _load(path: str) -> Any:
    if not os.path.exists(path):
        raise FileNotFoundError(f"no model file at {path!r}")
    if not path.endswith(_FILES):
        raise ModelError(f"a model file ends in {', '.join(_FILES)}. Got {os.path.basename(path)!r}.")
    try:
        return keras.models.load_model(path, compile=False)
    except Exception as error:  # Keras raises many kinds for files that are not its own
        raise ModelError(f"{os.path.basename(path)!r} must hold a Keras model. Got: {_brief(error)}") from error


def _brief(error: Exception | None) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()] or [""]
    wrapped = lines[0] in ("in user code:", "Exception encountered when calling layer")
    return f"{type(error).__name__}: {lines[-1 if wrapped else 0][:300]}"


# --- layer= -----------------------------------------------------------------------------------------------


def _layer(model: Any, name: str) -> Any:
    if model is None:
        raise UnknownNameError(f"layer= names a layer of a Keras model. Got {name!r} for a model without layers.")
    layers = {layer.name: layer for layer in model._flatten_layers(include_self=False)}
    found = layers.get(name) or layers.get(name.rpartition(":")[0])
    if found is None:
        raise UnknownNameError(f"unknown layer {name!r}; {closest(name, layers)}.")
    return found


@contextlib.contextmanager
def _marked(layer: Any, marks: list[tf.Tensor]) -> Iterator[None]:
    """While tracing in this thread, records the outputs of a layer's calls; Keras has no forward hook."""
    if layer is None:
        yield
        return
    tracing = threading.get_ident()
    original = layer.call

    def call(*args: Any, **kwargs: Any) -> Any:
        outputs = original(*args, **kwargs)
        if threading.get_ident() != tracing or tf.executing_eagerly():
            return outputs
        if len(tf.nest.flatten(outputs)) != 1:
            raise ModelError(
                f"an explained layer has one output. Got {len(tf.nest.flatten(outputs))} of {layer.name!r}."
            )
        outputs = tf.nest.map_structure(tf.identity, outputs)
        marks.extend(tf.nest.flatten(outputs))
        return outputs

    own = layer.__dict__.get("call")
    layer.__dict__["call"] = call
    try:
        yield
    finally:
        if own is None:
            del layer.__dict__["call"]
        else:
            layer.__dict__["call"] = own


def _choose(marks: Sequence[tf.Tensor], name: str) -> tf.Tensor:
    _, _, number = name.rpartition(":")
    if len(marks) == 1 and not (":" in name and number != "0"):
        return marks[0]
    if not marks:
        raise UnknownNameError(f"layer {name!r} is not called by the model.")
    if ":" in name and number.isdigit() and int(number) < len(marks):
        return marks[int(number)]
    raise UnknownNameError(
        f"layer {name!r} is called {len(marks)} times; pick a call by {name.partition(':')[0]!r} and ':0' to "
        f"':{len(marks) - 1}'."
    )
