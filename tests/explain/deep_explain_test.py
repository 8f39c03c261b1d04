"""`DeepExplain`: what `output=` and `layer=` choose, and what an Explanation says."""

from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

import deepexplain_tf as dx
from tests.checks import AT_LAYERS, BY_ELEMENT, DIFFERENT, EVALUATING, KINDS, derivative, each_of, options_of
from tests.models import STRUCTURES, filled, mlp, perceptron

X = np.random.default_rng(0).normal(size=(3, 4)).astype(np.float32)
METHODS = dx.list_methods()


def explain(
    model: Any, method: str = "saliency", x: Any = X, *, target: Any = 1, like: Any = X, **settings: Any
) -> dx.Explanation:
    """Explains once; `like` has the structure of what is explained."""
    options = {"signed": True} if method == "saliency" else options_of(method, like)
    with dx.DeepExplain(model, **settings) as de:
        return de.explain(method, x, target=target, seed=0, **options)


# --- names ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("alias", "name"),
    [
        ("grad*input", "gradient_x_input"),
        ("intgrad", "integrated_gradients"),
        ("elrp", "epsilon_lrp"),
        ("deeplift", "deeplift"),
        ("occlusion", "occlusion"),
        ("shapley_sampling", "shapley_sampling"),
        ("saliency", "saliency"),
    ],
)
def test_the_names_of_deepexplain_are_aliases(alias: str, name: str):
    with dx.DeepExplain(mlp()) as de:
        found, expected = (de.explain(given, X, target=1, seed=0) for given in (alias, name))
    assert found == expected
    assert found.method == name


def test_methods_are_listed_by_their_names():
    assert sorted(set(METHODS)) == METHODS
    assert {"saliency", "gradient_x_input", "integrated_gradients", "epsilon_lrp", "deeplift"} <= set(METHODS)
    assert {"occlusion", "shapley_sampling", "guided_backprop", "deconvnet"} <= set(METHODS)
    assert "elrp" not in METHODS


# --- output= ----------------------------------------------------------------------------------------------


def logits(model: keras.Model, x: Any = X) -> np.ndarray:
    *_, last = model.layers
    return np.asarray(keras.Model(model.input, last.input)(x) @ last.kernel + last.bias)


@pytest.mark.parametrize("activation", ["softmax", "sigmoid"])
def test_auto_explains_the_logit_and_notes_what_was_stripped(activation: str):
    model = mlp()
    model.layers[-1].activation = keras.activations.get(activation)
    e = explain(model)
    np.testing.assert_allclose(e.outputs, logits(model)[:, 1], rtol=1e-5, atol=1e-6)
    (note,) = e.notes
    assert activation.capitalize() in note
    assert "logit" in note


def test_model_explains_the_output_as_it_is():
    model = mlp()
    e = explain(model, output="model")
    np.testing.assert_allclose(e.outputs, model(X)[:, 1], rtol=1e-5)
    np.testing.assert_allclose(e.attributions, derivative(lambda x: model(x)[:, 1], X), rtol=1e-4, atol=1e-6)
    assert e.notes == ()


@pytest.mark.parametrize("activation", ["linear", "relu", "tanh", "softplus"])
def test_auto_strips_nothing_else(activation: str):
    model = mlp()
    model.layers[-1].activation = keras.activations.get(activation)
    e = explain(model)
    np.testing.assert_allclose(e.outputs, model(X)[:, 1], rtol=1e-5, atol=1e-6)
    assert e.notes == ()


def test_auto_strips_a_softmax_layer_and_one_of_a_function():
    for last in (keras.layers.Softmax(), keras.layers.Activation("softmax")):
        inputs = keras.Input((4,))
        scores = keras.layers.Dense(3)(inputs)
        model = filled(keras.Model(inputs, last(scores)))
        e = explain(model)
        np.testing.assert_allclose(e.outputs, keras.Model(inputs, scores)(X)[:, 1], rtol=1e-5)
    score = perceptron()
    e = explain(lambda x: tf.nn.softmax(score(x)))
    np.testing.assert_allclose(e.outputs, score(X)[:, 1], rtol=1e-5)


def test_auto_strips_each_of_several_outputs():
    score = perceptron()
    model = lambda x: [tf.nn.softmax(score(x)), score(x), tf.sigmoid(score(x))]  # noqa: E731
    e = explain(model, target=lambda y: y[0][:, 0] + y[1][:, 1] + y[2][:, 2])
    np.testing.assert_allclose(e.outputs, tf.reduce_sum(score(X), 1), rtol=1e-5)
    assert len(e.notes) == 2


def two_heads() -> keras.Model:
    inputs = keras.Input((4,))
    hidden = keras.layers.Dense(4, activation="tanh")(inputs)
    first = keras.layers.Dense(2, name="first")(hidden)
    return filled(keras.Model(inputs, [first, keras.layers.Dense(3, activation="softmax", name="second")(hidden)]))


@pytest.mark.parametrize(("output", "units"), [("first", 2), (0, 2), (-2, 2), ("second", 3), (1, 3), (-1, 3)])
def test_one_of_several_outputs_by_name_or_index(output: Any, units: int):
    model = two_heads()
    for target in range(units):
        e = explain(model, target=target, output=output)
        expected = model(X)[units - 2][:, target]
        if units == 3:  # its softmax is stripped
            rest = explain(model, target=0, output=output)
            np.testing.assert_allclose(
                e.outputs - rest.outputs, tf.math.log(expected / model(X)[1][:, 0]), rtol=1e-3, atol=1e-5
            )
        else:
            np.testing.assert_allclose(e.outputs, expected, rtol=1e-5)


def test_one_of_a_dict_of_outputs():
    score = perceptron()
    model = lambda x: {"z": score(x)[:, :1], "a": score(x)[:, 1:]}  # noqa: E731
    np.testing.assert_allclose(explain(model, output="z", target=None).outputs, score(X)[:, 0], rtol=1e-5)
    np.testing.assert_allclose(explain(model, output="a", target=1).outputs, score(X)[:, 2], rtol=1e-5)


def test_a_name_among_outputs_of_which_one_is_a_structure():
    score = perceptron()
    model = lambda x: {"a": [score(x), 2 * score(x)], "b": 3 * score(x), "c": 5 * score(x)}  # noqa: E731
    np.testing.assert_allclose(explain(model, output="b").outputs, 3 * score(X)[:, 1], rtol=1e-5)
    np.testing.assert_allclose(explain(model, output="c").outputs, 5 * score(X)[:, 1], rtol=1e-5)
    np.testing.assert_allclose(explain(model, output=2).outputs, 3 * score(X)[:, 1], rtol=1e-5)
    both = explain(model, output="model", target=lambda y: y["a"][1][:, 0] + y["c"][:, 1])
    np.testing.assert_allclose(both.outputs, 2 * score(X)[:, 0] + 5 * score(X)[:, 1], rtol=1e-5)


def test_an_output_that_is_no_float_may_stand_beside_the_chosen_one():
    score = perceptron()
    model = lambda x: {"class": tf.argmax(score(x), 1), "score": score(x)}  # noqa: E731
    np.testing.assert_allclose(explain(model, output="score").outputs, score(X)[:, 1], rtol=1e-5)


# --- layer= -----------------------------------------------------------------------------------------------


def parts() -> tuple[keras.Model, keras.Model, keras.Model]:
    """A model, its first half up to the layer `middle`, and its second half."""
    inputs = keras.Input((4,))
    middle = keras.layers.Dense(3, activation="tanh", name="middle")(inputs)
    after = [keras.layers.Dense(4, activation="softplus"), keras.layers.Dense(2)]
    model = filled(keras.Model(inputs, after[1](after[0](middle))))
    second = keras.Input((3,))
    return model, keras.Model(inputs, middle), keras.Model(second, after[1](after[0](second)))


@each_of(AT_LAYERS, KINDS)
def test_a_layer_is_explained_as_if_the_rest_were_the_model(method: str):
    model, first, second = parts()
    middle = np.asarray(first(X))
    found = explain(model, method, like=middle, layer="middle")
    expected = explain(second, method, middle, like=middle)
    assert found.attributions.shape == (3, 3)
    np.testing.assert_allclose(found.attributions, expected.attributions, rtol=1e-4, atol=1e-6)
    for name in ("outputs", "baseline_outputs"):
        one, other = getattr(found, name), getattr(expected, name)
        assert (one is None) == (other is None)
        if one is not None:
            np.testing.assert_allclose(one, other, rtol=1e-5)


@pytest.mark.parametrize("call", [0, 1, 2])
def test_one_call_of_a_shared_layer(call: int):
    inputs = keras.Input((4,))
    shared, last = keras.layers.Dense(4, activation="tanh", name="shared"), keras.layers.Dense(2)
    model = filled(keras.Model(inputs, last(shared(shared(shared(inputs))))))
    values = X
    for _ in range(call + 1):
        values = shared(values)

    def rest(values: tf.Tensor) -> tf.Tensor:
        for _ in range(2 - call):
            values = shared(values)
        return last(values)[:, 1]

    e = explain(model, layer=f"shared:{call}")
    np.testing.assert_allclose(e.attributions, derivative(rest, np.asarray(values)), rtol=1e-4, atol=1e-6)


def test_a_layer_of_a_nested_model_and_a_nested_model_itself():
    inner_input = keras.Input((4,))
    inner = keras.Model(inner_input, keras.layers.Dense(3, activation="tanh", name="deep")(inner_input), name="inner")
    inputs = keras.Input((4,))
    last = keras.layers.Dense(2)
    model = filled(keras.Model(inputs, last(inner(inputs))))
    expected = derivative(lambda values: last(values)[:, 1], np.asarray(inner(X)))
    for layer in ("deep", "inner"):
        np.testing.assert_allclose(explain(model, layer=layer).attributions, expected, rtol=1e-5)


def test_a_layer_of_a_subclassed_model():
    case = STRUCTURES["subclassed"]
    model = case.build()
    e = explain(model, layer=model.second.name, output="model")
    expected = derivative(lambda values: tf.nn.softmax(values)[:, 1], np.asarray(_before_softmax(model)))
    np.testing.assert_allclose(e.attributions, expected, rtol=1e-4, atol=1e-6)


def _before_softmax(model: Any) -> tf.Tensor:
    hidden = tf.nn.silu(model.norm(model.first(X)))
    return model.second(keras.activations.gelu(hidden) + model.slope * tf.nn.relu(hidden))


def test_a_layer_of_a_model_that_the_first_call_builds():
    """To build a layer, Keras calls it once more."""
    model = keras.Sequential([keras.layers.Dense(3, activation="tanh", name="early"), keras.layers.Dense(2)])
    e = explain(model, layer="early")
    np.testing.assert_allclose(e.attributions, np.broadcast_to(model.layers[1].kernel[:, 1], (3, 3)), rtol=1e-5)


def test_the_baseline_of_a_layer_replaces_that_layer_alone():
    """Masks and other inputs stay at x."""
    tokens, values = keras.Input((3,), dtype="int32"), keras.Input((3,))
    embedded = keras.layers.Embedding(6, 1, name="embedding")(tokens)
    summed = keras.layers.Reshape((3,))(embedded) * values
    model = filled(keras.Model([tokens, values], keras.ops.sum(summed, 1, keepdims=True)))
    ids = np.array([[1, 2, 3], [5, 0, 4], [2, 2, 1]])
    e = explain(model, "deeplift", [ids, X[:, :3]], target=None, layer="embedding")
    table = np.asarray(model.get_layer("embedding").embeddings)
    assert isinstance(e.attributions, np.ndarray)
    np.testing.assert_allclose(e.attributions[..., 0], table[ids, 0] * X[:, :3], rtol=1e-5)
    np.testing.assert_allclose(e.baseline_outputs, np.zeros(3), atol=1e-6)
    with dx.DeepExplain(model, layer="embedding") as de:
        e = de.explain("deeplift", [ids, X[:, :3]], baseline=2.0)
    np.testing.assert_allclose(e.baseline_outputs, 2 * X[:, :3].sum(1), rtol=1e-5, atol=1e-6)


def test_a_mask_stays_at_x_when_an_embedding_is_replaced():
    case = STRUCTURES["tokens_with_a_mask"]
    ids = np.array([[1, 2, 0], [3, 0, 0]], np.int32)
    e = explain(case.build(), "deeplift", ids, layer="embedding", output="model")
    np.testing.assert_allclose(e.attributions[0, 2], 0, atol=1e-7)
    np.testing.assert_allclose(e.attributions[1, 1:], 0, atol=1e-7)
    assert np.abs(e.attributions[0, :2]).min() > 1e-6
    np.testing.assert_allclose(e.completeness_gap, 0, atol=1e-6)


def test_a_layer_of_a_model_with_a_fixed_batch_size():
    inputs = keras.Input(batch_shape=(2, 4))
    hidden = keras.layers.Dense(3, activation="tanh", name="middle")(inputs)
    last = keras.layers.Dense(2)
    model = filled(keras.Model(inputs, last(hidden)))
    e = explain(model, layer="middle")
    np.testing.assert_allclose(e.attributions, np.broadcast_to(last.kernel[:, 1], (3, 3)), rtol=1e-5)


# --- what an Explanation says -----------------------------------------------------------------------------


@each_of(BY_ELEMENT, KINDS)
def test_the_fields_of_an_explanation(method: str):
    e = explain(perceptron(), method)
    by_steps = ("blur_ig", "guided_ig", "idgi", "integrated_gradients", "layer_conductance", "internal_influence")
    complete = method in (*by_steps[:5], "expected_gradients", "deeplift", "kernel_shap", "shapley_sampling")
    compares = complete or method in (*by_steps, *EVALUATING)
    ends = "evaluated at the ends of each path only: "
    assert isinstance(e, dx.Explanation)
    assert (e.method, e.target) == (method, 1)
    sampled, stepped = ("the attributions of 3 of 3 examples do no", "the attributions of 1 of 3 examples do no")
    notes = {"integrated_gradients": [ends], "expected_gradients": [sampled], "guided_ig": [stepped]}
    assert [note[: len(ends)] for note in e.notes] == notes.get(method, [])
    np.testing.assert_allclose(e.outputs, perceptron()(X)[:, 1], rtol=1e-5)
    assert (e.baseline_outputs is not None) == compares
    if compares and method != "blur_ig":  # whose beginning tests/methods/blur_ig_test.py knows
        baselines = options_of(method, X).get("background", np.zeros((1, 4))).astype(np.float32)
        start = np.asarray(perceptron()(baselines))[:, 1].mean()
        np.testing.assert_allclose(e.baseline_outputs, np.repeat(start, 3), rtol=1e-5)
    assert (e.completeness_gap is not None) == (complete or method == "lrp")
    if e.completeness_gap is not None:
        start = 0 if e.baseline_outputs is None else e.baseline_outputs
        gap = e.attributions.astype(np.float64).sum(1) - (e.outputs.astype(np.float64) - start)
        np.testing.assert_allclose(e.completeness_gap, gap, atol=1e-6)
    assert e.n_steps == (8 if method in by_steps else None)
    assert (e.standard_error is not None) == (method in ("expected_gradients", "rise", "shapley_sampling"))
    assert e.estimated_error is None


def test_a_gap_counts_a_group_once():
    groups = np.array([0, 0, 1, 1])
    with dx.DeepExplain(perceptron()) as de:
        e = de.explain("shapley_sampling", X, target=0, groups=groups)
    assert np.abs(e.completeness_gap).max() < 1e-5
    np.testing.assert_array_equal(e.attributions[:, 0], e.attributions[:, 1])
    summed = e.attributions[:, 0] + e.attributions[:, 2]
    np.testing.assert_allclose(summed, e.outputs - e.baseline_outputs, rtol=1e-4, atol=1e-6)


def test_a_repeated_call_gives_the_same_object_by_value():
    with dx.DeepExplain(perceptron()) as de:
        for method in DIFFERENT:
            options = {"seed": 0, **options_of(method, X)}
            assert de.explain(method, X, target=0, **options) == de.explain(method, X, target=0, **options)


def test_an_explainer_takes_arguments_when_it_is_made_and_when_it_is_called():
    with dx.DeepExplain(perceptron()) as de:
        fixed = de.explainer("integrated_gradients", target=0, baseline=0.5, n_steps=3)
        expected = de.explain("integrated_gradients", X, target=2, baseline=0.5, n_steps=5)
        assert fixed(X, target=2, n_steps=5) == expected
        assert fixed(X) == de.explain("integrated_gradients", X, target=0, baseline=0.5, n_steps=3)


def test_a_deepexplain_may_be_entered_again():
    de = dx.DeepExplain(perceptron())
    with de:
        first = de.explain("saliency", X, target=0)
    with de:
        assert de.explain("saliency", X, target=0) == first


def test_progress_changes_nothing(capsys: pytest.CaptureFixture[str]):
    """A bar appears after two seconds; these calls take less."""
    with dx.DeepExplain(perceptron()) as de:
        quiet = de.explain("saliency", X, target=0, batch_size=1)
        assert de.explain("saliency", X, target=0, batch_size=1, progress=True) == quiet
    assert capsys.readouterr() == ("", "")
