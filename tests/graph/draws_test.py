"""Tests of `draws.py`: every op of TensorFlow that draws is in a table, and a draw that matters is refused by name."""

import re

import keras
import numpy as np
import pytest
import tensorflow as tf

import deepexplain_tf as dx
from deepexplain_tf.graph.draws import DRAWN, SEEDED
from tests.checks import explain
from tests.models import filled, floats

_GENERATOR = np.random.default_rng(0)
X, W = _GENERATOR.normal(size=(4, 6)), _GENERATOR.normal(size=(6, 5))

_NAMES = re.compile("Random|Multinomial|Sampler|Truncated|Stateful(Uniform|Standard)|Stateless(Sample|Shuffle)|Rng")
# Ops of these names that draw nothing: datasets and seeds as resources, gradients, queues, and parts of a generator.
_NO_DRAWS = re.compile("Dataset|SeedGenerator|Grad$|Queue|StatelessRandomGet|RngSkip$")


def test_every_op_that_draws_is_in_a_table():
    named = {name for name in dir(tf.raw_ops) if _NAMES.search(name) and not _NO_DRAWS.search(name)}
    assert named <= DRAWN | SEEDED
    assert all(hasattr(tf.raw_ops, name) for name in DRAWN | SEEDED)
    assert not DRAWN & SEEDED


class Sampling(keras.layers.Layer):
    """The sampling layer of a variational autoencoder."""

    def __init__(self):
        super().__init__()
        self.seeds = keras.random.SeedGenerator(3)

    def call(self, mean):
        return mean + 0.3 * keras.random.normal(keras.ops.shape(mean), dtype=mean.dtype, seed=self.seeds)


def sampled():
    with floats("float64"):
        return filled(keras.Sequential([keras.Input((6,)), keras.layers.Dense(5), Sampling(), keras.layers.Dense(1)]))


DRAWING = {
    "dropout": lambda: lambda x: tf.reduce_sum(tf.nn.dropout(tf.nn.relu(x @ W), 0.5), 1),
    "noise": lambda: lambda x: tf.reduce_sum(tf.tanh(x + tf.random.normal([6], dtype=x.dtype)), 1),
    "sampling": sampled,
    "seeded": lambda: (
        lambda x: tf.reduce_sum(tf.tanh(x + tf.random.stateless_normal(tf.shape(x), [1, 2], dtype=x.dtype)), 1)
    ),
    "generator": lambda: _Generator(),
    "in a loop": lambda: (
        lambda x: tf.reduce_sum(
            tf.while_loop(lambda n, _: n < 2, lambda n, y: (n + 1, y * tf.random.uniform([], dtype=x.dtype)), [0, x])[
                1
            ],
            1,
        )
    ),
    "categorical": lambda: lambda x: tf.reduce_sum(x, 1) * tf.cast(tf.random.categorical(x, 1)[:, 0], x.dtype),
}


class _Generator(tf.Module):
    def __init__(self):
        super().__init__()
        self.generator = tf.random.Generator.from_seed(1)

    def __call__(self, x):
        return tf.reduce_sum(tf.tanh(x + self.generator.normal(tf.shape(x), dtype=x.dtype)), 1)


@pytest.mark.parametrize("method", ["occlusion", "integrated_gradients"])
@pytest.mark.parametrize("name", DRAWING)
def test_a_draw_is_refused_by_name(name, method):
    with pytest.raises(dx.UnsupportedOpError, match=r"same outputs whenever it is called\. Got .* at node"):
        explain(DRAWING[name](), method, X)


def test_a_draw_that_does_not_matter_is_no_obstacle():
    """As dropout that keeps everything, in frozen graphs of TensorFlow 1."""

    def model(x):
        kept = tf.floor(1.0 + tf.random.uniform(tf.shape(x), dtype=x.dtype))
        return tf.reduce_sum(tf.tanh(x) * kept + tf.random.stateless_normal([6], [1, 2], dtype=x.dtype), 1)

    with dx.DeepExplain(model) as de:
        explainer = de.explainer("deeplift")
        e = explainer(X)
        np.testing.assert_allclose(e.completeness_gap, 0, atol=1e-12)
        inside = tf.function(lambda x: explainer(x).attributions)(tf.constant(X))
    np.testing.assert_allclose(inside, e.attributions)


def test_a_draw_inside_a_graph_is_refused():
    model = DRAWING["dropout"]()
    with dx.DeepExplain(model, input_signature=[tf.TensorSpec([None, 6], tf.float64)]) as de:
        explainer = de.explainer("saliency")
        with pytest.raises(dx.UnsupportedOpError, match="RandomUniform"):
            tf.function(lambda x: explainer(x).attributions, autograph=False)(tf.constant(X))
