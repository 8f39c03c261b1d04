"""The kinds of models that can be explained, and how each is called."""

from collections.abc import Callable, Mapping, Sequence
import contextlib
import dataclasses
import os
from typing import Any

import keras
import tensorflow as tf

from deepexplain_tf.errors import ModelError, OptionError, UnknownNameError, brief, closest
from deepexplain_tf.graph import tf_private
from deepexplain_tf.graph.kinds import LOOP_V1, SHAPE_ONLY
from deepexplain_tf.graph.sources.files import load
from deepexplain_tf.graph.sources.library import with_unique_names
from deepexplain_tf.graph.sources.verify import verify

_FED = "fed"  # the prefix of placeholders that are put into an imported graph


@dataclasses.dataclass(frozen=True)
class Source:
    """A model as a callable.

    Attributes:
      call: inputs, in the model's own structure → outputs.
      specs: the TensorSpecs of the inputs in that structure, None if only data can tell.
      layered: the Keras object whose layers `layer=` names, or None.
      dtype: the dtype of a Keras model's variables, tried first for real inputs; None for other models.
      output_names: the names of the outputs, if the call returns them without names.
      custom_gradients: False if the graph comes from a file that lacks its `tf.custom_gradient`s.
      owner: the object that keeps the model's variables alive.
      path: the file or folder that the model was read from, None for other models.
      notes: remarks about the model, for the user.
    """

    call: Callable[[Any], Any]
    specs: Any = None
    layered: Any = None
    dtype: tf.DType | None = None
    output_names: tuple[str, ...] = ()
    custom_gradients: bool = True
    owner: Any = None
    path: str | None = None
    notes: tuple[str, ...] = ()


def source_of(
    model: Any,
    input_signature: Any = None,
    *,
    signature: str | None = None,
    output: Any = None,
    custom_objects: Mapping[str, Any] | None = None,
) -> Source:
    """Makes a model of any supported kind callable.

    Args:
      model: a Keras or tf_keras model or layer; a `.keras`, `.h5` or `.hdf5` file; a SavedModel folder or the object
        that `tf.saved_model.load` returns for it; a frozen GraphDef or `.pb` file; a ConcreteFunction,
        tf.function, tf.Module or callable; or a Source, which is returned as it is.
      input_signature: TensorSpecs of the inputs, `[batch, ...]`; for a GraphDef named like its tensors, or these names.
      signature: the name of a SavedModel's signature; None for `"serving_default"` or the only one.
      output: for a GraphDef, the name of the output tensor; not needed if the graph has one end.
      custom_objects: the user's classes and functions that a Keras file names.

    Raises:
      TypeError: `model` is no model, `input_signature` no TensorSpecs with a batch axis, or `custom_objects` no dict.
      FileNotFoundError: the path does not exist.
      ModelError: the path holds no model, or the graph's inputs or output cannot be determined.
      OptionError: `signature` is given for a model that is no SavedModel, or `custom_objects` for one that is no file.
      UnknownNameError: the model has no such signature or tensor.
    """
    if isinstance(model, Source):
        return model
    if isinstance(model, str | os.PathLike):
        return _from_path(os.fspath(model), signature, input_signature, output, custom_objects)
    if custom_objects is not None:
        raise OptionError(f"custom_objects belongs to a Keras file. Got it for {type(model).__name__}.")
    signatures = isinstance(getattr(model, "signatures", None), Mapping)
    if signatures and (signature is not None or not callable(model)):
        return _from_signatures(model, signature, input_signature)
    if signature is not None:
        raise OptionError(f"signature must name a signature of a SavedModel. Got one for {type(model).__name__}.")
    if isinstance(model, tf.compat.v1.GraphDef):
        return _from_graph_def(model, input_signature, output)
    if _is_keras(model):
        specs = _declared(model) if input_signature is None else _signature(input_signature)
        notes = _switched_off(model)
        return Source(lambda inputs: _call_keras(model, inputs), specs, model, _dtype(model), owner=model, notes=notes)
    if isinstance(model, tf.types.experimental.ConcreteFunction):
        return _from_concrete(model, model, input_signature)
    if isinstance(model, type) or not callable(model):
        raise TypeError(
            "a model must be a Keras model, a file or folder with one, a GraphDef, a tf.Module or tf.function, or a "
            f"callable. Got {type(model).__name__}."
        )
    return Source(lambda inputs: _call(model, inputs), _signature(input_signature), owner=model)


def _from_path(
    path: str, signature: str | None, input_signature: Any, output: Any, custom_objects: Mapping[str, Any] | None
) -> Source:
    folder = os.path.isdir(path)
    if signature is not None and os.path.exists(path) and not folder:
        raise OptionError(f"signature must name a signature of a SavedModel. Got one for {os.path.basename(path)!r}.")
    loaded = load(path, custom_objects)
    if not folder:
        return dataclasses.replace(source_of(loaded, input_signature, output=output), path=path)
    source = _from_signatures(loaded, signature, input_signature)
    return dataclasses.replace(source, custom_gradients=tf_private.has_custom_gradients(path), path=path)


def _from_signatures(loaded: Any, name: str | None, input_signature: Any) -> Source:
    signatures = getattr(loaded, "signatures", None)
    if not isinstance(signatures, Mapping):
        raise ModelError(f"a SavedModel must have signatures. Got {type(signatures).__name__}.")
    if name is None:
        name = "serving_default" if "serving_default" in signatures or len(signatures) != 1 else next(iter(signatures))
    if name not in signatures:
        raise UnknownNameError(f"unknown signature {name!r}; {closest(name, signatures)}.")
    if not hasattr(signatures[name], "structured_input_signature"):
        raise ModelError(f"a signature must be a function. Got {type(signatures[name]).__name__} for {name!r}.")
    return _from_concrete(signatures[name], loaded, input_signature)


def _from_concrete(function: Any, owner: Any, input_signature: Any) -> Source:
    positional, named = function.structured_input_signature
    specs = named if named else positional[0] if len(positional) == 1 else list(positional)
    if not all(isinstance(spec, tf.TensorSpec) for spec in tf.nest.flatten(specs)):
        raise ModelError("every input of a concrete function must be a tensor. Got other arguments.")
    specs = tf.nest.pack_sequence_as(specs, _narrowed(tf.nest.flatten(specs), input_signature))
    return Source(lambda inputs: _call(function, inputs), specs, owner=owner)


def _from_graph_def(graph_def: tf.compat.v1.GraphDef, input_signature: Any, output: Any) -> Source:
    """Wraps a frozen graph; its inputs are the placeholders, or the tensors that the signature names."""
    verify(graph_def)
    wrapped = _imported(graph_def, {})
    ends = [output] if isinstance(output, str) and output not in ("auto", "model") else _ends(wrapped.graph)
    if len(ends) != 1:
        raise ModelError(f"a GraphDef must have one output. Got the ends {ends[:8]}; name a tensor with output=.")
    if input_signature is None:
        inputs = _placeholders(_tensor(wrapped.graph, ends[0]))
    else:
        inputs = [_tensor(wrapped.graph, _name_of(given)) for given in tf.nest.flatten(input_signature)]
        if any(isinstance(given, str) for given in tf.nest.flatten(input_signature)):
            input_signature = None  # the shapes are those of the graph
    if not inputs:
        raise ModelError(f"a GraphDef's output must depend on a placeholder. Got {ends[0]!r}, which depends on none.")
    specs = _narrowed([tf.TensorSpec(t.shape, t.dtype, t.op.name) for t in inputs], input_signature)
    if any(tensor.shape != spec.shape for tensor, spec in zip(inputs, specs, strict=True)):
        wrapped = _imported(graph_def, {tensor.name: spec for tensor, spec in zip(inputs, specs, strict=True)})
        inputs = [_tensor(wrapped.graph, f"{_FED}_{number}") for number in range(len(specs))]
    function = wrapped.prune(inputs, _tensor(wrapped.graph, ends[0]))
    return Source(
        lambda inputs: function(*tf.nest.flatten(inputs)),
        specs[0] if len(specs) == 1 else specs,
        output_names=(ends[0],),
        custom_gradients=False,
        owner=wrapped,
    )


def _name_of(given: Any) -> str:
    if isinstance(given, str | tf.TensorSpec):
        return given if isinstance(given, str) else given.name or ""
    raise TypeError(
        f"input_signature must be tf.TensorSpecs, or names of a GraphDef's tensors. Got {type(given).__name__}."
    )


def _imported(graph_def: tf.compat.v1.GraphDef, fed: Mapping[str, tf.TensorSpec]) -> Any:
    """Returns the wrapped graph, with new placeholders in place of the tensors `fed`."""

    def graph() -> None:
        specs = enumerate(fed.values())
        placeholders = [tf.compat.v1.placeholder(spec.dtype, spec.shape, f"{_FED}_{n}") for n, spec in specs]
        tf.graph_util.import_graph_def(with_unique_names(graph_def), dict(zip(fed, placeholders, strict=True)), name="")

    try:
        return tf.compat.v1.wrap_function(graph, [])
    except Exception as error:  # an inconsistent GraphDef
        raise ModelError(f"a GraphDef must be importable. Got: {brief(error)}") from None


def _narrowed(declared: Sequence[tf.TensorSpec], input_signature: Any) -> list[tf.TensorSpec]:
    """Returns the specs that a graph declares for its inputs, with open shapes taken from the user's signature."""
    given = declared if input_signature is None else tf.nest.flatten(_signature(input_signature))
    pairs = list(zip(declared, given, strict=False))
    if len(given) != len(declared) or not all(spec.shape.is_compatible_with(g.shape) for spec, g in pairs):
        shown = ", ".join(f"{spec.name!r} {spec.shape}" for spec in declared)
        raise ModelError(f"input_signature must match the model's inputs, {shown}. Got {[g.shape for g in given]}.")
    specs = [tf.TensorSpec(spec.shape.merge_with(g.shape), spec.dtype, spec.name) for spec, g in pairs]
    if any(not spec.shape.rank for spec in specs):
        shown = ", ".join(f"{spec.name!r} {spec.shape}" for spec in specs if not spec.shape.rank)
        raise ModelError(
            f"every input of a model must have a shape [batch, ...]. Got {shown}; give shapes with input_signature=, "
            "and make inputs that are no examples (a keep probability) constants."
        )
    return specs


def _ends(graph: tf.Graph) -> list[str]:
    """Returns the names of the last ops that compute real numbers from placeholders: no other such op reads them."""
    reached: set[str] = set()
    stack = [op for op in graph.get_operations() if op.type == "Placeholder"]
    while stack:
        op = stack.pop()
        if op.name not in reached and op.type not in SHAPE_ONLY:
            reached.add(op.name)
            stack.extend(reader for tensor in op.outputs for reader in tensor.consumers())
    dtypes = {op: [tensor.dtype for tensor in op.outputs] for op in graph.get_operations() if op.name in reached}
    numeric = [op for op, kinds in dtypes.items() if any(kind.is_floating or kind == tf.variant for kind in kinds)]
    read = {tensor.op.name for op in numeric for tensor in op.inputs}
    ends = [op for op in numeric if op.inputs and op.name not in read and op.type not in LOOP_V1]
    return [op.name for op in ends if op.outputs[0].dtype.is_floating]


def _placeholders(end: tf.Tensor) -> list[tf.Tensor]:
    """Returns the placeholders that a tensor depends on."""
    seen: dict[str, tf.Operation] = {}
    stack = [end.op]
    while stack:
        op = stack.pop()
        if op.name not in seen:
            seen[op.name] = op
            stack.extend(tensor.op for tensor in op.inputs)
    return [op.outputs[0] for op in seen.values() if op.type == "Placeholder"]


def _tensor(graph: tf.Graph, name: str) -> tf.Tensor:
    try:
        return graph.get_tensor_by_name(name if ":" in name else f"{name}:0")
    except (KeyError, ValueError):
        known = [op.name for op in graph.get_operations()]
        raise UnknownNameError(f"no tensor {name!r} in the graph; {closest(name, known)}.") from None


def _call_keras(model: Any, inputs: Any) -> Any:
    # Keras opens a scope with the model's name, and TensorFlow allows no root scope that begins with "_".
    scope = tf.name_scope("model") if str(model.name).startswith("_") else contextlib.nullcontext()
    with scope:
        return model(inputs, training=False)


def _switched_off(model: Any) -> tuple[str, ...]:
    """Returns a note on layers of a Keras model that were built with training=True, which `predict` does not obey."""
    found = []
    for layer in getattr(model, "_flatten_layers", list)():
        nodes = getattr(layer, "_inbound_nodes", ())
        if any(getattr(getattr(node, "arguments", None), "kwargs", {}).get("training") is True for node in nodes):
            found.append(layer.name)
    if not found:
        return ()
    return (f"explained as predict runs it, with training=False: {', '.join(map(repr, found[:3]))} had training=True",)


def _is_keras(model: Any) -> bool:
    legacy = any(kind.__module__.split(".")[0] == "tf_keras" for kind in type(model).__mro__)
    return isinstance(model, keras.layers.Layer) or (legacy and hasattr(model, "call"))


def _dtype(model: Any) -> tf.DType:
    """Returns the dtype of a Keras model's variables."""
    policy = getattr(model, "dtype_policy", None)
    return tf.as_dtype(getattr(policy, "variable_dtype", None) or keras.config.floatx())


def _declared(model: Any) -> Any:
    """Returns the TensorSpecs of a built Keras model's declared inputs, None if it declares none."""
    try:
        declared = model.input
    except (AttributeError, ValueError):  # a Sequential that was never called has only `inputs`
        inputs = getattr(model, "inputs", None)
        if not inputs:
            return None
        declared = inputs[0] if len(inputs) == 1 else inputs
    return tf.nest.map_structure(lambda t: tf.TensorSpec(t.shape, tf.as_dtype(t.dtype), t.name), declared)


def _signature(given: Any) -> Any:
    if given is None:
        return None
    leaves = tf.nest.flatten(given)
    if not leaves or not all(isinstance(leaf, tf.TensorSpec) for leaf in leaves):
        raise TypeError("input_signature must be a list of tf.TensorSpec, one for each input.")
    if any(not leaf.shape.rank for leaf in leaves):
        raise TypeError(
            "shapes in input_signature must have a batch axis, [None, ...]. Got one of open rank or without axes."
        )
    single = isinstance(given, list | tuple) and len(given) == 1
    return given[0] if single else given


def _call(function: Callable[..., Any], inputs: Any) -> Any:
    if isinstance(inputs, Mapping):
        return function(**inputs)
    return function(*inputs) if isinstance(inputs, list | tuple) else function(inputs)
