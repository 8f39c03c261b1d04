"""Tests of `draws.py`: the tables hold every op of TensorFlow that draws."""

import re

import tensorflow as tf

from deepexplain_tf.graph.draws import DRAWN, SEEDED

_NAMES = re.compile("Random|Multinomial|Sampler|Truncated|Stateful(Uniform|Standard)|Stateless(Sample|Shuffle)|Rng")
# Ops of these names that draw nothing: datasets and seeds as resources, gradients, queues, and parts of a generator.
_NO_DRAWS = re.compile("Dataset|SeedGenerator|Grad$|Queue|StatelessRandomGet|RngSkip$")


def test_every_op_that_draws_is_in_a_table():
    named = {name for name in dir(tf.raw_ops) if _NAMES.search(name) and not _NO_DRAWS.search(name)}
    assert named <= DRAWN | SEEDED
    assert all(hasattr(tf.raw_ops, name) for name in DRAWN | SEEDED)
    assert not DRAWN & SEEDED
