"""Whether what the library made of a damaged model is right: a refusal, or what the model itself says."""

import pathlib
from typing import Any

import keras
import numpy as np
import tensorflow as tf

import deepexplain_tf as dx
from deepexplain_tf.graph.sources.library import with_unique_names
from tests.fuzzing.originals import INPUTS

METHODS = ("deeplift", "gradient_x_input", "occlusion")
_TARGET = 1
_BEYOND = 1e30


class Wrong(Exception):
    """The library let something through that it must not."""


def explained(path: pathlib.Path, methods: tuple[str, ...]) -> tuple[dict[str, Any], str]:
    """Returns the explanations of a model by method, and the last refusal."""
    settings = {"output": "y"} if path.suffix == ".pb" else {"output": "model"}
    found, refusal = {}, ""
    try:
        with dx.DeepExplain(str(path), **settings) as de:
            for method in methods:
                try:
                    found[method] = de.explain(method, INPUTS, target=_TARGET)
                except dx.DeepExplainError as error:
                    refusal = _plain(error)
    except FileNotFoundError as error:
        if path.exists():
            raise Wrong(f"FileNotFoundError for a file that is there: {error}") from error
        refusal = str(error)
    except dx.DeepExplainError as error:
        refusal = _plain(error)
    return found, refusal


def _plain(error: dx.DeepExplainError) -> str:
    said = f"{type(error).__name__}: {error}"
    if len(str(error)) > 500 or "\n" in str(error) or "Traceback" in str(error):
        raise Wrong(f"no plain words: {said}")
    return said


def compare(
    found: dict[str, Any], path: pathlib.Path, original: dict[str, Any], neutral: bool, methods: tuple[str, ...]
) -> None:
    """Compares explanations with what the model itself says, or with those of the original.

    Args:
      found: the explanations by method.
      path: the damaged model.
      original: the original's explanations by the same methods and more.
      neutral: whether the model must be what it was.
      methods: those that were asked for.

    Raises:
      Wrong: they are different.
    """
    if neutral:
        if len(found) < len(methods):
            raise Wrong(f"a model that is the same is refused: {methods}, but {sorted(found)}")
        _compare_with_original(found, original)
        return
    if not found:
        return
    stripped = any("stripped" in note for e in found.values() for note in e.notes)
    try:
        values, gradients = _Oracle(path).run(INPUTS)
    except Exception:  # TensorFlow is stricter about what does not matter
        _compare_with_original(found, original)
        return
    if not np.isfinite(values).all():
        return  # what becomes of NaN in a pooling depends on the kernel
    for method, e in found.items():
        if not stripped:
            _close(e.outputs, values, f"{method}'s outputs")
        if method == "gradient_x_input" and not stripped and gradients is not None:
            _close(e.attributions, gradients * INPUTS, method)
        if method == "deeplift":
            if not stripped:
                at_zero, _ = _Oracle(path).run(np.zeros_like(INPUTS))
                _close(e.baseline_outputs, at_zero, "deeplift's baseline_outputs")
            ends = np.asarray(e.outputs, np.float64), np.asarray(e.baseline_outputs, np.float64)
            known = gradients is None or np.isfinite(gradients).all()  # an infinite weight has no finite gradient
            if known and np.abs(ends).max() < _BEYOND:
                scale = max(np.abs(ends[0]).max(), np.abs(ends[1]).max())
                _close(e.attributions.reshape(len(INPUTS), -1).sum(1), ends[0] - ends[1], "deeplift's sum", scale)
        if method == "occlusion" and not stripped:
            _close(e.attributions, _occluded(_Oracle(path), values), method, np.abs(values).max())


def _compare_with_original(found: dict[str, Any], original: dict[str, Any]) -> None:
    for method, e in found.items():
        _close(e.attributions, original[method].attributions, f"{method} is not what it was")


def _occluded(oracle: "_Oracle", values: np.ndarray) -> np.ndarray:
    drops = np.empty(INPUTS.shape)
    for place in np.ndindex(INPUTS.shape[1:]):
        inputs = INPUTS.copy()
        inputs[(slice(None), *place)] = 0
        drops[(slice(None), *place)] = values - oracle.run(inputs)[0]
    return drops


def _close(found: Any, expected: Any, what: str, scale: float = 0.0) -> None:
    found, expected = np.asarray(found, np.float64), np.asarray(expected, np.float64)
    finite = np.abs(expected) < _BEYOND
    scale = max(scale, np.abs(expected[finite]).max() if finite.any() else 0.0)
    same = found.shape == expected.shape and ((np.abs(found) < _BEYOND) == finite).all()
    if not same or not np.allclose(found[finite], expected[finite], 1e-3, 1e-4 * scale + 1e-30):
        raise Wrong(f"{what}: {found.ravel()[:4]} in place of {expected.ravel()[:4]}")


class _Oracle:
    """The model as TensorFlow or Keras itself runs it."""

    def __init__(self, path: pathlib.Path):
        self._session: Any = None
        if path.suffix == ".pb":
            graph_def = tf.compat.v1.GraphDef.FromString(path.read_bytes())
            with tf.Graph().as_default() as graph:
                tf.graph_util.import_graph_def(with_unique_names(graph_def), name="")
                self._x = graph.get_tensor_by_name("x:0")
                end = graph.get_tensor_by_name("y:0")
                self._value = end[:, _TARGET] if end.shape.rank != 1 else end
                try:
                    self._gradient = tf.gradients(self._value, self._x)[0]
                except (LookupError, TypeError, ValueError):
                    self._gradient = None
            self._session = tf.compat.v1.Session(graph=graph)
        elif path.is_dir():
            loaded = tf.saved_model.load(str(path))
            signature = loaded.signatures["serving_default"]
            self._model = lambda x: next(iter(signature(x=x).values()))
            self._owner = loaded
        else:
            self._model = keras.models.load_model(path, compile=False)

    def run(self, inputs: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
        """Returns the target of each example and its gradient, None where there is none."""
        if self._session is not None:
            value = self._session.run(self._value, {self._x: inputs})
            try:
                return value, self._session.run(self._gradient, {self._x: inputs})
            except (tf.errors.OpError, TypeError):  # an op or all of it has no gradient
                return value, None
        x = tf.constant(inputs)
        with tf.GradientTape() as tape:
            tape.watch(x)
            end = self._model(x)
            value = end[:, _TARGET] if end.shape.rank != 1 else end
        try:
            return value.numpy(), np.asarray(tape.gradient(value, x, unconnected_gradients="zero"))
        except (LookupError, tf.errors.OpError):
            return value.numpy(), None
