"""Tests of `metrics/randomisation.py`."""

import keras
import numpy as np
import pytest
import scipy.stats

import deepexplain_tf as dx
from deepexplain_tf.metrics import randomisation

X = np.random.default_rng(0).normal(size=(3, 6)).astype(np.float32)


def network():
    """Two nested layers, a batch normalisation and a layer, with weights that no initialiser draws."""
    layers = keras.layers
    nested = keras.Sequential([keras.Input((6,)), layers.Dense(5, "tanh", name="first"), layers.Dropout(0.5)])
    inputs = keras.Input((6,))
    hidden = layers.BatchNormalization(name="norm")(nested(inputs))
    model = keras.Model(inputs, layers.Dense(2, name="last")(hidden))
    generator = np.random.default_rng(1)
    model.set_weights([generator.uniform(1, 2, weight.shape) for weight in model.get_weights()])
    return model


def gradient(model, x):
    with dx.DeepExplain(model) as de:
        return de.explain("gradient_x_input", x, target=0)


def weights_seen(**options):
    """Returns the weights of each model that `explain` gets, by name, and the result."""
    seen = []

    def explain(model, x):
        seen.append({weight.path.rsplit("/", 2)[-2] + "/" + weight.name: np.array(weight) for weight in model.weights})
        return np.random.default_rng(len(seen)).normal(size=x.shape)

    return seen, randomisation(explain, network(), X, **options)


def test_layers_are_initialised_one_after_the_other_from_the_output():
    seen, result = weights_seen(seed=0)
    assert result.layers == ("last", "norm", "first")
    assert len(seen) == 4
    for before, after, layer in zip(seen[:-1], seen[1:], result.layers, strict=True):
        for name in before:
            assert (before[name] != after[name]).all() == name.startswith(layer), name
    last = seen[-1]
    np.testing.assert_array_equal(last["norm/gamma"], 1)
    np.testing.assert_array_equal(last["norm/moving_variance"], 1)
    np.testing.assert_array_equal(last["norm/moving_mean"], 0)
    np.testing.assert_array_equal(last["last/bias"], 0)
    assert np.abs(last["first/kernel"]).max() < np.sqrt(6 / 11)  # Glorot's limit


def test_layers_that_are_named():
    seen, result = weights_seen(layers=["first"], seed=0)
    assert result.layers == ("first",)
    np.testing.assert_array_equal(seen[0]["last/kernel"], seen[1]["last/kernel"])
    assert (seen[0]["first/kernel"] != seen[1]["first/kernel"]).all()


def test_a_block_is_initialised_at_once():
    one_by_one, _ = weights_seen(seed=0)
    seen, result = weights_seen(layers=["last", ("norm", "first")], seed=0)
    assert result.layers == ("last", "first")
    assert result.per_example.shape == (3, 2)
    for weights, expected in zip(seen, [one_by_one[0], one_by_one[1], one_by_one[3]], strict=True):
        for name in weights:
            np.testing.assert_array_equal(weights[name], expected[name])


def test_the_user_s_model_stays():
    model = network()
    before, identities = model.get_weights(), [id(weight) for weight in model.weights]
    given = []

    def explain(copy, x):
        given.append(copy)
        return gradient(copy, x)

    randomisation(explain, model, X, seed=0)
    assert all(copy is not model for copy in given)
    for weight, was in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(weight, was)
    assert [id(weight) for weight in model.weights] == identities


def test_correlations():
    values = {}

    def explain(model, x):
        values[len(values)] = np.random.default_rng(len(values)).integers(-3, 4, x.shape).astype(float)
        return values[len(values) - 1]

    found = randomisation(explain, network(), X, seed=0)
    for column in range(3):
        expected = [scipy.stats.spearmanr(*pair).statistic for pair in zip(values[0], values[column + 1], strict=True)]
        np.testing.assert_allclose(found.per_example[:, column], expected, rtol=1e-9)
    values.clear()
    found = randomisation(explain, network(), X, seed=0, absolute=True)
    expected = scipy.stats.spearmanr(np.abs(values[0][0]), np.abs(values[1][0])).statistic
    np.testing.assert_allclose(found.per_example[0, 0], expected, rtol=1e-9)


def test_another_similarity():
    """Of pictures, what does not look at the weights stays as it is."""
    pictures = np.random.default_rng(0).normal(size=(2, 12, 12, 1)).astype(np.float32)
    model = keras.Sequential([keras.Input((12, 12, 1)), keras.layers.Flatten(), keras.layers.Dense(1, name="last")])
    explainers = {"input": lambda model, x: x, "gradient": gradient}
    for similarity in ("ssim", "hog"):
        found = randomisation(explainers, model, pictures, similarity=similarity, seed=0)
        np.testing.assert_allclose(found["input"].per_example, 1, rtol=1e-6)
        assert (found["gradient"].per_example < 0.9).all()
        assert found["gradient"].similarity == similarity
        assert similarity in repr(found["gradient"])


def test_known_scores():
    """What does not look at the model keeps its correlation; what is all zeros without a bias has none."""
    explainers = {"input": lambda model, x: x, "bias": lambda model, x: x * float(model.layers[-1].bias[0])}
    found = randomisation(explainers, network(), X, seed=0)
    np.testing.assert_allclose(found["input"].mean, [1, 1, 1])
    np.testing.assert_array_equal(found["bias"].mean, [np.nan] * 3)


def test_a_gradient_changes():
    found = randomisation(gradient, network(), X, seed=0)
    assert found.per_example.shape == (3, 3)
    assert (np.abs(found.per_example[:, 2]) < 0.95).all()
    assert repr(found).splitlines()[3].startswith("last")


def test_recurrent_and_custom_layers():
    class Scale(keras.layers.Layer):
        def build(self, shape):
            self.scale = self.add_weight(shape=(shape[-1],), name="scale")

        def call(self, inputs):
            return inputs * self.scale

    def model():
        layers = [
            keras.layers.Bidirectional(keras.layers.LSTM(3), name="both"),
            Scale(name="scale"),
            keras.layers.Dense(1),
        ]
        model = keras.Sequential([keras.Input((4, 2)), *layers])
        model.set_weights([np.random.default_rng(0).normal(size=weight.shape) for weight in model.get_weights()])
        return model

    seen = []

    def explain(model, x):
        seen.append([np.array(weight) for weight in model.weights])
        return x

    randomisation(explain, model(), np.ones((2, 4, 2), np.float32), seed=0)
    for before, after in zip(seen[0], seen[-1], strict=True):
        assert (before != after).any()
    np.testing.assert_array_equal(np.sort(seen[0][-3]), np.sort(seen[-1][-3]))  # no initialiser is known: shuffled


def test_seed_decides():
    one, again, other = (weights_seen(seed=seed)[0][-1]["first/kernel"] for seed in (0, 0, 1))
    np.testing.assert_array_equal(one, again)
    assert (one != other).all()


def test_layers_of_one_name():
    def nested(name):
        return keras.Sequential([keras.Input((6,)), keras.layers.Dense(6, name="dense")], name=name)

    model = keras.Sequential([keras.Input((6,)), nested("a"), nested("b")])
    found = randomisation(lambda model, x: x, model, X, seed=0)
    assert found.layers == ("b/dense", "a/dense")


def test_what_cannot_be_copied():
    class Subclassed(keras.Model):
        def __init__(self):
            super().__init__()
            self.dense = keras.layers.Dense(1)

        def call(self, inputs):
            return self.dense(inputs)

    model = Subclassed()
    model(X)
    with pytest.raises(dx.DeepExplainError, match=r"model must be one that keras\.models\.clone_model can copy"):
        randomisation(lambda model, x: x, model, X)
