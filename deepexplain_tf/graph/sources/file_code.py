"""Code that a Keras file holds or asks for, found in its configuration before any loader reads it.

What loaders refuse by themselves differs between releases: older ones run the Lambda layers of an HDF5 file, and
call whatever function of whatever module a configuration names.
"""

from collections.abc import Iterator, Mapping
import importlib
import json
import sys
from typing import Any
import zipfile

import h5py
import keras

_LARGEST = 1 << 27  # bytes of a configuration; that of a network with thousands of layers has some 1e6
# Layers that keep a program of another framework in bytes or in a file.
_PROGRAMS = ("TFSMLayer", "TorchModuleWrapper")
_PACKAGES = ("keras", "tf_keras", "keras_hub", "keras_cv", "keras_nlp")
# Where Keras looks for a function that has a name only, and which functions of its own compute and do nothing else.
_BY_NAME = ("activations", "constraints", "initializers", "losses", "metrics", "optimizers", "regularizers")
_COMPUTING = (*_BY_NAME, "applications", "layers", "ops", "random", "tree")
_COMPUTING_UTILS = ("normalize", "to_categorical")


def code_in(path: str) -> str | None:
    """Returns what in a Keras file holds or calls code, for a message; None where nothing does.

    Raises:
      ValueError: the configuration is too large, or no JSON.
      RecursionError: its JSON is nested too deeply.
    """
    for text in _configurations(path):
        if len(text) > _LARGEST:
            raise ValueError(f"a configuration has at most {_LARGEST >> 20} MiB")
        stack = [json.loads(text)]
        while stack:
            item = stack.pop()
            if isinstance(item, Mapping):
                found = _code_of(item)
                if found is not None:
                    return found
                stack.extend(item.values())
            elif isinstance(item, list):
                stack.extend(item)
    return None


def _configurations(path: str) -> Iterator[str | bytes]:
    """Yields the configurations of a file, which by its content may be a zip archive, an HDF5 file, or both."""
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            if "config.json" in archive.namelist():
                with archive.open("config.json") as file:
                    yield file.read(_LARGEST + 1)
    if h5py.is_hdf5(path):
        with h5py.File(path, "r") as file:
            text = file.attrs.get("model_config")
            if text is not None:
                yield text if isinstance(text, str | bytes) else str(text)


def _code_of(item: Mapping[str, Any]) -> str | None:
    """Returns what a part of a configuration runs by itself, without what is nested in it."""
    kind, config = item.get("class_name"), item.get("config")
    # Keras 2 writes the code of a lambda as a list, and beside it that it is one.
    listed = kind == "Lambda" and isinstance(config, Mapping) and isinstance(config.get("function"), list)
    named = any(key.endswith("_type") and value == "lambda" for key, value in item.items())
    if kind == "__lambda__" or listed or named:
        return "a Lambda layer"
    if kind in _PROGRAMS:
        return f"a {kind}"
    module, name = item.get("module"), config if kind == "function" else kind
    if not (isinstance(module, str) and module and isinstance(name, str)):
        return None
    known = _is_registered(item.get("registered_name")) or _is_registered(name) or _computes(module, name)
    return None if known else f"{module}.{name}"[:80]


def _is_registered(name: Any) -> bool:
    """Whether the user has registered a class or function of this name."""
    libraries = [keras, sys.modules.get("tf_keras")]
    return isinstance(name, str) and any(
        library is not None and library.saving.get_registered_object(name) is not None for library in libraries
    )


def _computes(module: str, name: str) -> bool:
    """Whether a name is that of a class of Keras, or of one of its functions that only compute, or unknown to it."""
    package, *parts = module.split(".")
    if module == "builtins":
        return any(hasattr(getattr(keras, place), name) for place in _BY_NAME)
    if package not in _PACKAGES:
        return False
    try:
        found = getattr(importlib.import_module(module), name, None)
    except ImportError:
        return True  # the loaders find nothing either, and say so
    utility = parts == ["utils"] and name in _COMPUTING_UTILS
    return found is None or isinstance(found, type) or utility or (bool(parts) and parts[0] in _COMPUTING)
