"""Tests of `methods/deeplift.py`."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import deepexplain_tf as dx
from tests import references as ref
from tests.checks import explain, in_turn, message_of, total
from tests.models import filled, floats

_X, _X0 = ref.numbers(0, (6, 4), 4)


@pytest.mark.parametrize("activation", in_turn(ref.SCALARS))
@pytest.mark.parametrize("baseline", [None, _X0], ids=["zeros", "given"])
def test_it_is_the_difference_times_the_multipliers(activation, baseline):
    layers = ref.branched_network(activation)
    e = explain(ref.in_tensorflow(layers), "deeplift", _X, target=1, baseline=baseline)
    start = np.zeros(4) if baseline is None else baseline
    expected = ref.deeplift(layers, _X, start, 1)
    np.testing.assert_allclose(e.attributions, expected, rtol=1e-9, atol=1e-11)
    np.testing.assert_allclose(e.outputs, ref.forward(layers, _X)[:, 1], rtol=1e-12)
    at_start = ref.forward(layers, np.broadcast_to(start, (6, 4)))[:, 1]
    np.testing.assert_allclose(e.baseline_outputs, at_start, rtol=1e-12)
    assert (np.abs(e.completeness_gap) <= 1e-12 * np.maximum(np.abs(e.outputs), np.abs(e.baseline_outputs))).all()


def test_baselines_in_every_form():
    layers = ref.branched_network("tanh")
    model = ref.in_tensorflow(layers)
    number = explain(model, "deeplift", _X, target=0, baseline=0.25).attributions
    np.testing.assert_allclose(number, ref.deeplift(layers, _X, np.full(4, 0.25), 0), rtol=1e-9, atol=1e-12)
    (each,) = ref.numbers(1, _X.shape)
    found = explain(model, "deeplift", _X, target=0, baseline=each).attributions
    np.testing.assert_allclose(found, ref.deeplift(layers, _X, each, 0), rtol=1e-9, atol=1e-12)


def test_baseline_outputs_are_one_for_each_example():
    e = explain(ref.in_tensorflow(ref.branched_network("relu")), "deeplift", _X, target=0, baseline=_X0)
    assert e.baseline_outputs.shape == e.outputs.shape == (6,)
    assert len(set(e.baseline_outputs)) == 1


def test_targets_of_each_kind():
    layers = ref.branched_network("sigmoid")
    model = ref.in_tensorflow(layers)
    each = [ref.deeplift(layers, _X, np.zeros(4), target) for target in range(3)]

    with dx.DeepExplain(model) as de:
        explainer = de.explainer("deeplift")

    def found(target):
        return explainer(_X, target=target).attributions

    near = {"rtol": 1e-9, "atol": 1e-12}
    np.testing.assert_allclose(found(-1), each[2], **near)
    np.testing.assert_allclose(found((1,)), each[1], **near)
    units = np.array([0, 1, 2, 2, 1, 0])
    np.testing.assert_allclose(found(units), np.stack(each)[units, np.arange(6)], **near)
    np.testing.assert_allclose(found(list(units)), np.stack(each)[units, np.arange(6)], **near)
    np.testing.assert_allclose(found(total), sum(each), **near)
    (weights,) = ref.numbers(1, (6, 3))
    np.testing.assert_allclose(found(weights), np.einsum("bt,tbi->bi", weights, each), **near)
    predicted = ref.forward(layers, _X).argmax(1)
    np.testing.assert_allclose(found(None), np.stack(each)[predicted, np.arange(6)], **near)


def test_a_callable_target_is_part_of_the_program():
    """Its ops get rules too, so that attributions sum to its own change."""
    model = ref.in_tensorflow(ref.branched_network("relu"))

    def margin(y):
        return tf.tanh(y[:, 0] * y[:, 1]) - tf.reduce_max(y, 1)

    e = explain(model, "deeplift", _X, target=margin, baseline=_X0)
    values = [np.asarray(margin(model(tf.constant(np.broadcast_to(at, (6, 4)))))) for at in (_X, _X0)]
    np.testing.assert_allclose(e.attributions.sum(1), values[0] - values[1], rtol=1e-9)


def test_several_inputs_share_the_change():
    left, right = ref.random_network(6, [4, 5], "tanh"), ref.random_network(7, [2, 5], "relu")
    end = ref.random_network(8, [5, 1], "relu")

    def model(a, b):
        hidden = tf.tanh(ref.in_tensorflow(left)(a) * ref.in_tensorflow(right)(b))
        return ref.in_tensorflow(end)(hidden)

    (b,) = ref.numbers(1, (6, 2))
    e = explain(model, "deeplift", [_X, b], baseline=[_X0, np.array([0.5, -0.5])])
    summed = e.attributions[0].sum(1) + e.attributions[1].sum(1)
    np.testing.assert_allclose(summed, e.outputs - e.baseline_outputs, rtol=1e-9)
    named = explain(model, "deeplift", {"b": b, "a": _X}, baseline={"a": _X0, "b": np.array([0.5, -0.5])})
    np.testing.assert_array_equal(named.attributions["a"], e.attributions[0])
    np.testing.assert_array_equal(named.attributions["b"], e.attributions[1])


def test_input_that_the_target_ignores_gets_zeros():
    e = explain(lambda a, b: tf.tanh(a), "deeplift", [_X, _X[:, :2]], target=0)
    np.testing.assert_array_equal(e.attributions[1], np.zeros((6, 2)))
    np.testing.assert_allclose(e.attributions[0][:, 0], np.tanh(_X[:, 0]), rtol=1e-12)


def test_layer_of_a_keras_model():
    """The layer's output is the input, with a baseline of its own; behind it the multipliers are the same."""
    keras.utils.set_random_seed(9)
    fixed = {"dtype": "float64", "bias_initializer": "random_normal"}
    model = keras.Sequential(
        [
            keras.Input((4,), dtype="float64"),
            keras.layers.Dense(5, "tanh", name="hidden", **fixed),
            keras.layers.Dense(5, "sigmoid", **fixed),
            keras.layers.Dense(2, **fixed),
        ]
    )
    layers = []
    for layer, name in zip(model.layers[1:], ["sigmoid", None], strict=True):
        layers += [ref.Dense(*layer.get_weights())] + ([ref.Activation(name)] if name else [])
    weights, biases = model.layers[0].get_weights()
    hidden = np.tanh(_X @ weights + biases)
    start = np.linspace(-1, 1, 5)
    e = explain(model, "deeplift", _X, target=1, baseline=start, layer="hidden")
    np.testing.assert_allclose(e.attributions, ref.deeplift(layers, hidden, start, 1), rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(e.baseline_outputs, ref.forward(layers, start[None])[0, 1] * np.ones(6), rtol=1e-12)


_LETTERS = np.eye(4)[np.random.default_rng(2).integers(0, 4, (3, 6))]
_CHANCES = np.full((6, 4), 0.25)


@pytest.fixture(scope="module")
def genome():
    keras.utils.set_random_seed(3)
    with floats("float64"):
        layers = [keras.Input((6, 4), dtype="float64"), keras.layers.Conv1D(3, 3, activation="relu")]
        layers += [keras.layers.Flatten(), keras.layers.Dense(4, "relu"), keras.layers.Dense(1)]
        model = filled(keras.Sequential(layers))
    with dx.DeepExplain(model) as de:
        yield de


@pytest.mark.parametrize("rule", ["genomics", pytest.param("rescale", marks=pytest.mark.long)])  # by the same lines
def test_hypothetical_contributions(genome, rule):
    """Of each letter by the multipliers, and of those that are there, the contributions."""
    given = {"baseline": _CHANCES, "rule": rule}
    actual = genome.explain("deeplift", _LETTERS, **given).attributions
    e = genome.explain("deeplift", _LETTERS, hypothetical=True, **given)
    assert e.attributions.shape == _LETTERS.shape
    np.testing.assert_allclose((e.attributions * _LETTERS).sum(-1), actual.sum(-1), rtol=0, atol=1e-13)
    multipliers = actual / (_LETTERS - _CHANCES)
    for letter in range(4):
        difference = np.eye(4)[letter] - _CHANCES
        np.testing.assert_allclose(e.attributions[..., letter], (multipliers * difference).sum(-1), rtol=0, atol=1e-12)
    np.testing.assert_allclose(e.completeness_gap, 0, atol=1e-13)
    assert e.notes == genome.explain("deeplift", _LETTERS, **given).notes


def test_a_row_without_a_letter_leaves_its_contribution_in_the_gap(genome):
    x = _LETTERS.copy()
    x[1, 2] = 0
    actual = genome.explain("deeplift", x, baseline=_CHANCES).attributions
    e = genome.explain("deeplift", x, baseline=_CHANCES, hypothetical=True)
    np.testing.assert_allclose(e.completeness_gap, [0, -actual[1, 2].sum(), 0], atol=1e-13)
    empty = genome.explain("deeplift", x, hypothetical=True)  # at the baseline too
    np.testing.assert_allclose(empty.completeness_gap, 0, atol=1e-13)


@pytest.mark.parametrize(
    ("x", "words"),
    [
        (_LETTERS * 0.5, ("0.5", "[0, 0]")),
        (np.where(np.arange(3)[:, None, None] == 2, 1 - _LETTERS, _LETTERS), ("[2, 0]",)),
    ],
)
def test_hypothetical_contributions_need_letters(genome, x, words):
    call = lambda: genome.explain("deeplift", x, hypothetical=True)  # noqa: E731
    message_of(call, dx.errors.InputError, "one-hot", *words)


def test_a_layer_may_hold_the_letters():
    tokens = keras.Input((6,), dtype="int32")
    letters = keras.layers.CategoryEncoding(4, "one_hot", name="letters")(tokens[..., None])
    model = filled(keras.Model(tokens, keras.layers.Dense(1)(keras.layers.Flatten()(letters))))
    numbers = _LETTERS.argmax(-1)
    with dx.DeepExplain(model, layer="letters") as de:
        e = de.explain("deeplift", numbers, hypothetical=True)
        np.testing.assert_allclose(e.completeness_gap, 0, atol=1e-6)
    kernel = model.layers[-1].get_weights()[0].reshape(6, 4)
    np.testing.assert_allclose(e.attributions, np.broadcast_to(kernel, (3, 6, 4)), rtol=1e-6)
    with dx.DeepExplain(model, layer=model.layers[-1].name) as de:
        call = lambda: de.explain("deeplift", numbers, hypothetical=True)  # noqa: E731
        message_of(call, dx.errors.InputError, "one-hot", "[0]")


@pytest.mark.parametrize(
    "options", [{"rule": "reveal-cancel"}, {"rule": None}, {"rule": ["rescale"]}, {"hypothetical": 1}]
)
def test_options_out_of_their_range(options):
    message_of(lambda: explain(tf.tanh, "deeplift", _X, target=0, **options), dx.errors.OptionError, *options)


def test_reveal_cancel_has_derivatives():
    """Of a loss on attributions, by weights and inputs; beside central differences."""
    weights = tf.Variable(ref.numbers(4, (4, 3))[0])

    def model(x):
        return tf.reduce_sum(tf.tanh(tf.matmul(x, weights) + 0.3), 1)

    direction = ref.numbers(5, (4, 3))[0]
    with dx.DeepExplain(model, input_signature=[tf.TensorSpec([None, 4], tf.float64)]) as de:
        explainer = de.explainer("deeplift", rule="reveal_cancel", tensors=True)

    def loss():
        return tf.reduce_sum(explainer(_X).attributions ** 2 * tf.constant(_X0))

    with tf.GradientTape() as tape:
        value = loss()
    slope = tf.reduce_sum(tape.gradient(value, weights) * direction)
    start, ends = weights.numpy(), {}
    for step in (-1e-5, 1e-5):
        weights.assign(start + step * direction)
        ends[step] = loss()
    np.testing.assert_allclose(slope, (ends[1e-5] - ends[-1e-5]) / 2e-5, rtol=1e-6)


def _two_rules(**settings):
    keras.utils.set_random_seed(5)
    layers = [keras.Input((6, 4)), keras.layers.Conv1D(3, 3, activation="relu"), keras.layers.Flatten()]
    model = filled(keras.Sequential([*layers, keras.layers.Dense(3, "gelu"), keras.layers.Dense(2)]))
    with dx.DeepExplain(model, **settings) as de:
        return de.explainer("deeplift", target=1, baseline=None, rule="genomics")


@pytest.mark.long  # tests/conformance compiles
def test_xla_compiles_the_rules():
    x = _LETTERS.astype(np.float32)
    found, expected = (_two_rules(jit_compile=compiled)(x).attributions for compiled in (True, False))
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.long  # compiles a residual network, in whose fused loops a step of exactly 0 once gave NaN
def test_xla_compiles_steps_of_zero():
    keras.utils.set_random_seed(0)
    inputs = keras.Input((4, 4, 3))
    skip = keras.layers.ReLU()(keras.layers.Conv2D(3, 3, padding="same")(inputs))
    x = keras.layers.ReLU()(keras.layers.DepthwiseConv2D(3, padding="same")(skip))
    x = keras.layers.BatchNormalization()(keras.layers.Conv2D(3, 1, use_bias=False)(x))
    x = keras.layers.ReLU(6.0)(keras.layers.Add()([x, skip]))
    model = filled(keras.Model(inputs, keras.layers.Dense(3)(keras.layers.Flatten()(x))))
    pictures = np.random.default_rng(0).normal(size=(3, 4, 4, 3)).astype(np.float32)
    given = {"target": 1, "baseline": 0.1, "rule": "reveal_cancel"}
    found, expected = (
        explain(model, "deeplift", pictures, jit_compile=compiled, **given).attributions for compiled in (True, False)
    )
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.long  # what tests/conformance and tests/export do with the default rule
def test_the_rules_in_other_programs(tmp_path):
    """One example at a time, inside a `tf.function`, and exported: the same numbers."""
    x, explainer = _LETTERS.astype(np.float32), _two_rules()
    explainer.export(tmp_path / "saved")
    served = tf.saved_model.load(tmp_path / "saved").signatures["explain"]
    (name,) = served.structured_input_signature[1]
    (exported,) = (found for key, found in served(**{name: tf.constant(x)}).items() if "attribution" in key)
    inside = tf.function(lambda x: explainer(x).attributions)
    for found in (explainer(x, batch_size=1).attributions, inside(x), exported):
        np.testing.assert_allclose(found, explainer(x).attributions, rtol=1e-5, atol=1e-6)
