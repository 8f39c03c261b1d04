"""Tests of `rules/reveal_cancel.py`: a second version in NumPy, and the networks of the paper."""

import dataclasses
import itertools
from typing import Any

import keras
from keras import layers as L
import numpy as np
import pytest
import scipy.special
import scipy.stats
import tensorflow as tf

import deepexplain_tf as dx
from tests import references as ref
from tests.checks import derivative, explain, in_turn, relative_gap, total
from tests.models import STRUCTURES, filled, floats

_X, _X0 = ref.numbers(0, (6, 4), 4)
_NEAR = {"rtol": 0, "atol": 1e-12}


@dataclasses.dataclass(frozen=True)
class Layer:
    """f(x·W + b), and whether its f gets RevealCancel rather than Rescale."""

    weights: np.ndarray
    biases: np.ndarray
    activation: str | None
    reveals: bool = True

    def sum(self, x: np.ndarray) -> np.ndarray:
        return x @ self.weights + self.biases

    def value(self, z: np.ndarray) -> np.ndarray:
        return z if self.activation is None else ref.SCALARS[self.activation].value(z)

    def slope(self, start: np.ndarray, end: np.ndarray) -> np.ndarray:
        """The slope from `start` to `end`; where they are equal, the derivative."""
        same = start == end
        rise = self.value(end) - self.value(start)
        derivative = 1.0 if self.activation is None else ref.SCALARS[self.activation].derivative(start)
        return np.where(same, derivative, rise / np.where(same, 1, end - start))

    def backward(self, x: np.ndarray, x0: np.ndarray, upstream: np.ndarray) -> np.ndarray:
        """One contribution `[batch, input, unit]` after the other."""
        z, z0 = self.sum(x), np.broadcast_to(self.sum(x0), (len(x), self.biases.shape[0]))
        if not self.reveals:
            return (upstream * self.slope(z0, z)) @ self.weights.T
        parts = (x - x0)[:, :, None] * self.weights
        rise, fall = np.maximum(parts, 0).sum(1), np.minimum(parts, 0).sum(1)
        more = (self.slope(z0, z0 + rise) + self.slope(z0 + fall, z0 + fall + rise)) / 2
        less = (self.slope(z0, z0 + fall) + self.slope(z0 + rise, z0 + rise + fall)) / 2
        more, less = more[:, None, :], less[:, None, :]
        chosen = np.where(parts > 0, more, np.where(parts < 0, less, (more + less) / 2))
        return (self.weights * chosen * upstream[:, None, :]).sum(2)


def contributions(layers: list[Layer], x: np.ndarray, x0: np.ndarray, unit: int) -> np.ndarray:
    points = [(x, np.broadcast_to(x0, x.shape))]
    for layer in layers:
        points.append(tuple(layer.value(layer.sum(point)) for point in points[-1]))
    upstream = np.zeros_like(points[-1][0])
    upstream[:, unit] = 1
    for layer, (at_x, at_x0) in zip(reversed(layers), reversed(points[:-1]), strict=True):
        upstream = layer.backward(at_x, at_x0, upstream)
    return upstream * (x - x0)


def dense(seed: int, sizes: list[int], activation: str) -> list[Layer]:
    network = ref.random_network(seed, sizes, activation)
    pairs = itertools.zip_longest(network[::2], network[1::2])
    return [Layer(d.weights, d.biases, f and f.name) for d, f in pairs]


@pytest.mark.parametrize(
    ("activation", "baseline"),
    [
        ("relu", np.zeros(4)),
        ("tanh", _X0),
        pytest.param("relu", _X0, marks=pytest.mark.long),  # the other baseline of each
        pytest.param("tanh", np.zeros(4), marks=pytest.mark.long),
        pytest.param("sigmoid", _X0, marks=pytest.mark.long),  # as smooth as tanh
        pytest.param("softplus", np.zeros(4), marks=pytest.mark.long),
    ],
)
def test_dense_networks(activation, baseline):
    layers = dense(1, [4, 6, 5, 3], activation)
    network = ref.random_network(1, [4, 6, 5, 3], activation)
    e = explain(ref.in_tensorflow(network), "deeplift", _X, target=1, baseline=baseline, rule="reveal_cancel")
    np.testing.assert_allclose(e.attributions, contributions(layers, _X, baseline, 1), **_NEAR)
    np.testing.assert_allclose(e.completeness_gap, 0, atol=1e-13)
    rescale = [dataclasses.replace(layer, reveals=False) for layer in layers]
    assert np.abs(contributions(rescale, _X, baseline, 1) - e.attributions).max() > 1e-4  # the rules differ here


def _matrix(layer: Any, shape: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray, tuple[int, ...]]:
    """Returns weights and biases of a linear Keras layer as a matrix product, and its output's shape."""
    size = int(np.prod(shape))
    basis = np.concatenate([np.zeros((1, size)), np.eye(size)]).reshape(-1, *shape)
    found = np.asarray(layer(basis))
    rows = found.reshape(len(found), -1)
    return rows[1:] - rows[0], rows[0], found.shape[1:]


@pytest.mark.parametrize("rule", in_turn(["genomics", "reveal_cancel"]))
def test_convolutions_with_batch_normalisation(rule):
    """As one matrix, with the scales merged; the negative ones too."""
    keras.utils.set_random_seed(1)
    with floats("float64"):
        linear = [
            keras.Sequential([L.Conv2D(3, 2, padding="same", strides=2), L.BatchNormalization()]),
            keras.Sequential([L.Conv2DTranspose(2, 2), L.Flatten()]),
            L.Dense(5),
            L.Dense(2),
        ]
        names = ["relu", "softplus", "relu", None]
        steps = [part for layer, name in zip(linear, names, strict=True) for part in (layer, L.Activation(name))]
        model = filled(keras.Sequential([keras.Input((4, 4, 2)), *steps]))
    normalise = linear[0].layers[1]
    normalise.set_weights([np.array([0.5, -1.5, 1.0]), *normalise.get_weights()[1:3], np.array([0.5, 2.0, 1.0])])
    shape, layers = (4, 4, 2), []
    for number, (layer, name) in enumerate(zip(linear, names, strict=True)):
        weights, biases, shape = _matrix(layer, shape)
        layers.append(Layer(weights, biases, name, reveals=rule == "reveal_cancel" or number > 1))
    x, x0 = ref.numbers(2, (3, 4, 4, 2), (4, 4, 2))
    e = explain(model, "deeplift", x, target=0, baseline=x0, rule=rule)
    expected = contributions(layers, x.reshape(3, -1), x0.reshape(-1), 0).reshape(x.shape)
    np.testing.assert_allclose(e.attributions, expected, rtol=0, atol=1e-12 * np.abs(expected).max())


def minimum(x: tf.Tensor) -> tf.Tensor:
    return x[:, 0] - tf.nn.relu(x[:, 0] - x[:, 1])


def maximum(x: tf.Tensor) -> tf.Tensor:
    return x[:, 0] + tf.nn.relu(x[:, 1] - x[:, 0])


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        (minimum, [[0.5, 0.5], [0.5, 0.5], [1.0, 1.0], [0.125, 0.125]]),
        pytest.param(  # the minimum of negatives, and a sum
            maximum, [[2.5, 0.5], [0.5, 2.5], [1.0, 1.0], [0.375, 0.125]], marks=pytest.mark.long
        ),
    ],
)
def test_minimum_and_maximum_are_shared(model, expected):
    """Figure 2 of the paper, baseline 0: either input has half of the minimum; Rescale gives all to one.

    These are the Shapley values.
    """
    x = np.array([[3.0, 1.0], [1.0, 3.0], [2.0, 2.0], [0.5, 0.25]])
    np.testing.assert_allclose(explain(model, "deeplift", x, rule="reveal_cancel").attributions, expected, **_NEAR)
    rescale = explain(model, "deeplift", x).attributions
    assert (np.abs(rescale)[[0, 1, 3]].min(1) == 0).all()


def test_and_in_two_layers_of_weights():
    """ReLU(i₁ − ReLU(i₁ − i₂)), whose second layer splits its contributions anew, as the paper's Linear rule does."""
    x = np.array([[3.0, 1.0], [1.0, 3.0]])
    weights = [np.array([[1.0, 1.0], [0.0, -1.0]]), np.array([[1.0], [-1.0]])]
    layers = [Layer(weight, np.zeros(weight.shape[1]), "relu") for weight in weights]
    model = keras.Sequential([keras.Input((2,), dtype="float64")])
    for weight in weights:
        model.add(L.Dense(weight.shape[1], "relu", use_bias=False, dtype="float64"))
        model.layers[-1].set_weights([weight])
    e = explain(model, "deeplift", x, rule="reveal_cancel")
    np.testing.assert_allclose(e.attributions, contributions(layers, x, np.zeros(2), 0), **_NEAR)
    np.testing.assert_allclose(e.attributions, [[0.75, 0.25], [0.625, 0.375]], **_NEAR)


def test_differences_that_cancel_pass_importance_on():
    """Both hidden units are as at the baseline, by two inputs that cancel; they still carry what each would do."""
    layers = [
        Layer(np.array([[1.0, -1.0], [-1.0, 1.0]]), np.array([0.5, 0.25]), "relu"),
        Layer(np.array([[1.0], [2.0]]), np.array([0.1]), "relu"),
    ]
    x = np.array([[1.0, 1.0], [2.0, 2.0], [2.0, 1.0]])

    def model(x):
        for layer in layers:
            x = tf.nn.relu(tf.matmul(x, layer.weights) + layer.biases)
        return x

    e = explain(model, "deeplift", x, rule="reveal_cancel")
    np.testing.assert_allclose(e.attributions, contributions(layers, x, np.zeros(2), 0), **_NEAR)
    assert np.abs(e.attributions[:2]).min() > 0.1 and np.abs(e.completeness_gap).max() < 1e-12


_SPELLINGS = {
    "matmul": lambda x, w, b: tf.matmul(x, w) + b,
    "minus": lambda x, w, b: b - tf.matmul(x, -w),
    "transposed": lambda x, w, b: tf.transpose(tf.matmul(tf.transpose(w), x, transpose_b=True)) + b,
    "einsum": lambda x, w, b: tf.einsum("bi,io->bo", x, w) + b,
    "sum": lambda x, w, b: tf.reduce_sum(x[:, :, None] * w, 1) + b,
    "mean": lambda x, w, b: tf.reduce_mean(x[:, :, None] / (1 / w) * 4, 1) + b,
    "scaled": lambda x, w, b: -(tf.matmul(x, w / -2) / 0.5) + b,
    "reshaped": lambda x, w, b: tf.reshape(tf.nn.bias_add(tf.reshape(tf.matmul(x, w), [-1, 3, 1]), [0.0]), [-1, 3]) + b,
    "in parts": lambda x, w, b: tf.concat([tf.matmul(x, w[:, :1]), tf.matmul(x, w[:, 1:])], 1) + b,
    "normalised": lambda x, w, b: _normalised(tf.matmul(x, w))[:, 0, 0] + b,
}


def _normalised(z: tf.Tensor) -> tf.Tensor:
    """−z/2 by a fused batch normalisation, and then −2 times that; in float32, the only dtype that it has."""
    ones, shift = tf.ones([3]), tf.constant([0.5, -0.5, 1.0])
    found = tf.raw_ops.FusedBatchNormV3(
        x=tf.cast(z, tf.float32)[:, None, None], scale=-ones / 2, offset=shift, mean=-ones, variance=ones,
        epsilon=0.0, is_training=False,
    ).y  # fmt: skip
    return tf.cast((found - shift) * -2 - ones, z.dtype)


@pytest.mark.parametrize(
    "spelling",
    [
        pytest.param(name, marks=[] if name in ("in parts", "scaled") else pytest.mark.long)  # one op more, or another
        for name in _SPELLINGS
    ],
)
def test_a_layer_counts_however_it_is_spelled(spelling):
    first, last = dense(3, [4, 3, 1], "tanh")

    def model(x):
        z = _SPELLINGS[spelling](x, tf.constant(first.weights), tf.constant(first.biases))
        return tf.matmul(tf.tanh(z), last.weights) + last.biases

    e = explain(model, "deeplift", _X, baseline=_X0, rule="reveal_cancel")
    atol = 1e-5 if spelling == "normalised" else 1e-12
    np.testing.assert_allclose(e.attributions, contributions([first, last], _X, _X0, 0), rtol=0, atol=atol)


def test_summands_of_a_sum_are_contributions():
    """A skip connection: the weights of x and the product's are two contributions each."""
    first, last = dense(3, [4, 4, 1], "relu")
    hidden = dense(4, [4, 4, 1], "tanh")[0]

    def model(x):
        h = tf.tanh(tf.matmul(x, hidden.weights) + hidden.biases)
        return tf.matmul(tf.nn.relu(h + (tf.matmul(h, first.weights) + first.biases)), last.weights)

    doubled = dataclasses.replace(hidden, weights=np.tile(hidden.weights, 2), biases=np.tile(hidden.biases, 2))
    both = dataclasses.replace(first, weights=np.concatenate([first.weights, np.eye(4)]))
    e = explain(model, "deeplift", _X, baseline=_X0, rule="reveal_cancel")
    np.testing.assert_allclose(e.attributions, contributions([doubled, both, last], _X, _X0, 0), **_NEAR)


def test_groups_are_one_function():
    weights = dense(3, [4, 3, 1], "tanh")[0].weights

    def silu(z):
        return z / (1 + np.exp(-z))

    parts = _X[:, :, None] * weights
    rise, fall = np.maximum(parts, 0).sum(1), np.minimum(parts, 0).sum(1)
    gains = [silu(rise) + silu(rise + fall) - silu(fall), silu(fall) + silu(rise + fall) - silu(rise)]
    pairs = zip(gains, (rise, fall), strict=True)
    slopes = [np.divide(gain, 2 * part, where=part != 0, out=np.zeros_like(part))[:, None] for gain, part in pairs]
    expected = (parts * np.where(parts > 0, *slopes)).sum(2)

    def model(x):
        z = tf.matmul(x, weights)
        return z * tf.sigmoid(z)

    found = explain(model, "deeplift", _X, target=total, rule="reveal_cancel").attributions
    np.testing.assert_allclose(found, expected, **_NEAR)


def test_where_the_function_is_not_defined_at_a_part_rescale_takes_its_place():
    """z·log z at z₀ + Δz⁻ < 0."""
    weights = np.array([[1.0], [-1.0]])
    x, x0 = np.array([[5.0, 4.0], [3.0, 1.0]]), np.array([1.0, 0.5])

    def model(x):
        z = tf.matmul(x, weights)
        return (z * tf.math.log(z))[:, 0]

    e = explain(model, "deeplift", x, baseline=x0, rule="reveal_cancel")
    rescale = explain(model, "deeplift", x, baseline=x0).attributions
    np.testing.assert_allclose(e.attributions, rescale, **_NEAR)
    np.testing.assert_allclose(e.completeness_gap, 0, atol=1e-13)


@pytest.mark.parametrize(
    "layer",
    [
        pytest.param(L.SimpleRNN, marks=pytest.mark.long),  # a structure below has a loop
        pytest.param(L.LSTM, marks=pytest.mark.long),  # with gates, which take parts of one sum
    ],
)
def test_a_loop_is_as_if_it_were_unrolled(layer):
    keras.utils.set_random_seed(2)
    with floats("float64"):
        looped = filled(keras.Sequential([keras.Input((3, 3)), layer(4), L.Dense(1)]))
        unrolled = keras.Sequential([keras.Input((3, 3)), layer(4, unroll=True), L.Dense(1)])
    unrolled.set_weights(looped.get_weights())
    (x,) = ref.numbers(3, (2, 3, 3))
    found, expected = (explain(model, "deeplift", x, rule="reveal_cancel") for model in (looped, unrolled))
    np.testing.assert_allclose(found.attributions, expected.attributions, **_NEAR)
    assert np.abs(found.attributions - explain(looped, "deeplift", x).attributions).max() > 1e-4
    assert relative_gap(found).max() < 1e-10


def test_coverage_shows_the_rules():
    model = filled(
        keras.Sequential(
            [
                keras.Input((6, 4)),
                L.ReLU(),
                L.Conv1D(3, 3, activation="relu"),
                L.Flatten(),
                L.Dense(2, "relu"),
                L.Dense(1),
            ]
        )
    )
    with dx.DeepExplain(model) as de:
        found = {rule: de.coverage("deeplift", rule=rule) for rule in ("rescale", "reveal_cancel", "genomics")}
    nonlinear = {
        rule: [text for (op, verdict), text in zip(coverage, coverage.rules, strict=True) if verdict == "exact"]
        for rule, coverage in found.items()
    }
    assert nonlinear["reveal_cancel"] == ["rescale", "reveal_cancel", "reveal_cancel"]
    assert nonlinear["genomics"] == ["rescale", "rescale", "reveal_cancel"]
    assert not any(found["rescale"].rules)
    assert "reveal_cancel" in str(found["genomics"])
    assert all(coverage.counts["refused"] == 0 for coverage in found.values())


@pytest.mark.parametrize(
    "name",
    [
        "Relu",
        pytest.param("activation", marks=pytest.mark.long),
        pytest.param("MatMul", marks=pytest.mark.long),
    ],  # alike
)
def test_a_users_rule_goes_before_it(name):
    """No neuron is formed of an op that has a rule."""
    layers = dense(1, [4, 6, 5, 3], "relu")
    model = ref.in_tensorflow(ref.random_network(1, [4, 6, 5, 3], "relu"))
    overrides = {name: lambda op, inputs: [op(*inputs)]}
    found = explain(model, "deeplift", _X, target=1, rule="reveal_cancel", overrides=overrides).attributions
    if name == "MatMul":
        rescale = [dataclasses.replace(layer, reveals=False) for layer in layers]
        np.testing.assert_allclose(found, contributions(rescale, _X, np.zeros(4), 1), **_NEAR)
    else:
        gradient = derivative(lambda x: tf.reduce_sum(model(x)[:, 1]), _X)
        np.testing.assert_allclose(found, gradient * _X, **_NEAR)


_SHORT = ("functional",)


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=[] if name in _SHORT else pytest.mark.long) for name in STRUCTURES],  # the same check
)
def test_it_is_complete_on_every_structure(name):
    case = STRUCTURES[name]
    inputs = case.inputs(case.batch or 3)
    with dx.DeepExplain(case.build(), **case.settings) as de:
        e = de.explain("deeplift", inputs, target=case.target, rule="reveal_cancel")
    scale = np.abs(e.outputs) + np.abs(e.baseline_outputs)
    assert (np.abs(e.completeness_gap) <= 1e-5 * scale).all(), e.completeness_gap


_GRID = 16  # pixels
_SUBSETS = (np.arange(2**_GRID)[:, None] >> np.arange(_GRID)) & 1


def _shapley(model: Any, x: np.ndarray) -> np.ndarray:
    """Returns the exact Shapley values of one example with baseline 0, from the values of all coalitions."""
    values = np.asarray(model(_SUBSETS * x)).ravel()
    sizes, found = _SUBSETS.sum(1), np.zeros(_GRID)
    for player in range(_GRID):
        without = np.flatnonzero(_SUBSETS[:, player] == 0)
        weights = 1 / (_GRID * scipy.special.comb(_GRID - 1, sizes[without]))
        found[player] = (weights * (values[without + (1 << player)] - values[without])).sum()
    return found


@pytest.mark.long  # trains a network, and evaluates 65,536 coalitions of each of 20 pictures
def test_it_ranks_pixels_more_like_shapley_values_than_rescale_and_gradient_times_input():
    """A perceptron that has learned the smaller of the two halves' brightest pixels, on 4 × 4 pictures."""
    keras.utils.set_random_seed(0)
    generator = np.random.default_rng(0)
    pictures = generator.uniform(0, 1, (4000, _GRID))
    labels = np.minimum(pictures[:, :8].max(1), pictures[:, 8:].max(1))[:, None]
    with floats("float64"):
        model = keras.Sequential(
            [keras.Input((_GRID,), dtype="float64"), L.Dense(32, "relu"), L.Dense(16, "relu"), L.Dense(1)]
        )
    model.compile(keras.optimizers.Adam(0.01), "mse")
    model.fit(pictures, labels, epochs=30, batch_size=100, verbose=0)
    x = generator.uniform(0, 1, (20, _GRID))
    weights = [layer.get_weights() for layer in model.layers]

    def network(rows: np.ndarray) -> np.ndarray:
        for kernel, bias in weights[:-1]:
            rows = np.maximum(rows @ kernel + bias, 0)
        return rows @ weights[-1][0] + weights[-1][1]

    exact = np.stack([_shapley(network, row) for row in x])
    found = {
        "reveal_cancel": explain(model, "deeplift", x, rule="reveal_cancel").attributions,
        "rescale": explain(model, "deeplift", x).attributions,
        "gradient_x_input": explain(model, "gradient_x_input", x).attributions,
    }
    scores = {
        name: np.mean([scipy.stats.spearmanr(row, expected).statistic for row, expected in zip(a, exact, strict=True)])
        for name, a in found.items()
    }
    print(scores)
    assert scores["reveal_cancel"] > scores["rescale"] > scores["gradient_x_input"], scores
