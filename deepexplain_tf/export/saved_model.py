"""An explainer as a SavedModel, which needs neither this library nor Keras to run."""

from collections.abc import Callable, Mapping
import json
import os
from typing import Any

import tensorflow as tf

from deepexplain_tf.errors import ModelError, OptionError, shortened
from deepexplain_tf.export.program import Program
from deepexplain_tf.methods.base import is_int
from deepexplain_tf.written import folder_written_whole

_FILE = "saved_model.pb"
DESCRIPTION = os.path.join("assets", "explainer.json")


def save(
    program: Callable[[], tuple[Program, Mapping[str, Any]]],
    path: str | os.PathLike[str],
    *,
    version: int | None,
    overwrite: bool,
) -> None:
    """Writes the signatures `explain` (which is `serving_default` too) and `predict`.

    Args:
      program: makes the program, and what is told of it in `assets/explainer.json`; called once the path is free.
      path: the folder to write.
      version: of TensorFlow Serving's layout, `path/version/`, None for `path` itself.
      overwrite: whether an older export at this path is replaced.

    Raises:
      PathError: there is something at `path`, or it cannot be written to.
      OptionError: an argument out of range.
      ModelError: a resource of the model that cannot be saved.
    """
    if not (version is None or (is_int(version) and version >= 0)):
        raise OptionError(f"version must be a whole number ≥ 0. Got {shortened(version)}.")
    if not isinstance(overwrite, bool):
        raise OptionError(f"overwrite must be True or False. Got {shortened(overwrite)}.")
    final = path if version is None else os.path.join(path, str(version))
    with folder_written_whole(final, overwrite=overwrite, mark=_FILE) as folder:
        made, description = program()
        explain = _concrete(made.explain, {**made.inputs, **made.late})
        predict = _concrete(made.predict, made.inputs)
        holder = tf.Module()  # of variables alone: no Python class is needed to load it
        holder.held = _resources(made, explain, predict)
        signatures = {"serving_default": explain, "explain": explain, "predict": predict}
        options = tf.saved_model.SaveOptions(experimental_custom_gradients=False)
        tf.saved_model.save(holder, str(folder), signatures=signatures, options=options)
        described = {
            **description,
            "signatures": {name: _described(function) for name, function in signatures.items()},
            "notes": list(made.notes),
        }
        (folder / DESCRIPTION).parent.mkdir(exist_ok=True)
        (folder / DESCRIPTION).write_text(json.dumps(described, indent=1, ensure_ascii=False), "utf-8")


def _concrete(function: Callable[..., Any], specs: Mapping[str, tf.TensorSpec]) -> Any:
    traced = tf.function(function, autograph=False)
    return traced.get_concrete_function(**{n: tf.TensorSpec(s.shape, s.dtype, n) for n, s in specs.items()})


def _resources(program: Program, *functions: Any) -> list[Any]:
    """Returns what holds the variables and tables that functions read."""
    traced, source = program.owner
    candidates = list(traced.graph.variables)
    if isinstance(source.owner, tf.__internal__.tracking.Trackable):
        candidates += tf.train.TrackableView(source.owner).descendants()
    known = {id(handle): found for found in candidates if (handle := _handle(found)) is not None}
    read = [tensor for function in functions for tensor in function.captured_inputs if tensor.dtype == tf.resource]
    unknown = [tensor for tensor in read if id(tensor) not in known]
    if unknown:
        raise ModelError(
            "every variable and table that a model reads must be found to be saved: keep it in an attribute of a Keras "
            f"model or tf.Module. Got {len(unknown)} that no object holds."
        )
    return list({id(tensor): known[id(tensor)] for tensor in read}.values())


def _handle(found: Any) -> Any:
    return found.handle if isinstance(found, tf.Variable) else getattr(found, "resource_handle", None)


def _described(function: Any) -> dict[str, Any]:
    named = {"inputs": function.structured_input_signature[1], "outputs": function.structured_outputs}
    return {
        key: {name: {"dtype": t.dtype.name, "shape": t.shape.as_list()} for name, t in tensors.items()}
        for key, tensors in named.items()
    }
