"""Tests of `methods/saliency.py`."""

import numpy as np
import pytest

from deepexplain_tf import DeepExplainError
from tests import references as ref
from tests.checks import explain

_LAYERS = [
    *ref.random_network(0, [4, 6], "tanh"),
    ref.Gate(ref.random_network(1, [6, 5], "sigmoid"), ref.random_network(2, [6, 5], "softplus")),
    ref.Residual(ref.random_network(3, [5, 4, 5], "relu")),
    *ref.random_network(4, [5, 3], "relu"),
]
_X = np.random.default_rng(5).normal(size=(6, 4))


@pytest.mark.parametrize("target", [0, 2])
def test_it_is_the_gradient(target):
    model, expected = ref.in_tensorflow(_LAYERS), ref.gradient(_LAYERS, _X, target)
    assert (expected < 0).any()
    signed = explain(model, "saliency", _X, target=target, signed=True)
    np.testing.assert_allclose(signed.attributions, expected, rtol=1e-10, atol=1e-14)
    plain = explain(model, "saliency", _X, target=target)
    np.testing.assert_array_equal(plain.attributions, np.abs(signed.attributions))
    np.testing.assert_allclose(plain.outputs, ref.forward(_LAYERS, _X)[:, target], rtol=1e-12)


def test_alias_and_what_it_does_not_have():
    e = explain(ref.in_tensorflow(_LAYERS), "gradient", _X, target=0)
    assert e.method == "saliency"
    assert e.baseline_outputs is None and e.completeness_gap is None and e.n_steps is None


@pytest.mark.parametrize("signed", [1, "yes", None])
def test_signed_is_a_bool(signed):
    with pytest.raises(DeepExplainError, match="signed must be True or False"):
        explain(ref.in_tensorflow(_LAYERS), "saliency", _X, target=0, signed=signed)
