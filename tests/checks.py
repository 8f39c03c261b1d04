"""What many tests do with the library: explain once, read multipliers, judge completeness."""

from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

import deepexplain_tf as dx


def explain(model: Any, method: str, inputs: Any, *, target: Any = None, baseline: Any = None, **settings: Any) -> Any:
    """Explains once; `settings` are those of `DeepExplain`, and `options` the method's own."""
    options = settings.pop("options", {})
    with dx.DeepExplain(model, **settings) as de:
        return de.explain(method, inputs, target=target, baseline=baseline, **options)


def total(outputs: tf.Tensor) -> tf.Tensor:
    """The sum over all units of each example, as a target."""
    return tf.reduce_sum(outputs, axis=list(range(1, len(outputs.shape))))


def replaced_gradient(
    model: Any, rules: Any, inputs: list[np.ndarray], baseline: Any = None, upstream: Any = None
) -> tuple[np.ndarray, list[np.ndarray]]:
    """Returns the values of a rewritten model and its replaced gradient for each input."""
    single = len(inputs) == 1
    with dx.DeepExplain(model) as de:
        rewritten = de.rewrite(rules, baseline)
    tensors = [tf.constant(array) for array in inputs]
    with tf.GradientTape() as tape:
        tape.watch(tensors)
        outputs = rewritten(tensors[0] if single else tensors)
    seed = None if upstream is None else tf.constant(upstream)
    gradients = tape.gradient(outputs, tensors, seed, unconnected_gradients=tf.UnconnectedGradients.ZERO)
    return outputs.numpy(), [gradient.numpy() for gradient in gradients]


def multipliers(
    model: Any, inputs: list[np.ndarray], baselines: list[np.ndarray], upstream: Any = None
) -> list[np.ndarray]:
    """Returns DeepLIFT's multipliers for inputs `[batch, ...]` and one baseline `[...]` for each of them."""
    baseline = baselines[0] if len(inputs) == 1 else list(baselines)
    return replaced_gradient(model, "deeplift", inputs, baseline, upstream)[1]


def assert_sums(
    function: Callable[..., Any], inputs: list[np.ndarray], baselines: list[np.ndarray], rtol: float = 1e-9
) -> list[np.ndarray]:
    """Asserts that finite multipliers sum exactly, one output of `function` at a time; returns attributions.

    Every output of each example is a claim of its own, compared with the largest change among them.
    """
    inputs = [np.asarray(array) for array in inputs]
    outputs = np.asarray(function(*map(tf.constant, inputs)))
    starts = [np.broadcast_to(start, array.shape) for start, array in zip(baselines, inputs, strict=True)]
    change = outputs - np.asarray(function(*map(tf.constant, starts)))
    change = change.reshape(len(change), -1)
    upstreams = np.eye(change.shape[1], dtype=change.dtype)
    attributions = None
    for unit, upstream in enumerate(upstreams):
        seed = np.broadcast_to(upstream, change.shape).reshape(outputs.shape)
        found = multipliers(function, inputs, baselines, seed)
        assert all(np.isfinite(array).all() for array in found)
        attributions = [m * (x - start) for m, x, start in zip(found, inputs, starts, strict=True)]
        summed = sum(array.reshape(len(array), -1).sum(1) for array in attributions)
        scale = max(np.abs(change).max(), np.finfo(change.dtype).tiny)
        np.testing.assert_allclose(summed, change[:, unit], rtol=0, atol=rtol * scale)
    return attributions


def relative_gap(e: Any) -> np.ndarray:
    """Returns |Σ attributions − Δ| / |Δ| of each example, after a check that Δ is no rounding noise."""
    arrays = [np.asarray(array, np.float64) for array in tf.nest.flatten(e.attributions)]
    assert all(np.isfinite(array).all() for array in arrays)
    summed = sum(array.reshape(len(array), -1).sum(1) for array in arrays)
    outputs, baseline_outputs = (np.asarray(ends, np.float64) for ends in (e.outputs, e.baseline_outputs))
    change = outputs - baseline_outputs
    assert (np.abs(change) > 1e-2 * np.maximum(np.abs(outputs), np.abs(baseline_outputs))).all()
    return np.abs(summed - change) / np.abs(change)
