"""The methods of captum, on networks with the same weights, in float64.

    pytest -m peers -p torch tests/methods/captum_test.py

needs torch, which must be imported before TensorFlow, and captum.

Where a pooling reads the very tensor that a ReLU returns, captum's DeepLIFT takes the pooling's gradient in place of
its rule, and its sums are off. So each layer of a twin reads a copy.
"""

import itertools
from typing import Any

import keras
from keras import layers as L
import numpy as np
import pytest

import deepexplain_tf as dx
from tests.twins import RECTIFIED, X, channels_first, channels_last, network, twin

pytestmark = [
    pytest.mark.peers,
    # Of the other libraries' own imports.
    pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::UserWarning"),
]

_TARGET = 2
_GENERATOR = np.random.default_rng(1)
_START = _GENERATOR.uniform(-3, 3, X.shape[1:])
_BACKGROUND = _GENERATOR.uniform(-3, 3, (5, *X.shape[1:]))


@pytest.fixture
def attr(monkeypatch):
    """The package, in float64 also where it makes numbers of float32 by itself: weights, masks and results."""
    torch, found = pytest.importorskip("torch"), pytest.importorskip("captum.attr")
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    monkeypatch.setattr(torch, "float", torch.float64)
    monkeypatch.setattr(torch.Tensor, "float", torch.Tensor.double)
    yield found
    torch.set_default_dtype(before)


def _twin(model: keras.Model) -> Any:
    return twin(model, pytest.importorskip("captum.attr._utils.custom_modules").Addition_Module)


def _named(model: keras.Model, kind: type) -> list[str]:
    """Returns the names of the layers of a kind."""
    return [layer.name for layer in model.layers if isinstance(layer, kind)]


def _ours(
    model: keras.Model, method: str, *, layer: str | None = None, output: str = "auto", **options: Any
) -> np.ndarray:
    with dx.DeepExplain(model, layer=layer, output=output) as de:
        return de.explain(method, X, **{"target": _TARGET, **options}).attributions


def _assert_same(found: np.ndarray, theirs: Any) -> None:
    expected = channels_last(theirs)
    assert found.shape == expected.shape
    assert np.abs(expected).max() > 0  # not only zeros
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-11 * np.abs(expected).max())


_BY_GRADIENT = {
    "Saliency": "saliency",
    "InputXGradient": "gradient_x_input",
    "GuidedBackprop": "guided_backprop",
    "Deconvolution": "deconvnet",
}


@pytest.mark.parametrize("theirs", _BY_GRADIENT)
@pytest.mark.parametrize("net", RECTIFIED)
def test_gradients(attr, net, theirs):
    model = network(net)
    expected = getattr(attr, theirs)(_twin(model)).attribute(channels_first(X), target=_TARGET)
    _assert_same(_ours(model, _BY_GRADIENT[theirs]), expected)


@pytest.mark.parametrize("net", [*RECTIFIED, "smooth"])
def test_deeplift(attr, net):
    model = network(net)
    made, x, start = _twin(model), channels_first(X), channels_first(_START[np.newaxis])
    _assert_same(_ours(model, "deeplift", baseline=_START), attr.DeepLift(made).attribute(x, start, target=_TARGET))
    found = _ours(model, "deeplift", background=_BACKGROUND)
    _assert_same(found, attr.DeepLiftShap(made).attribute(x, channels_first(_BACKGROUND), target=_TARGET))


_QUADRATURES = {
    "gauss_legendre": "gausslegendre",
    "midpoint": "riemann_middle",
    "trapezoid": "riemann_trapezoid",
    "left": "riemann_left",
    "right": "riemann_right",
}
_STEPS = 20


def _integral(quadrature: str) -> dict[str, Any]:
    return {"method": _QUADRATURES[quadrature], "n_steps": _STEPS, "target": _TARGET}


def _weight(quadrature: str) -> float:
    """Returns the sum of captum's weights: the trapezoid's are 1 / n, as if there were n intervals between n nodes."""
    return (_STEPS - 1) / _STEPS if quadrature == "trapezoid" else 1.0


@pytest.mark.parametrize("quadrature", _QUADRATURES)
@pytest.mark.parametrize("net", [*RECTIFIED, "smooth"])
def test_integrated_gradients(attr, net, quadrature):
    model, start = network(net), channels_first(_START[np.newaxis])
    expected = attr.IntegratedGradients(_twin(model)).attribute(channels_first(X), start, **_integral(quadrature))
    found = _ours(model, "integrated_gradients", baseline=_START, n_steps=_STEPS, quadrature=quadrature)
    _assert_same(found * _weight(quadrature), expected)


@pytest.mark.parametrize("kind", [L.Conv2D, L.ReLU])
@pytest.mark.parametrize("net", RECTIFIED)
def test_class_activation_maps(attr, net, kind):
    model = network(net)
    made, x, at = _twin(model), channels_first(X), _named(model, kind)[-1]
    expected = attr.LayerGradCam(made, made.parts[at]).attribute(x, _TARGET, relu_attributions=True)
    _assert_same(_ours(model, "grad_cam", at=at, upsample=False), expected)
    over = attr.LayerAttribution.interpolate(expected, X.shape[1:3], "bilinear").expand(x.shape)
    _assert_same(_ours(model, "grad_cam", at=at), over)
    guided = attr.GuidedGradCam(made, made.parts[at]).attribute(x, _TARGET, interpolate_mode="bilinear")
    _assert_same(_ours(model, "guided_grad_cam", at=at), guided)


@pytest.mark.parametrize("quadrature", _QUADRATURES)
@pytest.mark.parametrize("net", ["vgg", "residual", "smooth"])
def test_internal_influence_and_neuron_conductance(attr, net, quadrature):
    model, start = network(net), channels_first(_START[np.newaxis])
    made, x, at = _twin(model), channels_first(X), _named(model, L.Conv2D)[-1]
    options = {"baseline": _START, "n_steps": _STEPS, "quadrature": quadrature}
    expected = attr.InternalInfluence(made, made.parts[at]).attribute(x, start, **_integral(quadrature))
    influence = _ours(model, "internal_influence", layer=at, **options)
    _assert_same(influence * _weight(quadrature), expected)
    row, column, channel = map(int, np.unravel_index(np.abs(influence).min(0).argmax(), influence.shape[1:]))
    conductance = attr.NeuronConductance(made, made.parts[at])
    expected = conductance.attribute(x, (channel, row, column), start, **_integral(quadrature))
    found = _ours(model, "neuron_conductance", at=at, neuron=(row, column, channel), **options)
    _assert_same(found * _weight(quadrature), expected)


def _conductance(attr: Any, model: keras.Model, at: str, n_steps: int) -> Any:
    """Returns Σ ∂F/∂y(αᵢ) · (y(αᵢ₊₁) − y(αᵢ)) with αᵢ = i / n: differences stand in place of derivatives of y."""
    made, start = _twin(model), channels_first(_START[np.newaxis])
    options = {"method": "riemann_trapezoid", "n_steps": n_steps, "target": _TARGET}
    return attr.LayerConductance(made, made.parts[at]).attribute(channels_first(X), start, **options)


@pytest.mark.parametrize("net", RECTIFIED)
def test_conductance_of_a_layer_that_is_affine(attr, net):
    """There the differences are the derivatives."""
    model = network(net)
    at = _named(model, L.Conv2D)[0]
    found = _ours(model, "layer_conductance", layer=at, baseline=_START, n_steps=_STEPS, quadrature="left")
    _assert_same(found, _conductance(attr, model, at, _STEPS))


@pytest.mark.parametrize("kind", [L.Conv2D, L.Dense])
def test_conductance_in_the_limit(attr, kind):
    """Richardson's extrapolation of captum's sums to infinitely many steps: their error is a series in 1 / n."""
    model = network("smooth")
    at = _named(model, kind)[0]
    sums = [_conductance(attr, model, at, 100 * 2**doubled) for doubled in range(6)]
    for order in range(1, len(sums)):
        sums = [finer + (finer - coarser) / (2**order - 1) for coarser, finer in itertools.pairwise(sums)]
    found = _ours(model, "layer_conductance", layer=at, baseline=_START, n_steps=200)
    _assert_same(found, sums[0])


@pytest.mark.parametrize("net", RECTIFIED)
def test_layers(attr, net):
    """The baseline of a layer is what it computes at that of the input."""
    model = network(net)
    made, x, start = _twin(model), channels_first(X), channels_first(_START[np.newaxis])
    at = _named(model, L.ReLU)[0]
    baseline = keras.Model(model.input, model.get_layer(at).output)(_START[np.newaxis]).numpy()
    expected = attr.LayerGradientXActivation(made, made.parts[at]).attribute(x, _TARGET)
    _assert_same(_ours(model, "gradient_x_input", layer=at), expected)
    expected = attr.LayerDeepLift(made, made.parts[at]).attribute(x, start, _TARGET)
    _assert_same(_ours(model, "deeplift", layer=at, baseline=baseline), expected)
    expected = attr.LayerIntegratedGradients(made, made.parts[at]).attribute(x, start, _TARGET, n_steps=_STEPS)
    _assert_same(_ours(model, "integrated_gradients", layer=at, baseline=baseline, n_steps=_STEPS), expected)


_OF_NEURONS = {
    "NeuronGradient": ("saliency", {"signed": True}, {}),
    "NeuronGuidedBackprop": ("guided_backprop", {}, {}),
    "NeuronDeconvolution": ("deconvnet", {}, {}),
    "NeuronDeepLift": ("deeplift", {"baseline": _START}, {}),
    "NeuronIntegratedGradients": ("integrated_gradients", {"baseline": _START, "n_steps": _STEPS}, {"n_steps": _STEPS}),
}


@pytest.mark.parametrize("theirs", _OF_NEURONS)
@pytest.mark.parametrize("net", ["vgg", "residual"])
def test_neurons(attr, net, theirs):
    model, (method, options, settings) = network(net), _OF_NEURONS[theirs]
    made, at = _twin(model), _named(model, L.Conv2D)[-1]
    if "baseline" in options:
        settings = {**settings, "baselines": channels_first(_START[np.newaxis])}
    expected = getattr(attr, theirs)(made, made.parts[at]).attribute(channels_first(X), (3, 1, 2), **settings)
    _assert_same(_ours(model, method, output=at, target=(1, 2, 3), **options), expected)


@pytest.mark.parametrize(
    ("window", "strides"), [((3, 3, 3), (3, 3, 3)), ((4, 5, 2), (2, 3, 1)), ((5, 5, 3), (4, 4, 3))]
)
def test_occlusion(attr, window, strides):
    model = network("pooled")
    options = {"strides": (strides[2], *strides[:2]), "baselines": channels_first(_START[np.newaxis])}
    occlusion = attr.Occlusion(_twin(model))
    expected = occlusion.attribute(channels_first(X), (window[2], *window[:2]), target=_TARGET, **options)
    _assert_same(_ours(model, "occlusion", baseline=_START, window_shape=window, strides=strides), expected)


def test_groups(attr):
    """Occlusion of groups is captum's feature ablation; with few groups, Shapley values are exact in both."""
    model, x, start = network("pooled"), channels_first(X), channels_first(_START[np.newaxis])
    groups = _GENERATOR.integers(0, 4, X.shape[1:])
    options = {"target": _TARGET, "feature_mask": channels_first(groups[np.newaxis])}
    expected = attr.FeatureAblation(_twin(model)).attribute(x, start, **options)
    _assert_same(_ours(model, "occlusion", baseline=_START, groups=groups), expected)
    expected = attr.ShapleyValues(_twin(model)).attribute(x, start, **options)
    _assert_same(_ours(model, "shapley_sampling", baseline=_START, groups=groups), expected)
