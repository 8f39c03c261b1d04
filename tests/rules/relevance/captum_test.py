"""The relevance of captum, on networks with the same weights, in float64.

    pytest -m peers -p torch tests/rules/relevance/captum_test.py

needs torch, which must be imported before TensorFlow, and captum.

captum shares relevance by x ⊙ K'ᵀ(R / (z' + ε · sign z')) with z' = K'x + b', whatever the signs of x and z:

- `EpsilonRule`: K' = K, b' = b. That is `epsilon`; of sums and means `proportion`; of max pooling, but for ε, `winner`.
- `GammaRule`: K' = K + γK⁺, b' = b. `gamma` also strengthens b⁺, takes the signs of x into account, and strengthens
  what is negative where z < 0: the two are one where x ≥ 0, b ≤ 0, and z > 0 wherever there is relevance.
- `Alpha1_Beta0_Rule`: K' = K⁺, b' = b, or 0 by `set_bias_to_zero`. `z_plus` takes x⁺K⁺ + x⁻K⁻ and b⁺, so that no
  denominator is negative, and hands on relevance where none of this is positive, which captum loses: the two are one
  where x ≥ 0 and b ≥ 0, or without b, and something is positive.
- `IdentityRule`: `pass_through`. But captum loses what arrives at an x of 0 behind a pooling; and directly behind a
  ReLU, or where others read x too, its hooks disturb each other, which copies of x prevent here.
- A batch normalisation is a layer of its own. Here it is merged into the one before it, which by `EpsilonRule` is the
  same.

Where the two differ, captum's rule is written as one of the user's own.
"""

from collections.abc import Callable
import functools
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

import deepexplain_tf as dx
from deepexplain_tf.rules.relevance.base import SUM
from tests.twins import RECTIFIED, X, channels_first, channels_last, network, twin

pytestmark = [
    pytest.mark.peers,
    # Of the other libraries' own imports.
    pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::UserWarning"),
]

_TARGET = 2
_EPSILON = 1e-6
_NONE = 1e-30  # of modules that only hand on: a quotient x / (x + ε) is 1, or 0 where there is no relevance


@pytest.fixture
def captum():
    return pytest.importorskip("captum.attr._utils.lrp_rules")


def _twin(model: keras.Model, *, merged: bool = True) -> Any:
    """Returns the network in PyTorch, after a look at what it computes."""
    made = twin(model, pytest.importorskip("captum.attr._utils.custom_modules").Addition_Module)
    if merged:
        made.merge_batch_norms()
    np.testing.assert_allclose(made(channels_first(X)).detach().numpy(), model(X).numpy(), rtol=1e-9, atol=1e-9)
    return made


def _theirs(made: Any, rules: dict[str, Callable[[], Any]], x: np.ndarray) -> np.ndarray:
    """Returns captum's relevance.

    Args:
      made: the network in PyTorch; rules that its modules have already stay.
      rules: what makes the rule of a module, by the name of the module's class.
      x: the inputs.
    """
    attr, captum = map(pytest.importorskip, ("captum.attr", "captum.attr._utils.lrp_rules"))
    others = {
        **dict.fromkeys(("AdaptiveAvgPool2d", "Addition_Module"), functools.partial(captum.EpsilonRule, SUM)),
        **dict.fromkeys(("Flatten", "MaxPool2d"), functools.partial(captum.EpsilonRule, _NONE)),
    }
    made_by = {**others, **rules}
    for module in made.modules():
        if type(module).__name__ in made_by and not hasattr(module, "rule"):
            module.rule = made_by[type(module).__name__]()
    return channels_last(attr.LRP(made).attribute(channels_first(x), target=_TARGET))


def _assert_same(model: keras.Model, composite: Any, expected: np.ndarray, x: np.ndarray) -> None:
    with dx.DeepExplain(model) as de:
        e = de.explain("lrp", x, target=_TARGET, composite=composite)
    assert (np.abs(expected).max((1, 2, 3)) > 0).all()  # not only zeros
    np.testing.assert_allclose(e.attributions, expected, rtol=0, atol=1e-10 * np.abs(expected).max())


def _by_kernel(name: str, change: Callable[[tf.Tensor], tf.Tensor], *, bias: bool = True) -> Any:
    """Returns a rule of captum's: shares of x by another kernel, whatever the signs."""

    def flow(layer: Any, relevance: tf.Tensor) -> tf.Tensor:
        terms = [(layer.x, change(layer.kernel), layer.bias if bias else None)]
        return dx.rules.shares(layer, relevance, terms, 1e-9)

    return dx.rules.of_layers(name, flow)


_GAMMA = _by_kernel("captum's gamma", lambda kernel: kernel + 0.25 * tf.nn.relu(kernel))
_POSITIVE = _by_kernel("captum's alpha1_beta0", tf.nn.relu)
_POSITIVE_ALONE = _by_kernel("captum's alpha1_beta0 without bias", tf.nn.relu, bias=False)
_THEIR_EPSILON = ("EpsilonRule", {"epsilon": _EPSILON})
_THEIR_GAMMA = ("GammaRule", {"gamma": 0.25})
_THEIR_POSITIVE = ("Alpha1_Beta0_Rule", {})
_THEIR_POSITIVE_ALONE = ("Alpha1_Beta0_Rule", {"set_bias_to_zero": True})
# Their rules of convolutions and of dense layers, and ours.
_COMPOSITES = {
    "epsilon": (_THEIR_EPSILON, _THEIR_EPSILON, "epsilon"),
    "epsilon_gamma": (_THEIR_GAMMA, _THEIR_EPSILON, [("convolution", _GAMMA)]),
    "epsilon_alpha1_beta0": (_THEIR_POSITIVE, _THEIR_EPSILON, [("convolution", _POSITIVE)]),
    "alpha1_beta0": (_THEIR_POSITIVE, _THEIR_POSITIVE, [("convolution", _POSITIVE), ("dense", _POSITIVE)]),
    "alpha1_beta0 without bias": (
        _THEIR_POSITIVE_ALONE,
        _THEIR_POSITIVE_ALONE,
        [("convolution", _POSITIVE_ALONE), ("dense", _POSITIVE_ALONE)],
    ),
}


def _rules(captum: Any, convolution: Any, dense: Any) -> dict[str, Callable[[], Any]]:
    pairs = {"Conv2d": convolution, "Linear": dense}
    return {kind: functools.partial(getattr(captum, rule), **options) for kind, (rule, options) in pairs.items()}


@pytest.mark.parametrize("name", _COMPOSITES)
@pytest.mark.parametrize("net", RECTIFIED)
def test_relevance_is_that_of_captum(captum, net, name):
    model = network(net)
    convolution, dense, ours = _COMPOSITES[name]
    _assert_same(model, ours, _theirs(_twin(model), _rules(captum, convolution, dense), X), X)


def _biased(model: keras.Model, sign: int) -> keras.Model:
    """Gives all biases of layers one sign, those of normalisations included."""
    for weight in model.weights:
        if weight.path.endswith(("bias", "beta", "moving_mean")):
            weight.assign((-sign if weight.path.endswith("mean") else sign) * np.abs(weight.numpy()))
    return model


# The sign of the biases, their rule of convolutions, our composite, and the networks.
_ONE = {
    "gamma": (-1, _THEIR_GAMMA, [("convolution", dx.rules.gamma(0.25, 1e-9))], ("vgg", "pooled")),
    "z_plus": (1, _THEIR_POSITIVE, "epsilon_plus", RECTIFIED),
    "z_plus without bias": (
        -1,
        _THEIR_POSITIVE_ALONE,
        [("convolution", dx.rules.z_plus(bias=False))],
        RECTIFIED,
    ),
}


@pytest.mark.parametrize(("net", "name"), [(net, name) for name, (*_, nets) in _ONE.items() for net in nets])
def test_rules_that_are_one_where_the_signs_are(captum, net, name):
    """The residual network is left out for γ: before its sum stands a z < 0 that has relevance."""
    sign, convolution, ours, _ = _ONE[name]
    model, x = _biased(network(net), sign), np.abs(X)
    _assert_same(model, ours, _theirs(_twin(model), _rules(captum, convolution, _THEIR_EPSILON), x), x)


@pytest.mark.parametrize("net", ["vgg", "residual"])
def test_the_epsilon_rule_at_batch_normalisation_is_that_of_merged_layers(captum, net):
    """Two stabilizers stand where here is one: both are next to nothing."""
    model = network(net)
    rules = dict.fromkeys(("Conv2d", "Linear", "BatchNorm2d"), functools.partial(captum.EpsilonRule, 1e-13))
    ours = [("convolution", dx.rules.epsilon(1e-13)), ("dense", dx.rules.epsilon(1e-13))]
    _assert_same(model, ours, _theirs(_twin(model, merged=False), rules, X), X)


def _before(norm: Any) -> Any:
    """Returns the ε rule of a layer as it is before the batch normalisation that is merged into it."""
    gamma, beta, mean, variance = norm.get_weights()
    scale = gamma / np.sqrt(variance + norm.epsilon)

    def flow(layer: Any, relevance: tf.Tensor) -> tf.Tensor:
        bias = (layer.bias - (beta - mean * scale)) / scale
        return dx.rules.shares(layer, relevance, [(layer.x, layer.kernel / scale, bias)], _EPSILON)

    return dx.rules.of_layers(f"before {norm.name}", flow)


@pytest.mark.parametrize("net", ["vgg", "residual"])
def test_the_identity_rule_at_batch_normalisation(captum, net):
    model = network(net)
    made = _twin(model, merged=False)
    rules = {**_rules(captum, _THEIR_EPSILON, _THEIR_EPSILON), "BatchNorm2d": captum.IdentityRule}
    ours = [(layer, _before(model.get_layer(norm))) for layer, norm in made.batch_norms]
    _assert_same(model, ours, _theirs(made, rules, X), X)


@pytest.mark.parametrize("number", [1, 2])
def test_the_identity_rule_at_a_convolution(captum, number):
    model = network("residual")
    at = [layer.name for layer in model.layers if isinstance(layer, keras.layers.Conv2D)][number]
    made = _twin(model)
    made.parts[at].rule = captum.IdentityRule()
    expected = _theirs(made, _rules(captum, _THEIR_EPSILON, _THEIR_EPSILON), X)
    _assert_same(model, [(at, dx.rules.pass_through())], expected, X)
