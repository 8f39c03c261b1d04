"""Loads models from files, without running any code that a file holds."""

from collections.abc import Iterator, Mapping
import contextlib
import os
from typing import Any
import zipfile

import keras
import tensorflow as tf

from deepexplain_tf.errors import ModelError, OptionError, brief
from deepexplain_tf.graph import tf_private
from deepexplain_tf.graph.sources.file_code import code_in
from deepexplain_tf.graph.sources.verify import verify

_FILES = (".keras", ".h5", ".hdf5")
_GRAPHS = (".pb",)


def load(path: str, custom_objects: Mapping[str, Any] | None = None) -> Any:
    """Loads a file or folder: a Keras or tf_keras model, a SavedModel, or a GraphDef.

    Args:
      path: the path.
      custom_objects: the user's classes and functions that a Keras file names; None for no file with such objects.

    Raises:
      FileNotFoundError: the path does not exist.
      ModelError: the path holds no model, or a model with code.
      OptionError: `custom_objects` for a path that is no Keras file.
      TypeError: `custom_objects` is no dict of classes and functions.
    """
    if custom_objects is not None:
        if not isinstance(custom_objects, Mapping) or not all(map(callable, custom_objects.values())):
            raise TypeError("custom_objects must be a dict: name → class or function.")
        if not path.endswith(_FILES):
            raise OptionError(f"custom_objects belongs to a Keras file. Got it for {os.path.basename(path)!r}.")
    if not os.path.exists(path):
        raise FileNotFoundError(f"no model at {path!r}")
    name = os.path.basename(path)
    if os.path.isdir(path) and not os.path.exists(os.path.join(path, "saved_model.pb")):
        raise ModelError(f"a model folder must be a SavedModel. Got {name!r}, which has no saved_model.pb.")
    if not os.path.isdir(path) and not path.endswith((*_FILES, *_GRAPHS)):
        raise ModelError(f"a model file must end in {', '.join((*_FILES, *_GRAPHS))}. Got {name!r}.")
    loader = _saved_model if os.path.isdir(path) else _graph_def if path.endswith(_GRAPHS) else _keras_model
    if os.path.isfile(path) and path.endswith(".keras") and not zipfile.is_zipfile(path):
        raise ModelError(f"a .keras file must be a zip archive. Got {name!r}, which is none.")
    try:
        with _known(custom_objects or {}):
            return loader(path)
    except ModelError:
        raise
    except Exception as error:  # the loaders raise errors of many classes for files in other formats
        if _has_code(error):
            raise _code(name, "a Lambda layer") from None
        raise ModelError(f"{name!r} must hold a model. Got: {brief(error)}") from None


@contextlib.contextmanager
def _known(custom_objects: Mapping[str, Any]) -> Iterator[None]:
    """Makes the user's objects known to Keras, and to tf_keras where it is installed."""
    with contextlib.ExitStack() as stack:
        if custom_objects:
            for library in filter(None, (keras, _tf_keras())):
                stack.enter_context(library.saving.custom_object_scope(dict(custom_objects)))
        yield


def _keras_model(path: str) -> Any:
    """Loads a Keras file; code in it (a Lambda layer's) is not run."""
    code = code_in(path)
    if code is not None:
        raise _code(os.path.basename(path), code)
    try:
        return keras.models.load_model(path, compile=False, safe_mode=True)
    except Exception as error:
        modern = path.endswith(".keras") and "tf_keras" not in str(error)
        legacy = None if modern or _has_code(error) else _tf_keras()
        if legacy is None:
            raise
        try:  # Keras 2 may have saved what Keras 3 cannot read
            with tf_private.legacy_safe_mode():
                return legacy.models.load_model(path, compile=False)
        except Exception as second:
            raise (second if path.endswith(".keras") or _has_code(second) else error) from None


def _code(name: str, what: str) -> ModelError:
    return ModelError(
        f"a model file must hold no code, since none is run. Got {name!r} with the code of {what}; if you trust it, "
        "load it by keras.models.load_model(path, safe_mode=False) and pass the model."
    )


def _tf_keras() -> Any:
    """Returns tf_keras, an optional package, None if it is not installed."""
    try:
        import tf_keras
    except ImportError:
        return None
    return tf_keras


def _has_code(error: Exception) -> bool:
    """Whether Keras refused a file because of the code in it."""
    return "safe_mode=False" in str(error)


def _saved_model(path: str) -> Any:
    for meta_graph in tf_private.saved_model(path).meta_graphs:
        verify(meta_graph.graph_def)
    return tf.saved_model.load(path)


def _graph_def(path: str) -> tf.compat.v1.GraphDef:
    graph = tf.compat.v1.GraphDef()
    with open(path, "rb") as file:
        graph.ParseFromString(file.read())
    return graph
