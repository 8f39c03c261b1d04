"""Everything that counts as a model, and how each is called."""

from collections.abc import Callable, Mapping
import dataclasses
import os
from typing import Any
import zipfile

import keras
import tensorflow as tf

from deepexplain_tf.errors import ModelError, OptionError, UnknownNameError, closest
from deepexplain_tf.graph import tf_private
from deepexplain_tf.graph.library import with_own_names
from deepexplain_tf.graph.verify import verify

_FILES = (".keras", ".h5", ".hdf5")
_GRAPHS = (".pb",)
# How the lines of a traceback, and of what Keras and TensorFlow add to one, begin.
_FRAMES = ("File ", "•", "Arguments received", "Call arguments", "[[", "[Op:", "Detected at", "Original stack")


@dataclasses.dataclass(frozen=True)
class Source:
    """A model as it can be called.

    Attributes:
      call: takes the inputs in the model's own structure.
      specs: the inputs' structure of TensorSpec, None where only data can tell.
      layered: the Keras object whose layers `layer=` names, or None.
      dtype: the dtype to which a Keras model casts real inputs, or None.
      owner: keeps the model's variables alive.
      output_names: the names of a graph's outputs.
    """

    call: Callable[[Any], Any]
    specs: Any = None
    layered: Any = None
    dtype: tf.DType | None = None
    owner: Any = None
    output_names: tuple[str, ...] = ()


def source_of(model: Any, input_signature: Any = None, *, signature: str | None = None, output: Any = None) -> Source:
    """Returns how to call whatever the user has.

    Args:
      model: a Keras or tf_keras model or layer; a `.keras`, `.h5` or `.hdf5` file; a SavedModel folder or what
        `tf.saved_model.load` made of one; a frozen GraphDef or `.pb` file; a ConcreteFunction, tf.function,
        tf.Module or callable.
      signature: the signature of a SavedModel, `"serving_default"` (or the only one) where None.
      input_signature: TensorSpecs of the inputs; for a GraphDef their names are those of its tensors.
      output: for a GraphDef the name of the output tensor, where it is not the only end.

    Raises:
      TypeError: something that is no model.
      FileNotFoundError: a missing file.
      ModelError: a file that holds no model, or a graph without inputs.
      UnknownNameError: no such signature.
    """
    if isinstance(model, str | os.PathLike):
        return _from_path(os.fspath(model), signature, input_signature, output)
    if hasattr(model, "signatures") and isinstance(model.signatures, Mapping) and not callable(model):
        return _from_signatures(model, signature)
    if signature is not None:
        raise OptionError(f"signature names a signature of a SavedModel. Got it for {type(model).__name__}.")
    if isinstance(model, tf.compat.v1.GraphDef):
        return _from_graph_def(model, input_signature, output)
    if _is_keras(model):
        specs = _declared(model) if input_signature is None else _signature(input_signature)
        return Source(lambda inputs: model(inputs, training=False), specs, model, _dtype(model), model)
    if isinstance(model, tf.types.experimental.ConcreteFunction):
        return _from_concrete(model, model)
    if isinstance(model, type) or not callable(model):
        raise TypeError(
            "a model is a Keras model, a file or folder with one, a GraphDef, a tf.Module or tf.function, or a "
            f"callable. Got {type(model).__name__}."
        )
    return Source(lambda inputs: _call(model, inputs), _signature(input_signature), owner=model)


def brief(error: Exception | None) -> str:
    """Returns the line of another library's error that says what is wrong."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()] or [""]
    line = lines[0]
    if line.startswith(("in user code:", "Exception encountered when calling", "Graph execution error:")):
        # The error's own words stand behind the frames, and before the arguments that Keras lists.
        said = [found for found in lines[1:] if not found.startswith(_FRAMES)]
        line = said[-1] if said else line
    kind = f"{type(error).__name__}: "
    return (line if line.startswith(kind) else kind + line)[:300]


def _from_path(path: str, signature: str | None, input_signature: Any, output: Any) -> Source:
    if not os.path.exists(path):
        raise FileNotFoundError(f"no model at {path!r}")
    name = os.path.basename(path)
    if os.path.isdir(path):
        if not os.path.exists(os.path.join(path, "saved_model.pb")):
            raise ModelError(f"a folder with a model is a SavedModel. Got {name!r}, which has no saved_model.pb.")
        return _from_signatures(_loaded(_load_saved_model, path), signature)
    if signature is not None:
        raise OptionError(f"signature names a signature of a SavedModel folder. Got it for {name!r}.")
    if path.endswith(_GRAPHS):
        return _from_graph_def(_loaded(_read_graph_def, path), input_signature, output)
    if not path.endswith(_FILES):
        raise ModelError(f"a model file ends in {', '.join((*_FILES, *_GRAPHS))}. Got {name!r}.")
    return source_of(_loaded(_load_keras, path), input_signature=input_signature)


def _loaded(load: Callable[[str], Any], path: str) -> Any:
    if os.path.isfile(path) and path.endswith(".keras") and not zipfile.is_zipfile(path):
        raise ModelError(f"a .keras file is a zip archive. Got {os.path.basename(path)!r}, which is none.")
    try:
        return load(path)
    except ModelError:
        raise
    except Exception as error:  # the loaders raise many kinds for files that are not their own
        raise ModelError(f"{os.path.basename(path)!r} must hold a model. Got: {brief(error)}") from error


def _load_keras(path: str) -> Any:
    """Loads a Keras file; code in it (a Lambda layer's) is not run, as `safe_mode` has it."""
    try:
        return keras.models.load_model(path, compile=False)
    except Exception as first:
        if path.endswith(".keras"):
            raise
        try:  # what Keras 2 saved and Keras 3 cannot read
            import tf_keras  # an extra of the user's; it ships no type information
        except ImportError:
            tf_keras = None
        if tf_keras is None:
            raise
        try:
            return tf_keras.models.load_model(path, compile=False)
        except Exception:  # a file of neither: what the newer one says of it
            raise first from None


def _load_saved_model(path: str) -> Any:
    saved = tf_private.SavedModel()
    with open(os.path.join(path, "saved_model.pb"), "rb") as file:
        saved.ParseFromString(file.read())
    for meta_graph in saved.meta_graphs:
        verify(meta_graph.graph_def)
    return tf.saved_model.load(path)


def _read_graph_def(path: str) -> tf.compat.v1.GraphDef:
    graph = tf.compat.v1.GraphDef()
    with open(path, "rb") as file:
        graph.ParseFromString(file.read())
    return graph


def _from_signatures(loaded: Any, name: str | None) -> Source:
    signatures = getattr(loaded, "signatures", None)
    if not isinstance(signatures, Mapping):
        raise ModelError(f"a SavedModel must have signatures. Got {type(signatures).__name__}.")
    if name is None:
        name = "serving_default" if "serving_default" in signatures or len(signatures) != 1 else next(iter(signatures))
    if name not in signatures:
        raise UnknownNameError(f"unknown signature {name!r}; {closest(name, signatures)}.")
    if not hasattr(signatures[name], "structured_input_signature"):
        raise ModelError(f"a signature must be a function. Got {type(signatures[name]).__name__} for {name!r}.")
    return _from_concrete(signatures[name], loaded)


def _from_concrete(function: Any, owner: Any) -> Source:
    positional, named = function.structured_input_signature
    specs = named if named else positional[0] if len(positional) == 1 else list(positional)
    if not all(isinstance(spec, tf.TensorSpec) for spec in tf.nest.flatten(specs)):
        raise ModelError("every input of a concrete function is a tensor. Got other arguments.")
    return Source(lambda inputs: _call(function, inputs), specs, owner=owner)


def _from_graph_def(graph_def: tf.compat.v1.GraphDef, input_signature: Any, output: Any) -> Source:
    """Wraps a frozen graph; its inputs are the placeholders, or those that the signature names."""
    verify(graph_def)

    def load() -> None:
        tf.graph_util.import_graph_def(with_own_names(graph_def), name="")

    try:
        wrapped = tf.compat.v1.wrap_function(load, [])
    except Exception as error:  # a GraphDef that is inconsistent in itself
        raise ModelError(f"a GraphDef must be one that imports. Got: {brief(error)}") from error
    graph = wrapped.graph
    ends = [output] if isinstance(output, str) and output not in ("auto", "model") else _ends(graph)
    if len(ends) != 1:
        raise ModelError(f"a GraphDef has one output: choose with output=, a tensor's name. Got the ends {ends[:8]}.")
    end = _tensor(graph, ends[0])
    if input_signature is None:
        inputs = _placeholders(end)
    else:
        inputs = [_tensor(graph, spec.name or "") for spec in tf.nest.flatten(input_signature)]
    if not inputs:
        raise ModelError(f"a GraphDef's output depends on placeholders, its inputs. Got {ends[0]!r} without any.")
    specs = [tf.TensorSpec(tensor.shape, tensor.dtype, tensor.op.name) for tensor in inputs]
    function = wrapped.prune(inputs, end)
    specs = specs[0] if len(specs) == 1 else specs
    return Source(lambda inputs: function(*tf.nest.flatten(inputs)), specs, owner=wrapped, output_names=(ends[0],))


def _ends(graph: tf.Graph) -> list[str]:
    """Returns the names of the ops that compute something that nothing reads."""
    operations = graph.get_operations()
    read = {tensor.op.name for op in operations for tensor in op.inputs}
    return [op.name for op in operations if op.inputs and op.outputs and op.name not in read]


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
    except (KeyError, ValueError) as error:
        known = [op.name for op in graph.get_operations()]
        raise UnknownNameError(f"no tensor {name!r} in the graph; {closest(name, known)}.") from error


def _is_keras(model: Any) -> bool:
    legacy = any(kind.__module__.split(".")[0] == "tf_keras" for kind in type(model).__mro__)
    return isinstance(model, keras.layers.Layer) or (legacy and hasattr(model, "call"))


def _dtype(model: Any) -> tf.DType:
    """Returns the dtype of a Keras model's variables."""
    policy = getattr(model, "dtype_policy", None)
    return tf.as_dtype(getattr(policy, "variable_dtype", None) or keras.config.floatx())


def _declared(model: Any) -> Any:
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
    if any(not leaf.shape.rank for leaf in leaves):
        raise TypeError("input_signature has shapes with a batch axis, [None, ...]. Got one of open rank or without.")
    single = isinstance(given, list | tuple) and len(given) == 1
    return given[0] if single else given


def _call(function: Callable[..., Any], inputs: Any) -> Any:
    if isinstance(inputs, Mapping):
        return function(**inputs)
    return function(*inputs) if isinstance(inputs, list | tuple) else function(inputs)
