"""The path methods and XRAI of the package saliency (PAIR), on networks with the same weights, in float64.

    pytest -m peers tests/methods/pair_saliency_test.py

needs saliency (pip install saliency --no-deps).
"""

from typing import Any

import numpy as np
import pytest
from scipy import ndimage
import tensorflow as tf

from deepexplain_tf import DeepExplain, features, xrai
from tests import references as ref
from tests.checks import derivative

pytestmark = pytest.mark.peers

_X, _X0, _W, _V = ref.numbers(0, (2, 12, 10, 3), (12, 10, 3), (360, 6), 6)


def _model(x: tf.Tensor) -> tf.Tensor:
    hidden = tf.nn.relu(tf.reshape(x, [-1, 360]) @ tf.constant(_W) + 0.3)
    return tf.linalg.matvec(tf.tanh(hidden / 8), tf.constant(_V))


def _call(points: np.ndarray, call_model_args: Any = None, expected_keys: Any = None) -> dict[str, np.ndarray]:
    return {"INPUT_OUTPUT_GRADIENTS": derivative(_model, points)}


@pytest.fixture
def core(monkeypatch):
    """The package, whose calls of NumPy are of a time when the method of a quantile was its `interpolation`."""
    found = pytest.importorskip("saliency.core")
    quantile = np.quantile
    monkeypatch.setattr(np, "quantile", lambda values, q, interpolation: quantile(values, q, method=interpolation))
    return found


def _ours(method: str, **options: Any) -> np.ndarray:
    with DeepExplain(_model, jit_compile=False) as de:
        return de.explain(method, _X, **options).attributions


@pytest.mark.parametrize("options", [{}, {"fraction": 0.1, "max_dist": 0.5}, {"fraction": 0.6, "max_dist": 0.1}])
def test_guided_ig(core, options):
    found = _ours("guided_ig", baseline=_X0, n_steps=60, **options)
    for x, attributions in zip(_X, found, strict=True):
        expected = core.GuidedIG().GetMask(x, _call, x_baseline=_X0, x_steps=60, **options)
        np.testing.assert_allclose(attributions, expected, rtol=0, atol=1e-9 * np.abs(expected).max())


def test_blur_ig(core, monkeypatch):
    """Their kernel ends at 4 σ, ours nowhere."""

    def whole(x: np.ndarray, sigma: float) -> np.ndarray:
        return ndimage.gaussian_filter(x, [sigma, sigma, 0], mode="constant", truncate=12 + 40 / sigma) if sigma else x

    monkeypatch.setattr("saliency.core.blur_ig.gaussian_blur", whole)
    found = _ours("blur_ig", n_steps=50, quadrature="right", max_sigma=4.0)
    for x, attributions in zip(_X, found, strict=True):
        expected = core.BlurIG().GetMask(x, _call, max_sigma=4.0, steps=50, grad_step=1e-7)
        np.testing.assert_allclose(attributions, expected, rtol=0, atol=1e-5 * np.abs(expected).max())


@pytest.mark.parametrize("min_size", [1, 50])
def test_xrai(core, min_size):
    """Of several channels they take the largest attribution, and the paper the sum; here is one channel."""
    generator = np.random.default_rng(1)
    picture = ndimage.gaussian_filter(generator.normal(size=(224, 224, 3)), [9, 9, 0])
    attributions = ndimage.gaussian_filter(generator.normal(size=(224, 224, 1)), [2, 2, 0])
    from saliency.core import xrai as theirs

    regions = features.regions(picture)
    np.testing.assert_array_equal(regions, theirs._get_segments_felzenszwalb(picture))
    parameters = core.XRAIParameters()
    parameters.experimental_params["min_pixel_diff"] = min_size
    options = {"segments": list(regions), "base_attribution": attributions, "extra_parameters": parameters}
    expected = core.XRAI().GetMask(attributions, None, **options)
    found = xrai(attributions, regions, min_size=min_size)
    np.testing.assert_allclose(found[..., 0], expected, rtol=0, atol=1e-9 * np.abs(expected).max())
