"""Rewritten models, coverage, users' own rules, and ops that pass without one."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

import deepexplain_tf as dx
from deepexplain_tf.errors import OptionError, UnsupportedOpError
from deepexplain_tf.methods.base import make
from tests.checks import derivative, options_of
from tests.models import STRUCTURES, filled, mlp, perceptron, weight

X = np.random.default_rng(0).normal(size=(3, 4)).astype(np.float32)
METHODS = dx.list_methods()
GRADIENTS = ("saliency", "guided_backprop", "deconvnet", "epsilon_lrp", "deeplift")


def explain(model: Any, method: str, x: Any = X, *, target: Any = 1, baseline: Any = None, **settings: Any) -> Any:
    with dx.DeepExplain(model, **settings) as de:
        options = {"signed": True} if method == "saliency" else {}
        return de.explain(method, x, target=target, baseline=baseline, **options)


def rectified(dtype: str = "float32") -> keras.Model:
    inputs = keras.Input((4,), dtype=dtype)
    hidden = keras.layers.Dense(6, activation="relu", dtype=dtype)(inputs)
    hidden = keras.layers.Dense(5, activation="tanh", dtype=dtype)(hidden)
    return filled(keras.Model(inputs, keras.layers.Dense(3, activation="softmax", dtype=dtype)(hidden)))


# --- rewrite ----------------------------------------------------------------------------------------------


def replaced_gradient(rewritten: Callable[..., Any], x: np.ndarray, select: Callable[[Any], tf.Tensor]) -> np.ndarray:
    return derivative(lambda x: select(rewritten(x)), x)


@pytest.mark.parametrize(
    "name", [name for name, case in STRUCTURES.items() if not case.batch and name != "layer_beside_inputs"]
)
@pytest.mark.parametrize("method", ["epsilon_lrp", "deeplift"])
def test_the_values_are_those_of_the_model_in_their_structure(name: str, method: str):
    case = STRUCTURES[name]
    model, inputs = case.build(), case.inputs(3)
    settings = {key: value for key, value in case.settings.items() if key == "layer"}
    with dx.DeepExplain(model, **settings) as de:
        found = de.rewrite(method)(inputs)
    if isinstance(model, keras.Model):
        expected = model(inputs)
    elif isinstance(inputs, dict):
        expected = model(**inputs)
    else:
        expected = model(*inputs) if isinstance(inputs, list | tuple) else model(inputs)
    tf.nest.assert_same_structure(found, expected)
    for one, other in zip(tf.nest.flatten(found), tf.nest.flatten(expected), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("method", GRADIENTS)
def test_its_gradient_is_that_of_explain(method: str):
    model = rectified()
    with dx.DeepExplain(model, output="model") as de:
        options = {"signed": True} if method == "saliency" else {}
        baseline = 0.25 if method == "deeplift" else None
        attributions = de.explain(method, X, target=2, baseline=baseline, **options).attributions
        rewritten = de.rewrite(method, baseline)
    factor = {"epsilon_lrp": X, "deeplift": X - 0.25}.get(method, 1.0)
    found = factor * replaced_gradient(rewritten, X, lambda outputs: outputs[:, 2])
    np.testing.assert_allclose(found, attributions, rtol=1e-5, atol=1e-7)


def test_nothing_is_stripped_from_a_rewritten_model():
    with dx.DeepExplain(mlp()) as de:
        outputs = de.rewrite("deeplift")(X)
    np.testing.assert_allclose(tf.reduce_sum(outputs, 1), np.ones(3), rtol=1e-6)


def test_all_outputs_of_a_rewritten_model_have_the_replaced_gradient():
    inputs = keras.Input((4,))
    hidden = keras.layers.Dense(4, activation="relu")(inputs)
    model = filled(keras.Model(inputs, {"a": keras.layers.Dense(1)(hidden), "b": keras.layers.Dense(2)(hidden)}))
    with dx.DeepExplain(model, output="a") as de:
        rewritten = de.rewrite("guided_backprop")
        assert set(rewritten(X)) == {"a", "b"}
    for name, unit in (("a", 0), ("b", 1)):
        found = replaced_gradient(rewritten, X, lambda outputs, name=name, unit=unit: outputs[name][:, unit])
        expected = explain(model, "guided_backprop", target=unit, output=name).attributions
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-7)


def test_a_rewritten_model_inside_a_tf_function_and_under_xla():
    model = rectified()
    with dx.DeepExplain(model) as de:
        rewritten = de.rewrite("deeplift", np.full(4, 0.5))
    expected = replaced_gradient(rewritten, X, lambda outputs: outputs[:, 0])

    def gradient(x: tf.Tensor) -> tf.Tensor:
        with tf.GradientTape() as tape:
            tape.watch(x)
            value = rewritten(x)[:, 0]
        return tape.gradient(value, x)

    for jit_compile in (False, True):
        found = tf.function(gradient, jit_compile=jit_compile)(tf.constant(X))
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-7)


def test_a_rewritten_model_by_an_override_map():
    with dx.DeepExplain(rectified()) as de:
        by_map = de.rewrite({"Relu": times(3.0), "Tanh": times(5.0)})
        plain = de.rewrite({})
    np.testing.assert_allclose(by_map(X), rectified()(X), rtol=1e-5)
    first, _, second, _, third, bias = (np.asarray(array) for array in rectified().weights)
    del bias
    assert third.shape == (5, 3)
    found = replaced_gradient(by_map, X, lambda outputs: tf.math.log(outputs[:, 0] / outputs[:, 1]))
    expected = 15.0 * first @ second @ (third[:, 0] - third[:, 1])
    np.testing.assert_allclose(found, np.broadcast_to(expected, X.shape), rtol=1e-4)
    found = replaced_gradient(plain, X, lambda outputs: outputs[:, 0])
    np.testing.assert_allclose(
        found, replaced_gradient(rectified(), X, lambda outputs: outputs[:, 0]), rtol=1e-5, atol=1e-7
    )


def test_a_rewritten_model_lives_on_after_the_block_and_follows_training():
    model = mlp()
    with dx.DeepExplain(model) as de:
        rewritten = de.rewrite("guided_backprop")
    before = rewritten(X)
    for variable in model.trainable_variables:
        variable.assign(variable * 0.5)
    assert np.abs(rewritten(X) - before).max() > 1e-3
    np.testing.assert_allclose(rewritten(X), model(X), rtol=1e-5)


@pytest.mark.parametrize("baseline", [None, 0.5, np.full(4, 0.5), [np.full(4, 0.5)], np.full((1, 4), 0.5)])
def test_baselines_of_a_rewritten_model(baseline: Any):
    with dx.DeepExplain(mlp()) as de:
        rewritten = de.rewrite("deeplift", baseline)
    start = 0.0 if baseline is None else 0.5
    found = (X - start) * replaced_gradient(rewritten, X, lambda outputs: outputs[:, 1])
    at_start = mlp()(np.full((1, 4), start, np.float32))
    np.testing.assert_allclose(found.sum(1), mlp()(X)[:, 1] - at_start[:, 1], rtol=1e-4, atol=1e-6)


# --- coverage ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "tanh", "softmax"),
    [
        ("gradient_x_input", "gradient", "gradient"),
        ("epsilon_lrp", "exact", "gradient"),
        ("deeplift", "exact", "exact"),
        ("guided_backprop", "gradient", "gradient"),
        ("integrated_gradients", "gradient", "gradient"),
        ("occlusion", "exact", "exact"),
    ],
)
def test_coverage_says_what_happens_at_each_active_op(method: str, tanh: str, softmax: str):
    with dx.DeepExplain(mlp(), output="model") as de:
        coverage = de.coverage(method)
    verdicts = {op.type: verdict for op, verdict in coverage}
    assert verdicts["Tanh"] == tanh
    assert verdicts["Softmax"] == softmax
    assert verdicts["MatMul"] == ("exact" if method == "occlusion" else "linear")
    assert len(coverage) == len(list(coverage)) == sum(coverage.counts.values())
    assert set(coverage.counts) == {"exact", "linear", "gradient", "refused"}
    assert coverage.counts["refused"] == 0
    assert coverage.refused() == []


def test_coverage_counts_only_what_lies_between_the_input_and_the_target():
    with dx.DeepExplain(mlp()) as de:  # the softmax is stripped
        assert "Softmax" not in [op.type for op, _ in de.coverage("deeplift")]
        assert de.coverage("deeplift").counts["exact"] == 1
    with dx.DeepExplain(mlp(), layer="hidden") as de:
        assert "Tanh" not in [op.type for op, _ in de.coverage("deeplift")]
        assert de.coverage("deeplift").counts["exact"] == 0


def test_coverage_prints_as_a_table():
    with dx.DeepExplain(mlp()) as de:
        coverage = de.coverage("epsilon_lrp")
    text = str(coverage)
    lines = text.splitlines()
    assert lines[0].split() == ["op", "type", "kind", "verdict"]
    assert len(lines) == len(coverage) + 3
    for (op, verdict), line in zip(coverage, lines[2:], strict=False):
        assert line.split() == [op.name, op.type, str(op.kind.value), verdict]
    assert lines[-1].startswith(f"{len(coverage)} active ops: 1 exact")


@pytest.mark.parametrize("method", METHODS)
def test_coverage_reads_every_structure(method: str):
    for name in ("functional", "sequential", "list_of_inputs", "dict_of_outputs", "fixed_batch_size"):
        case = STRUCTURES[name]
        settings = {key: value for key, value in case.settings.items() if key != "output"}
        with dx.DeepExplain(case.build(), **settings) as de:
            coverage = de.coverage(method)
        assert len(coverage) > 0
        assert coverage.counts["refused"] == 0


def matrix_root(x: tf.Tensor) -> tf.Tensor:
    """No rule is given for the root of a matrix."""
    matrix = x[:, :, None] * x[:, None, :] + tf.eye(4)
    return tf.tanh(tf.linalg.sqrtm(matrix, name="rooted")[:, 0, :3])


def test_coverage_shows_what_is_refused_and_does_not_raise():
    with dx.DeepExplain(matrix_root, input_signature=[tf.TensorSpec([None, 4])]) as de:
        coverage = de.coverage("deeplift")
        (op,) = coverage.refused()
        assert (op.type, op.name.split("/")[0]) == ("MatrixSquareRoot", "rooted")
        assert coverage.counts["refused"] == 1
        assert "refused" in str(coverage)
        assert de.coverage("saliency").counts["refused"] == 0


def test_coverage_shows_what_cannot_be_emitted_as_refused():
    """No method runs on a Python function."""

    def model(x: tf.Tensor) -> tf.Tensor:
        return tf.reduce_sum(tf.ensure_shape(tf.numpy_function(np.tanh, [x], tf.float32), [None, 4]), 1)

    with dx.DeepExplain(model, input_signature=[tf.TensorSpec([None, 4])]) as de:
        for method in ("saliency", "occlusion"):
            assert de.coverage(method).counts["refused"] == 1


def test_coverage_agrees_with_explain_on_overrides():
    with dx.DeepExplain(
        matrix_root, overrides={"MatrixSquareRoot": plainly}, input_signature=[tf.TensorSpec([None, 4])]
    ) as de:
        assert de.coverage("deeplift").counts["refused"] == 0
        assert np.isfinite(de.explain("deeplift", X, target=0).attributions).all()


# --- overrides --------------------------------------------------------------------------------------------


def times(factor: float, as_list: bool = False) -> Callable[..., Any]:
    """Makes a rule that multiplies the upstream gradient by a number, whatever the op."""

    def rule(op: Any, inputs: Sequence[tf.Tensor]) -> Any:
        @tf.custom_gradient
        def replaced(*inputs: tf.Tensor):
            output = op(*inputs)
            zeros = [tf.zeros_like(tensor) for tensor in inputs[1:]]
            return ([output] if as_list else output), lambda upstream: [factor * upstream, *zeros]

        return replaced(*inputs)

    return rule


def plainly(op: Any, inputs: Sequence[tf.Tensor]) -> Any:
    return op(*inputs)


def chain(x: tf.Tensor) -> tf.Tensor:
    """relu, tanh and a linear layer in between and behind, whose products are known."""
    return tf.matmul(tf.tanh(tf.matmul(tf.nn.relu(x + 0.1), FIRST) + 0.2), SECOND) + 0.3


FIRST, SECOND = weight(4, 4), weight(4, 2, seed=1)


def expected_chain(x: np.ndarray, relu: Any, tanh: Any) -> np.ndarray:
    """The gradient of the second output of `chain` with given derivatives of its two nonlinearities."""
    first, second = FIRST.numpy(), SECOND.numpy()
    pre = np.maximum(x + 0.1, 0) @ first + 0.2
    at_relu = (x > -0.1).astype(np.float32) if relu is None else relu
    at_tanh = 1 - np.tanh(pre) ** 2 if tanh is None else tanh
    return ((second[:, 1] * at_tanh) @ first.T if np.ndim(at_tanh) else (second[:, 1] @ first.T) * at_tanh) * at_relu


@pytest.mark.parametrize("as_list", [False, True])
@pytest.mark.parametrize("method", ["saliency", "guided_backprop", "epsilon_lrp"])
def test_a_users_rule_replaces_the_gradient_of_its_op(method: str, as_list: bool):
    overrides = {"Relu": times(2.0, as_list), "Tanh": times(3.0, as_list)}
    e = explain(chain, method, overrides=overrides)
    expected = np.broadcast_to(expected_chain(X, 2.0, 3.0), X.shape) * (X if method == "epsilon_lrp" else 1)
    np.testing.assert_allclose(e.attributions, expected, rtol=1e-5)
    np.testing.assert_allclose(e.outputs, chain(X)[:, 1], rtol=1e-5)


def test_a_users_rule_is_merged_over_the_map_of_the_method():
    """Only Tanh is replaced: the rectifier keeps the rule of the method."""
    upstream = expected_chain(X, 1.0, 3.0)
    guided = explain(chain, "guided_backprop", overrides={"Tanh": times(3.0)}).attributions
    np.testing.assert_allclose(guided, np.maximum(upstream, 0) * (X > -0.1), rtol=1e-5, atol=1e-7)
    deconvnet = explain(chain, "deconvnet", overrides={"Tanh": times(3.0)}).attributions
    np.testing.assert_allclose(deconvnet, np.broadcast_to(np.maximum(upstream, 0), X.shape), rtol=1e-5, atol=1e-7)


def test_an_op_type_goes_before_a_kind():
    both = {"activation": times(2.0), "Tanh": times(3.0)}
    for overrides in (both, dict(reversed(both.items()))):
        found = explain(chain, "saliency", overrides=overrides).attributions
        np.testing.assert_allclose(found, np.broadcast_to(expected_chain(X, 2.0, 3.0), X.shape), rtol=1e-5)


def test_a_users_kind_goes_before_the_op_type_of_a_method():
    """The map of guided backpropagation names Relu; the user's names its kind."""
    found = explain(chain, "guided_backprop", overrides={"activation": times(2.0)}).attributions
    np.testing.assert_allclose(found, np.broadcast_to(expected_chain(X, 2.0, 2.0), X.shape), rtol=1e-5)


@pytest.mark.parametrize("as_list", [False, True])
def test_a_users_rule_inside_deeplift(as_list: bool):
    """At Tanh the user's factor; at Relu the secant."""
    e = explain(chain, "deeplift", baseline=-1.0, overrides={"Tanh": times(3.0, as_list)})
    secant = (np.maximum(X + 0.1, 0) - 0) / (X + 1)
    np.testing.assert_allclose(e.attributions, (X + 1) * expected_chain(X, secant, 3.0), rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(e.outputs, chain(X)[:, 1], rtol=1e-5)
    np.testing.assert_allclose(e.baseline_outputs, np.repeat(chain(tf.fill([1, 4], -1.0))[:, 1], 3), rtol=1e-5)


@pytest.mark.parametrize("jit_compile", [False, True])
def test_a_users_rule_inside_integrated_gradients_and_a_loop_on_the_device(jit_compile: bool):
    overrides = {"Relu": times(2.0), "Tanh": times(3.0)}
    e = explain(chain, "integrated_gradients", overrides=overrides, jit_compile=jit_compile)
    np.testing.assert_allclose(e.attributions, X * expected_chain(X, 2.0, 3.0), rtol=1e-5)


def test_a_users_rule_may_read_the_values_of_its_op():
    def relevance(op: Any, inputs: Sequence[tf.Tensor]) -> Any:
        @tf.custom_gradient
        def replaced(z: tf.Tensor):
            y = op(z)
            return y, lambda upstream: upstream * y / (z + 1e-4 * tf.where(z >= 0, 1.0, -1.0))

        return replaced(inputs[0])

    found = explain(chain, "gradient_x_input", overrides={"activation": relevance}).attributions
    np.testing.assert_allclose(found, explain(chain, "epsilon_lrp").attributions, rtol=1e-5, atol=1e-7)


def test_a_users_rule_sees_the_op():
    seen = []

    def watch(op: Any, inputs: Sequence[tf.Tensor]) -> Any:
        seen.append((op.type, op.name, str(op.kind.value), op.active, len(inputs)))
        return op(*inputs)

    found = explain(mlp(), "saliency", overrides={"Tanh": watch, "MatMul": watch})
    assert {entry[0] for entry in seen} == {"Tanh", "MatMul"}
    assert all("hidden" in name for kind, name, *_ in seen if kind == "Tanh")
    assert all(active == (0,) and count == 2 for kind, _, _, active, count in seen if kind == "MatMul")
    np.testing.assert_allclose(found.attributions, explain(mlp(), "saliency").attributions, rtol=1e-6)


def test_a_users_rule_at_an_op_with_several_inputs_and_outputs():
    def model(x: tf.Tensor) -> tf.Tensor:
        first, second = tf.split(x, 2, axis=1)
        return tf.reduce_sum(first * second, 1)

    def swapped(op: Any, inputs: Sequence[tf.Tensor]) -> Any:
        @tf.custom_gradient
        def replaced(*inputs: tf.Tensor):
            outputs = op(*inputs)
            zero = tf.zeros_like(inputs[0])
            return outputs, lambda a, b: [zero, tf.concat([b, a], 1)]

        return replaced(*inputs)

    plain = explain(model, "saliency", target=None).attributions
    found = explain(model, "saliency", target=None, overrides={"Split": swapped}).attributions
    np.testing.assert_allclose(found, np.concatenate([plain[:, 2:], plain[:, :2]], 1))


def test_a_users_rule_makes_a_refused_op_pass():
    with pytest.raises(UnsupportedOpError):
        explain(matrix_root, "deeplift", target=0)
    found = explain(matrix_root, "deeplift", target=0, overrides={"MatrixSquareRoot": plainly})
    assert np.abs(found.attributions).max() > 1e-3
    assert found.notes == ()


def test_a_users_rule_for_groups():
    """GELU, spelled in several ops, is one op of type Group for methods that see it so."""

    def model(x: tf.Tensor) -> tf.Tensor:
        return tf.reduce_sum(0.5 * x * (1 + tf.math.erf(x / np.float32(np.sqrt(2)))), 1)

    found = explain(model, "epsilon_lrp", target=None, overrides={"Group": times(7.0)}).attributions
    np.testing.assert_allclose(found, 7 * X, rtol=1e-5)
    found = explain(model, "deeplift", target=None, overrides={"Group": times(7.0)}).attributions
    np.testing.assert_allclose(found, 7 * X, rtol=1e-5)


def test_overrides_of_one_explainer_do_not_leak_into_another():
    model = rectified()
    before = explain(model, "saliency").attributions
    explain(model, "saliency", overrides={"Relu": times(0.0)})
    np.testing.assert_array_equal(explain(model, "saliency").attributions, before)
    overrides: Mapping[str, Any] = {"Relu": times(2.0)}
    with dx.DeepExplain(model, overrides=overrides) as de:
        first = de.explain("saliency", X, target=1).attributions
        overrides.clear()  # type: ignore[attr-defined]
        np.testing.assert_array_equal(de.explain("saliency", X, target=1).attributions, first)
        de.explain("gradient_x_input", X, target=1)
        assert np.abs(de.explain("gradient_x_input", X, target=1).attributions - X * before).max() > 1e-3


# --- strict -----------------------------------------------------------------------------------------------


def test_without_strict_an_op_without_a_rule_passes_by_plain_gradient_and_is_noted():
    with pytest.raises(UnsupportedOpError, match="MatrixSquareRoot"):
        explain(matrix_root, "deeplift", target=0, baseline=1.0)
    e = explain(matrix_root, "deeplift", target=0, baseline=1.0, strict=False)
    (note,) = e.notes
    assert "MatrixSquareRoot" in note
    assert "rooted" in note
    assert np.isfinite(e.attributions).all()
    overridden = explain(matrix_root, "deeplift", target=0, baseline=1.0, overrides={"MatrixSquareRoot": plainly})
    np.testing.assert_allclose(e.attributions, overridden.attributions, rtol=1e-6)


@pytest.mark.parametrize("method", METHODS)
def test_without_strict_nothing_is_noted_where_every_op_has_a_rule(method: str):
    with dx.DeepExplain(perceptron(), strict=False) as de:
        notes = de.explain(method, X, target=0, **options_of(method, X)).notes
    assert not any("plain gradient" in note for note in notes)


def test_without_strict_python_is_still_refused():
    def model(x: tf.Tensor) -> tf.Tensor:
        return tf.reduce_sum(tf.ensure_shape(tf.numpy_function(np.tanh, [x], tf.float32), [None, 4]), 1)

    with pytest.raises(UnsupportedOpError, match="PyFunc"):
        explain(model, "deeplift", target=None, strict=False)


@pytest.mark.parametrize("method", ["occlusion", "shapley_sampling"])
def test_a_method_that_replaces_no_gradient_has_nothing_to_rewrite(method: str):
    with dx.DeepExplain(mlp()) as de, pytest.raises(OptionError, match=method):
        de.rewrite(method)


def _halving(x):
    """A loop of which no counter tells how often it turns."""

    def turn(n, state):
        return n // 2, tf.tanh(state * 1.1 + 0.1)

    return tf.reduce_sum(tf.while_loop(lambda n, _: n > 1, turn, [tf.constant(40), x])[1], 1, keepdims=True)


@pytest.mark.parametrize("method", ["deeplift", "gradient_x_input", "integrated_gradients", "occlusion"])
def test_a_loop_without_a_bound_is_not_compiled_by_xla(method: str):
    x = np.random.default_rng(0).normal(size=(2, 3))
    found = {}
    for jit in (False, True):
        signature = [tf.TensorSpec([None, 3], tf.float64)]
        with dx.DeepExplain(_halving, input_signature=signature, jit_compile=jit) as de:
            found[jit] = de.explain(method, x)
    np.testing.assert_allclose(found[True].attributions, found[False].attributions, rtol=1e-12)
    assert found[False].notes == ()
    assert [note.startswith("not compiled by XLA") for note in found[True].notes] == [True] * (method != "occlusion")


# --- when XLA compiles ------------------------------------------------------------------------------------


def recurrent() -> keras.Model:
    inputs = keras.Input((3, 4))
    return filled(keras.Model(inputs, keras.layers.Dense(2)(keras.layers.LSTM(3)(inputs))))


def convolutional() -> keras.Model:
    inputs = keras.Input((5, 5, 2))
    hidden = keras.layers.Conv2D(3, 3, activation="tanh")(inputs)
    return filled(keras.Model(inputs, keras.layers.Dense(2)(keras.layers.Flatten()(hidden))))


def dense(units: int) -> keras.Model:
    inputs = keras.Input((4,))
    hidden = keras.layers.Dense(units, activation="relu")(keras.layers.Dense(units, activation="relu")(inputs))
    return filled(keras.Model(inputs, keras.layers.Dense(2)(hidden)))


def compiled_by_xla(model: Any, method: str, **settings: Any) -> bool:
    with dx.DeepExplain(model, **settings) as de:
        engine = de._engine
        objective = engine.objective(engine.model(), None, "index")
        return engine.compiles(make(method, {}), objective)


on_a_cpu = pytest.mark.skipif(bool(tf.config.list_physical_devices("GPU")), reason="a GPU always compiles")


@on_a_cpu
@pytest.mark.parametrize("method", ["integrated_gradients", "expected_gradients"])
def test_on_a_cpu_gradients_through_loops_are_compiled_where_there_are_many(method: str):
    assert compiled_by_xla(recurrent(), method)
    assert not compiled_by_xla(mlp(), method)
    assert not compiled_by_xla(convolutional(), method)


@on_a_cpu
@pytest.mark.parametrize("method", ["integrated_gradients", "expected_gradients"])
def test_on_a_cpu_gradients_of_dense_layers_are_compiled_where_they_are_no_trifle(method: str):
    assert compiled_by_xla(dense(200), method)
    assert not compiled_by_xla(dense(6), method)


@on_a_cpu
@pytest.mark.parametrize("method", ["saliency", "deeplift", "epsilon_lrp", "occlusion", "shapley_sampling"])
def test_on_a_cpu_what_does_not_repeat_gradients_is_not_compiled(method: str):
    assert not compiled_by_xla(recurrent(), method)
    assert not compiled_by_xla(dense(200), method)


@pytest.mark.parametrize("method", METHODS)
def test_the_users_word_decides(method: str):
    for build in (recurrent, mlp):
        assert compiled_by_xla(build(), method, jit_compile=True)
        assert not compiled_by_xla(build(), method, jit_compile=False)


def test_a_recurrent_network_has_the_same_integrals_compiled_by_itself_or_not():
    x = np.random.default_rng(3).normal(size=(3, 3, 4)).astype(np.float32)
    found, expected = (
        explain_path(recurrent(), x, jit_compile=jit_compile).attributions for jit_compile in ("auto", False)
    )
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5 * np.abs(expected).max())


def explain_path(model: Any, x: np.ndarray, **settings: Any) -> Any:
    with dx.DeepExplain(model, **settings) as de:
        return de.explain("integrated_gradients", x, target=1, n_steps=8)


def explain_shapes(calls: Callable[[Any], None], **settings: Any) -> list[set[Any]]:
    """Returns the forms of all that the compiled programs are fed, for each program: XLA compiles each form once."""
    programs: dict[Any, set[Any]] = {}
    with dx.DeepExplain(perceptron(), jit_compile=True, **settings) as de:
        engine = de._engine
        attribution = engine.attribution

        def watched(method: Any, objective: Any, chunks: Any, arguments: Any) -> Any:
            found = attribution(method, objective, chunks, arguments)
            forms = programs.setdefault(found, set())
            forms.add(tuple((tuple(a.shape), a.dtype) for a in tf.nest.flatten(list(arguments.values()))))
            return found

        engine.attribution = watched
        calls(de)
    return list(programs.values())


@pytest.mark.parametrize("method", ["integrated_gradients", "expected_gradients"])
def test_other_steps_targets_and_baselines_do_not_compile_again(method: str):
    def calls(de: Any) -> None:
        explain = de.explainer(method, **options_of(method, X))
        explain(X, target=0)
        explain(X[::-1].copy(), target=2)
        explain(X, target=[0, 1, 2])
        if method == "integrated_gradients":
            for n_steps in (1, 9, 50):
                explain(X, target=0, n_steps=n_steps, quadrature="midpoint")
            for baseline in (0.5, X[0], -1):
                explain(X, target=0, baseline=baseline)
        else:
            for n_samples in (2, 9, 50):
                explain(X, target=0, n_samples=n_samples, sampling="random")

    (forms,) = explain_shapes(calls)
    assert len(forms) == 1


@pytest.mark.parametrize("method", ["integrated_gradients", "expected_gradients"])
def test_any_number_of_examples_needs_few_compilations(method: str):
    """Batches are padded to powers of two, and full ones have one size."""

    def calls(de: Any) -> None:
        explain = de.explainer(method, target=0, batch_size=16, **options_of(method, X))
        for count in (16, 5, 6, 7, 8, 13, 15, 29, 32, 47, 3):
            explain(np.random.default_rng(count).normal(size=(count, 4)).astype(np.float32))

    (forms,) = explain_shapes(calls)
    assert len(forms) <= 3  # 4, 8 and 16 rows


def test_padding_counts_nothing():
    x = np.random.default_rng(5).normal(size=(5, 4)).astype(np.float32)
    with dx.DeepExplain(perceptron(), jit_compile=True) as de, dx.DeepExplain(perceptron()) as plain:
        for settings in ({}, {"chunk_size": 3}, {"batch_size": 3}, {"chunk_size": 1}):
            found, expected = (
                one.explain("integrated_gradients", x, target=1, n_steps=7, **settings) for one in (de, plain)
            )
            np.testing.assert_allclose(found.attributions, expected.attributions, rtol=1e-4, atol=1e-6)
            np.testing.assert_allclose(found.outputs, expected.outputs, rtol=1e-5)
            assert found.attributions.shape == (5, 4)
