"""The relevance of zennit, on networks with the same weights, in float64.

    pytest -m peers -p torchvision tests/rules/relevance/zennit_test.py

needs torch, torchvision and zennit, which must be imported before TensorFlow.
"""

from typing import Any

import keras
from keras import layers as L
import numpy as np
import pytest

import deepexplain_tf as dx
from tests.models import filled, floats

pytestmark = [
    pytest.mark.peers,
    # Of the other libraries' own imports.
    pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::UserWarning"),
]

_BOX = (-3.0, 3.0)
_X = np.random.default_rng(0).uniform(*_BOX, (3, 12, 12, 3))


def _conv(x: Any, filters: int, *, normalised: bool = True, relu: bool = True) -> Any:
    x = L.Conv2D(filters, 3, padding="same")(x)
    # Merging a batch normalisation, zennit keeps its epsilon as a factor 1 / √(1 + ε): here there is next to none.
    x = L.BatchNormalization(epsilon=1e-9)(x) if normalised else x
    return L.ReLU()(x) if relu else x


def _vgg() -> keras.Model:
    inputs = keras.Input((12, 12, 3))
    x = L.MaxPooling2D()(_conv(_conv(inputs, 6), 6))
    x = L.Flatten()(L.MaxPooling2D()(_conv(x, 8)))
    return keras.Model(inputs, L.Dense(4)(L.Dense(10, "relu")(x)))


def _residual() -> keras.Model:
    inputs = keras.Input((12, 12, 3))
    x = _conv(inputs, 6)
    x = L.ReLU()(L.Add()([_conv(_conv(x, 6), 6, relu=False), x]))
    return keras.Model(inputs, L.Dense(4)(L.GlobalAveragePooling2D()(x)))


def _pooled() -> keras.Model:
    inputs = keras.Input((12, 12, 3))
    x = L.MaxPooling2D(3)(_conv(inputs, 8, normalised=False))
    return keras.Model(inputs, L.Dense(4)(L.Flatten()(x)))


def _twin(model: keras.Model) -> Any:
    """Returns the same network in PyTorch, made layer by layer."""
    torch = pytest.importorskip("torch")
    layer_sum = pytest.importorskip("zennit.layer").Sum

    class Twin(torch.nn.Module):
        def __init__(self, model: keras.Model):
            super().__init__()
            self._order = [layer for layer in model.layers if not isinstance(layer, L.InputLayer)]
            self._reads = {}
            for layer in self._order:
                given = layer.input if isinstance(layer.input, list) else [layer.input]
                self._reads[layer.name] = [tensor._keras_history.operation.name for tensor in given]
            self._parts = torch.nn.ModuleDict({layer.name: self._made(layer) for layer in self._order})
            self._source = model.layers[0].name

        def _made(self, layer: Any) -> torch.nn.Module:
            weights = [torch.tensor(weight) for weight in layer.get_weights()]
            match type(layer).__name__:
                case "Conv2D":
                    kernel = weights[0].permute(3, 2, 0, 1)
                    made = torch.nn.Conv2d(kernel.shape[1], kernel.shape[0], 3, padding="same").double()
                    made.weight.data, made.bias.data = kernel, weights[1]
                case "Dense":
                    matrix = weights[0]
                    if isinstance(layer.input._keras_history.operation, L.Flatten):  # channels come first there
                        shape = layer.input._keras_history.operation.input.shape[1:]
                        matrix = matrix.reshape(*shape, -1).permute(2, 0, 1, 3).reshape(matrix.shape)
                    made = torch.nn.Linear(*matrix.shape).double()
                    made.weight.data, made.bias.data = matrix.T.contiguous(), weights[1]
                    if layer.activation is keras.activations.relu:
                        return torch.nn.Sequential(made, torch.nn.ReLU())
                case "BatchNormalization":
                    made = torch.nn.BatchNorm2d(len(weights[0]), eps=layer.epsilon).double()
                    made.weight.data, made.bias.data, made.running_mean, made.running_var = weights
                case "MaxPooling2D":
                    made = torch.nn.MaxPool2d(layer.pool_size)
                case "GlobalAveragePooling2D":
                    made = torch.nn.Sequential(torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten())
                case "Add":
                    made = layer_sum(dim=-1)
                case name:
                    made = {"ReLU": torch.nn.ReLU, "Flatten": torch.nn.Flatten}[name]()
            return made

        @property
        def batch_norms(self) -> list[tuple[list[str], str]]:
            """The names of each batch normalisation and of the layer before it."""
            named = [layer.name for layer in self._order if isinstance(layer, L.BatchNormalization)]
            return [([f"_parts.{self._reads[name][0]}"], f"_parts.{name}") for name in named]

        def forward(self, x: Any) -> Any:
            values = {self._source: x}
            for layer in self._order:
                read = [values[name] for name in self._reads[layer.name]]
                values[layer.name] = self._parts[layer.name](torch.stack(read, -1) if len(read) > 1 else read[0])
            return values[self._order[-1].name]

    return Twin(model).eval()


_COMPOSITES = {
    "epsilon_plus": ("EpsilonPlus", {}, "epsilon_plus"),
    "epsilon_plus_flat": ("EpsilonPlusFlat", {}, "epsilon_plus_flat"),
    "epsilon_alpha2_beta1": ("EpsilonAlpha2Beta1", {}, "epsilon_alpha2_beta1"),
    "epsilon_gamma_box": (
        "EpsilonGammaBox",
        dict(zip(("low", "high"), _BOX, strict=True)),
        [("first", dx.rules.z_box(*_BOX)), ("convolution", dx.rules.gamma(0.25)), ("dense", dx.rules.epsilon())],
    ),
}


@pytest.mark.parametrize("name", _COMPOSITES)
@pytest.mark.parametrize("build", [_vgg, _residual, _pooled])
def test_relevance_is_that_of_zennit(build, name):
    with floats("float64"):
        model = filled(build())
    theirs, settings, ours = _COMPOSITES[name]
    twin = _twin(model)
    torch, attribution, canonizers, composites = map(
        pytest.importorskip, ("torch", "zennit.attribution", "zennit.canonizers", "zennit.composites")
    )
    x = torch.tensor(_X.transpose(0, 3, 1, 2))
    np.testing.assert_allclose(twin(x).detach().numpy(), model(_X).numpy(), rtol=1e-9, atol=1e-9)
    merged = canonizers.NamedMergeBatchNorm(twin.batch_norms)
    composite = getattr(composites, theirs)(canonizers=[merged], **settings)
    target = torch.eye(4, dtype=torch.float64)[[1, 1, 1]]
    with attribution.Gradient(model=twin, composite=composite) as attributor:
        _, found = attributor(x.requires_grad_(), lambda y: y * target)
    expected = found.numpy().transpose(0, 2, 3, 1)
    with dx.DeepExplain(model) as de:
        e = de.explain("lrp", _X, target=1, composite=ours)
    np.testing.assert_allclose(e.attributions, expected, rtol=0, atol=1e-4 * np.abs(expected).max())
