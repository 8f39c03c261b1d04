"""Several units explained in one call: the numbers of one call for each."""

from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

import deepexplain_tf as dx
from deepexplain_tf.errors import OptionError, TargetError
from tests.checks import BY_ELEMENT, KINDS, each_of, explain, in_turn, options_of
from tests.models import filled, floats, perceptron

X = np.random.default_rng(0).normal(size=(5, 4))
EACH = np.random.default_rng(1).normal(size=X.shape)  # a baseline for each example
_FIELDS = ("attributions", "outputs", "baseline_outputs", "completeness_gap", "standard_error", "estimated_error")


def assert_units(e: Any, singles: list[Any], axis: int = 1) -> None:
    """Asserts that each field holds those of the single units, stacked along an axis."""
    for name in _FIELDS:
        found, wanted = getattr(e, name), [getattr(single, name) for single in singles]
        if found is not None:
            np.testing.assert_allclose(found, np.stack(wanted, axis), rtol=1e-9, atol=1e-12, err_msg=name)
        else:
            assert wanted == [None] * len(singles)


@each_of(BY_ELEMENT, KINDS)
def test_every_method(method: str):
    options = {"seed": 0, **options_of(method, X)}
    with dx.DeepExplain(perceptron("float64")) as de:
        explainer = de.explainer(method, **options)
        singles = [explainer(X, target=unit) for unit in range(3)]
        before = explainer.n_traces
        e = explainer(X, target="all")
        assert explainer.n_traces == before
        assert e.attributions.shape == (5, 3, 4) and e.target == "all"
        assert_units(e, singles)
        for sizes in ({"batch_size": 2}, {"chunk_size": 3}):
            assert_units(explainer(X, target="all", **sizes), singles)
        assert_units(explainer(X, target=range(2, 0, -1)), singles[:0:-1])


@pytest.mark.parametrize("jit_compile", [True, pytest.param(False, marks=pytest.mark.long)])
@pytest.mark.parametrize("method", in_turn(["integrated_gradients", "deeplift", "occlusion"], 3))
def test_xla_and_baselines_of_each_example(method: str, jit_compile: bool):
    with dx.DeepExplain(perceptron("float64"), jit_compile=jit_compile) as de:
        singles = [de.explain(method, X, target=unit, baseline=EACH) for unit in range(3)]
        assert_units(de.explain(method, X, target="all", baseline=EACH), singles)


def test_a_tolerance_is_that_of_each_unit():
    with dx.DeepExplain(perceptron("float64")) as de:
        singles = [de.explain("integrated_gradients", X, target=unit, tolerance=0.01) for unit in range(3)]
        e = de.explain("integrated_gradients", X, target="all", tolerance=0.01)
    assert_units(e, singles)
    np.testing.assert_array_equal(e.n_steps, np.stack([single.n_steps for single in singles], 1))


def steps() -> keras.Model:
    with floats("float64"):
        inputs = keras.Input((4, 3))
        return filled(keras.Model(inputs, keras.layers.Dense(2)(keras.layers.LSTM(3, return_sequences=True)(inputs))))


@pytest.mark.parametrize(
    ("target", "units"),
    [
        pytest.param("all", np.arange(8).reshape(4, 2), marks=pytest.mark.long),
        pytest.param((range(1, 4), "all"), np.arange(2, 8).reshape(3, 2), marks=pytest.mark.long),
        ((-1, "all"), np.array([6, 7])),
    ],
)
def test_an_output_of_several_axes_keeps_them(target: Any, units: np.ndarray):
    x = np.random.default_rng(0).normal(size=(2, 4, 3))
    with dx.DeepExplain(steps()) as de:
        e = de.explain("deeplift", x, target=target)
        assert e.attributions.shape == (2, *units.shape, 4, 3) and e.outputs.shape == (2, *units.shape)
        for place, number in np.ndenumerate(units):
            single = de.explain("deeplift", x, target=divmod(int(number), 2))
            at = (slice(None), *place)
            np.testing.assert_allclose(e.attributions[at], single.attributions, rtol=1e-9, atol=1e-12)
            np.testing.assert_allclose(e.completeness_gap[at], single.completeness_gap, atol=1e-12)


def test_inputs_in_a_structure_and_a_fixed_batch():
    with floats("float64"):
        left, right = keras.Input((4,), batch_size=2, name="left"), keras.Input((4,), batch_size=2, name="right")
        model = filled(keras.Model({"left": left, "right": right}, keras.layers.Dense(3, "tanh")(left * right)))
    x = {"left": X, "right": EACH}
    with dx.DeepExplain(model) as de:
        e = de.explain("deeplift", x, target="all")
        for unit in range(3):
            single = de.explain("deeplift", x, target=unit)
            for name in x:
                np.testing.assert_allclose(e.attributions[name][:, unit], single.attributions[name], rtol=1e-9)


def test_inside_a_function_and_differentiated():
    with dx.DeepExplain(perceptron("float64")) as de:
        explainer = de.explainer("integrated_gradients", target="all", n_steps=4)
        x = tf.Variable(X)
        inside = tf.function(lambda: explainer(x).attributions)
        np.testing.assert_allclose(inside(), explainer(X).attributions, rtol=1e-9)
        with tf.GradientTape() as tape:
            asked = tf.reduce_sum(explainer(x, tensors=True).attributions[:, 1] ** 2)
        with tf.GradientTape() as other:
            one = tf.reduce_sum(explainer(x, target=1, tensors=True).attributions ** 2)
        np.testing.assert_allclose(tape.gradient(asked, x), other.gradient(one, x), rtol=1e-9)


def test_an_export_gives_all_units(tmp_path: Any):
    with dx.DeepExplain(perceptron("float64")) as de:
        explainer = de.explainer("deeplift", target="all", baseline=None)
        expected = explainer(X)
        explainer.export(tmp_path / "all")
    signature = tf.saved_model.load(tmp_path / "all").signatures["explain"]
    (name,) = signature.structured_input_signature[1]
    found = signature(**{name: tf.constant(X)})
    np.testing.assert_allclose(found["attributions"], expected.attributions, rtol=1e-9)
    assert found["outputs"].shape == (5, 3)


def test_a_sum_that_is_off_is_noted_of_units():
    e = explain(perceptron("float64"), "integrated_gradients", 9 * X, target="all", n_steps=1, quadrature="left")
    assert any("of 15 units do not add up" in note for note in e.notes)


def test_what_takes_one_target_refuses_several():
    with dx.DeepExplain(perceptron("float64")) as de:
        with pytest.raises(OptionError, match="an audit takes one target"):
            de.audit("deeplift", X, target="all")
        with pytest.raises(TargetError, match="hold a unit"):
            de.explain("deeplift", X, target=range(3, 3))
    with pytest.raises(TargetError, match="a comparison takes one target"):
        dx.compare(perceptron("float64"), X, target="all", methods=["deeplift"], metrics=["completeness"])
