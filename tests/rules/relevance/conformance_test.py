"""What holds for every rule for relevance: one number op by op, compiled, in a loop, exported and for any batch."""

import inspect

import keras
from keras import layers as L
import numpy as np
import pytest
import tensorflow as tf

import deepexplain_tf as dx
from deepexplain_tf.export.stablehlo import is_available
from deepexplain_tf.rules.base import RULES
from deepexplain_tf.rules.relevance.base import RelevanceRule
from tests.checks import derivative
from tests.models import filled

_LAYERS, _EVERYWHERE = ("convolution", "dense"), ("linear", "maximum", "softmax")
# Where rules stand that are not for layers alone.
_SELECTORS = {
    "absolute": (*_LAYERS, "linear"),
    "half": ("product",),
    "numerator": ("quotient",),
    "pass_through": ("activation",),
    "proportion": _EVERYWHERE,
    "signal_take_all": ("product",),
    "softmax_taylor": ("softmax",),
    "winner": ("maximum",),
}


def _made(name):
    """Returns a rule for relevance, None for another."""
    try:
        rule = RULES[name]()
    except TypeError:  # a rule for gradients takes an op
        return None
    return rule if isinstance(rule, RelevanceRule) else None


_MADE = {name: rule for name in dx.list_rules() if (rule := _made(name)) is not None}


class _Quotient(L.Layer):
    def call(self, x):
        return x / (1 + tf.reduce_sum(x**2, -1, keepdims=True))


@pytest.fixture(scope="module")
def network():
    """A convolution, maxima, attention with its normalisation, a loop with gates, a quotient, dense layers."""
    keras.utils.set_random_seed(0)
    inputs = keras.Input((8, 3))
    x = L.MaxPooling1D()(L.Conv1D(4, 3, padding="same", activation="swish")(inputs))
    normal = L.LayerNormalization()(x)
    x = L.LSTM(4, return_sequences=True)(L.Add()([x, L.MultiHeadAttention(1, 4)(normal, normal)]))
    return filled(keras.Model(inputs, L.Dense(2)(L.Dense(4, "tanh")(_Quotient()(L.GlobalAveragePooling1D()(x))))))


def _numbers(name):
    """The parameters of a rule that are numbers."""
    given = inspect.signature(RULES[name]).parameters.values()
    return [parameter.name for parameter in given if isinstance(parameter.default, float)]


@pytest.mark.parametrize("name", [name for name in _MADE if _numbers(name)])
def test_parameters_tell_rules_apart(name):
    """Rules are the same where their words are, so that a parameter left out of these would give another's numbers."""
    for parameter in _numbers(name):
        values = (0.5, 0.5 + 1e-9, 0.25)
        if name == "alpha_beta" and parameter in ("alpha", "beta"):
            made = [RULES[name](alpha=1 + value, beta=value) for value in values]
        else:
            made = [RULES[name](**{parameter: value}) for value in values]
        assert len(set(made)) == 3, made


@pytest.mark.long  # half a minute each: programs of three dialects and a file; tests/conformance has lrp with some
@pytest.mark.parametrize("name", _MADE)
def test_a_rule(name, network, tmp_path):
    rule = _MADE[name]
    composite = [(selector, rule) for selector in (_LAYERS if rule.layers_only else _SELECTORS[name])]
    x = np.random.default_rng(1).normal(size=(3, 8, 3)).astype(np.float32)
    with dx.DeepExplain(network, jit_compile=False) as de:
        explainer = de.explainer("lrp", target=1, composite=composite)
        e = explainer(x)
        rows = [explainer(x[[n]]).attributions for n in range(3)]
        explainer.export(tmp_path / "file")
        differentiable = de.explainer("lrp", target=1, composite=composite, tensors=True)
        slopes = derivative(lambda t: differentiable(t).attributions ** 2, x)
    scale = np.abs(e.attributions).max()
    assert np.isfinite(scale) and scale > 0
    close = {"rtol": 0, "atol": 1e-4 * scale}
    np.testing.assert_allclose(np.concatenate(rows), e.attributions, **close)
    with dx.DeepExplain(network, jit_compile=True) as de:
        compiled = de.explainer("lrp", target=1, composite=composite)
        np.testing.assert_allclose(compiled(x).attributions, e.attributions, **close)
        if is_available():
            compiled.export(tmp_path / "program", format="stablehlo", inputs=x)
    served = tf.saved_model.load(tmp_path / "file").signatures["serving_default"]
    (given,) = (key for key in served.structured_input_signature[1] if key != "target")
    found = served(**{given: tf.constant(x)})
    assert any(np.allclose(value, e.attributions, **close) for value in found.values() if value.shape == x.shape)
    assert np.isfinite(slopes).all()
