"""Attributions inside training: their derivatives are those of the attributions as functions of weights and inputs."""

from collections.abc import Callable, Sequence
import time
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

import deepexplain_tf as dx
from deepexplain_tf.errors import OptionError
from tests.checks import GENERAL, KINDS, MAPS, in_turn, options_of

RNG = np.random.default_rng(0)
X = RNG.normal(size=(3, 4))
TARGETS = np.array([0, 1, 1])
SEEDS = {name: {"seed": 0} for name in ("expected_gradients", "kernel_shap", "lime", "rise", "shapley_sampling")}
SPEC = [tf.TensorSpec([None, 4], tf.float64)]


def small(*shapes: tuple[int, ...]) -> list[tf.Variable]:
    generator = np.random.default_rng(1)
    return [tf.Variable(generator.normal(size=shape)) for shape in shapes]


def network() -> tuple[Callable[[tf.Tensor], tf.Tensor], list[tf.Variable]]:
    """Returns two smooth layers and a product, and their variables."""
    first, shift, last = small((4, 5), (5,), (5, 2))

    def model(x: tf.Tensor) -> tf.Tensor:
        hidden = tf.tanh(x @ first + shift)
        return (hidden * tf.sigmoid(hidden)) @ last

    return model, [first, shift, last]


def central(function: Callable[[], float], variables: Sequence[tf.Variable], step: float = 1e-4) -> np.ndarray:
    """Returns the derivatives along a random direction of each variable, by central differences of fourth order."""
    slopes = []
    for variable, direction in zip(variables, directions(variables), strict=True):
        start, values = variable.numpy(), {}
        for number in (-2, -1, 1, 2):
            variable.assign(start + number * step * direction)
            values[number] = function()
        variable.assign(start)
        slopes.append((8 * (values[1] - values[-1]) - (values[2] - values[-2])) / (12 * step))
    return np.array(slopes)


def directions(variables: Sequence[tf.Variable]) -> list[np.ndarray]:
    generator = np.random.default_rng(2)
    return [generator.normal(size=variable.shape) for variable in variables]


def loss(e: Any) -> Any:
    weights = np.random.default_rng(3).normal(size=e.attributions.shape[1:])
    return tf.reduce_sum(e.attributions * weights) + tf.reduce_sum(e.outputs**2)


def check(
    explain: Callable[..., Any],
    variables: Sequence[Any],
    x: Any = X,
    *,
    jit: bool = False,
    step: float = 1e-4,
) -> None:
    """Compares the gradient of a loss on attributions inside a function with central differences."""
    inputs = tf.Variable(x)

    @tf.function(autograph=False, jit_compile=jit)
    def gradients(x: tf.Tensor) -> Any:
        with tf.GradientTape() as tape:
            tape.watch(x)
            value = loss(explain(x))
        return tape.gradient(value, [*variables, x])

    found = gradients(tf.constant(x))
    every = [*variables, inputs]
    numeric = central(lambda: float(loss(explain(inputs.numpy()))), every, step)
    along = [np.sum(g.numpy() * d) for g, d in zip(found, directions(every), strict=True)]
    np.testing.assert_allclose(along, numeric, rtol=1e-6, atol=1e-9)


_SHORT = (*KINDS, "integrated_hessians")
_SHORT_WITH_XLA = ("integrated_gradients",)
_PAIRS = [
    pytest.param(method, jit, marks=[pytest.mark.long] * (method not in (_SHORT_WITH_XLA if jit else _SHORT)))
    for method in GENERAL
    for jit in (False, True)
]


@pytest.mark.parametrize(("method", "jit"), _PAIRS)
def test_every_method(method: str, jit: bool):
    model, variables = network()
    with dx.DeepExplain(model, input_signature=SPEC) as de:
        explain = de.explainer(method, target=1, **SEEDS.get(method, {}), **options_of(method, X))
    check(explain, variables, jit=jit, step=1e-5)


@pytest.mark.parametrize(
    ("method", "jit"),
    [
        pytest.param(method, jit, marks=[pytest.mark.long] * (jit or method != "guided_grad_cam"))
        for method in MAPS
        for jit in (False, True)
    ],
)
def test_class_activation_maps(method: str, jit: bool):
    kernel, shift, last = small((3, 2, 3), (3,), (3, 2))

    def model(x: tf.Tensor) -> tf.Tensor:
        hidden = tf.nn.softplus(tf.nn.conv1d(x, kernel, 1, "SAME") + shift)
        return tf.reduce_sum(tf.sin(hidden @ last), 1)

    with dx.DeepExplain(model, input_signature=[tf.TensorSpec([None, 5, 2], tf.float64)]) as de:
        explain = de.explainer(method, target=1)
    check(explain, [kernel, shift, last], RNG.normal(size=(3, 5, 2)), jit=jit, step=1e-5)


@pytest.mark.parametrize("method", ["deeplift", pytest.param("integrated_gradients", marks=pytest.mark.long)])
def test_through_a_loop(method: str):
    inner, outer = small((3, 3), (2, 3))

    def model(x: tf.Tensor) -> tf.Tensor:
        steps = tf.transpose(x, [1, 0, 2])
        state = tf.scan(lambda state, step: tf.tanh(state @ inner + step @ outer), steps, x[:, 0] @ outer)
        return state[-1]

    x = RNG.normal(size=(2, 4, 2))
    with dx.DeepExplain(model, input_signature=[tf.TensorSpec([None, 4, 2], tf.float64)]) as de:
        explain = de.explainer(method, target=1, **({"n_steps": 3} if method != "deeplift" else {}))
    check(explain, [inner, outer], x)


def moments(x: tf.Tensor, w: tf.Variable) -> tf.Tensor:
    mean, variance = tf.nn.moments(tf.sin(x @ w), [1], keepdims=True)
    return tf.squeeze(variance + mean**3, 1)


def pooled(x: tf.Tensor, w: tf.Variable) -> tf.Tensor:
    return tf.reduce_max(tf.tanh(x @ w) ** 2, 1)


def prelu(x: tf.Tensor, w: tf.Variable) -> tf.Tensor:
    y = x @ w
    return tf.reduce_sum(tf.where(y > 0, y, w[0] * y) ** 2, 1)


def silu(x: tf.Tensor, w: tf.Variable) -> tf.Tensor:
    return tf.reduce_sum(tf.nn.silu(x @ w), 1)


def composed(x: tf.Tensor, w: tf.Variable) -> tf.Tensor:
    return tf.reduce_sum(tf.nn.softmax(x @ w) * tf.exp(-tf.square(x @ w)) / (1 + tf.square(x @ w)), 1)


@pytest.mark.parametrize(
    "method", ["deeplift", *(pytest.param(m, marks=pytest.mark.long) for m in ("epsilon_lrp", "gradient_x_input"))]
)
@pytest.mark.parametrize("function", in_turn([moments, pooled, prelu, silu, composed], 4))
def test_ops_whose_gradients_hide_something_from_a_second_one(function: Callable[..., tf.Tensor], method: str):
    (w,) = small((4, 4))
    with dx.DeepExplain(lambda x: function(x, w), input_signature=SPEC) as de:
        explain = de.explainer(method)
    check(explain, [w], step=1e-5)


@pytest.mark.parametrize("kind", in_turn(["Tanh", "Mul"]))
def test_rules_of_users_hold_no_longer_than_those_of_the_library(kind: str):
    model, variables = network()

    def rule(op: Any, inputs: Sequence[tf.Tensor]) -> Any:
        @tf.custom_gradient
        def replaced(*tensors: tf.Tensor):  # type: ignore[no-untyped-def]
            return op(*tensors), lambda upstream: [upstream * (1 + tensor**2) for tensor in tensors]

        return replaced(*inputs)

    with dx.DeepExplain(model, input_signature=SPEC, overrides={kind: rule}) as de:
        explain = de.explainer("gradient_x_input", target=1)
        check(explain, variables)
        check(de.explainer("integrated_gradients", target=1, n_steps=3), variables)


_LONG = pytest.mark.long  # the limit makes chunks and the methods share their loop


@pytest.mark.parametrize(
    "sizes",
    [{"chunk_size": 2}, *(pytest.param(sizes, marks=_LONG) for sizes in ({"max_memory": "60MiB"}, {"batch_size": 1}))],
)
@pytest.mark.parametrize("method", in_turn(["integrated_gradients", "occlusion", "shapley_sampling"], 3))
def test_chunks_and_their_padding_have_no_derivative_of_their_own(method: str, sizes: dict[str, Any]):
    model, variables = network()
    with dx.DeepExplain(model, input_signature=SPEC) as de:
        explain = de.explainer(method, target=1, **SEEDS.get(method, {}), **options_of(method, X), **sizes)
    check(explain, variables)


@pytest.mark.long  # tests/engine/engine_test.py counts compilations
def test_xla_compiles_once():
    model, variables = network()
    with dx.DeepExplain(model, input_signature=SPEC) as de:
        for method in KINDS:
            explain = de.explainer(method)

            @tf.function(autograph=False, jit_compile=True)
            def gradients(x: tf.Tensor, target: tf.Tensor, explain: Any = explain) -> Any:
                with tf.GradientTape() as tape:
                    value = loss(explain(x, target=target))
                return tape.gradient(value, variables)

            seconds = []
            for number in range(4):
                start = time.perf_counter()
                gradients(tf.constant(X + number), tf.constant((TARGETS + number) % 2))
                seconds.append(time.perf_counter() - start)
            assert min(seconds[1:]) < seconds[0] / 10


def test_a_third_derivative_under_xla_is_an_error():
    model, variables = network()
    with dx.DeepExplain(model, input_signature=SPEC) as de:
        explain = de.explainer("deeplift", target=1)

    @tf.function(autograph=False, jit_compile=True)
    def third(x: tf.Tensor) -> Any:
        with tf.GradientTape() as outer:
            with tf.GradientTape() as tape:
                value = loss(explain(x))
            first = tape.gradient(value, variables)
        return outer.gradient(first, variables)

    with pytest.raises(LookupError, match="can be differentiated once"):
        third(tf.constant(X))


# --- eager code -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", in_turn(["integrated_gradients", "deeplift", "occlusion"], 3))
@pytest.mark.parametrize("batch_size", [2, pytest.param(None, marks=pytest.mark.long)])
def test_eager_tensors(method: str, batch_size: int | None):
    model, variables = network()
    with dx.DeepExplain(model, input_signature=SPEC) as de:
        explain = de.explainer(method, target=TARGETS, batch_size=batch_size)
    x = tf.constant(X)
    with tf.GradientTape() as tape:
        tape.watch(x)
        watched = loss(explain(x))
    with tf.GradientTape() as other:
        asked = loss(explain(X, tensors=True))
    found = tape.gradient(watched, [*variables, x])
    numeric = central(lambda: float(loss(explain(X))), variables)
    for gradients in (found[:-1], other.gradient(asked, variables)):
        along = [np.sum(g.numpy() * d) for g, d in zip(gradients, directions(variables), strict=True)]
        np.testing.assert_allclose(along, numeric, rtol=1e-6, atol=1e-9)
    assert isinstance(found[-1], tf.Tensor) and found[-1].shape == x.shape


@pytest.mark.parametrize("shape", in_turn([(3, 4), (), (4,)], 3))
def test_the_baseline_has_a_derivative_too(shape: tuple[int, ...]):
    model, _ = network()
    baseline = tf.Variable(0.3 * RNG.normal(size=shape))
    with dx.DeepExplain(model, input_signature=SPEC) as de:
        for method in KINDS:
            explain = de.explainer(method, target=1)
            with tf.GradientTape() as tape:
                value = loss(explain(X, baseline=tf.identity(baseline), tensors=True))
            along = np.sum(tape.gradient(value, baseline).numpy() * directions([baseline])[0])
            numeric = central(lambda e=explain: float(loss(e(X, baseline=baseline.numpy()))), [baseline])
            np.testing.assert_allclose(along, numeric[0], rtol=1e-6)


def test_arrays_are_noted_where_a_tape_records():
    model, _ = network()
    with dx.DeepExplain(model, input_signature=SPEC) as de:
        before = de.explain("integrated_gradients", X, target=1)
        with tf.GradientTape() as tape:
            e = de.explain("integrated_gradients", X, target=1)
            assert not tape.watched_variables()  # nothing of the library's own work was recorded
        assert isinstance(e.attributions, np.ndarray)
        assert [note for note in e.notes if "tensors=True" in note]
        assert not [note for note in before.notes if "tensors=True" in note]


def with_a_tape_inside(x: Any) -> Any:
    with tf.GradientTape() as tape:
        tape.watch(x)
        energy = tf.reduce_sum(tf.sin(x) * x, 1)
    return tf.reduce_sum(tape.gradient(energy, x) ** 2, 1)


def recomputed(x: Any) -> Any:
    return tf.reduce_sum(tf.recompute_grad(lambda x: tf.tanh(x) ** 2)(x), 1)


@pytest.mark.parametrize("model", [with_a_tape_inside, recomputed])
@pytest.mark.parametrize("method", ["gradient_x_input", "integrated_gradients"])
def test_models_may_have_tapes_of_their_own(model: Any, method: str):
    with dx.DeepExplain(model, input_signature=SPEC) as de:
        e = de.explain(method, X)
        with tf.GradientTape():
            again = de.explain(method, X)
        assert np.abs(e.attributions).min() > 0
        np.testing.assert_array_equal(e.attributions, again.attributions)


@pytest.mark.parametrize("value", [1, "yes", np.array(True)])
def test_tensors_is_a_boolean(value: Any):
    with (
        dx.DeepExplain(network()[0], input_signature=SPEC) as de,
        pytest.raises(OptionError, match="tensors must be True or False"),
    ):
        de.explain("saliency", X, target=1, tensors=value)


def test_a_tolerance_gives_arrays_alone():
    with (
        dx.DeepExplain(network()[0], input_signature=SPEC) as de,
        pytest.raises(OptionError, match="a tolerance must give arrays"),
    ):
        de.explain("integrated_gradients", X, target=1, tolerance=0.1, tensors=True)


# --- where users call it ------------------------------------------------------------------------------------


@pytest.mark.parametrize("given", in_turn(["variable", "array", "tensor"], 3))
def test_a_function_explains_a_batch_from_outside(given: str):
    model, variables = network()
    x = {"array": X, "tensor": tf.constant(X), "variable": tf.Variable(X)}[given]
    with dx.DeepExplain(model, input_signature=SPEC) as de:
        explain = de.explainer("deeplift", target=1)

    @tf.function
    def gradients() -> Any:
        with tf.GradientTape() as tape:
            value = loss(explain(x))
        return tape.gradient(value, variables)

    along = [np.sum(g.numpy() * d) for g, d in zip(gradients(), directions(variables), strict=True)]
    np.testing.assert_allclose(along, central(lambda: float(loss(explain(X))), variables), rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("before", in_turn([True, False]))
def test_the_order_of_calls_does_not_matter(before: bool):
    model, variables = network()
    with dx.DeepExplain(model, input_signature=SPEC) as de:
        explain = de.explainer("integrated_gradients", target=1)
    if before:
        explain(X)
    check(explain, variables)


class Priored(keras.Model):
    """A classifier whose training step adds a loss on the attributions of one feature."""

    def __init__(self) -> None:
        super().__init__()
        inputs = keras.Input((4,))
        hidden = keras.layers.Dense(5, activation="tanh")(inputs)
        self.inner = keras.Model(inputs, keras.layers.Dense(2)(hidden))
        with dx.DeepExplain(self.inner) as de:
            self.explain = de.explainer("integrated_gradients", n_steps=4, tensors=True)

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        return self.inner(inputs)

    def train_step(self, data: Any) -> dict[str, tf.Tensor]:
        x, y = data
        with tf.GradientTape() as tape:
            attributions = self.explain(x, target=y).attributions
            prior = tf.reduce_mean(attributions[:, 0] ** 2)
            total = self.compute_loss(x, y, self(x, training=True)) + 100 * prior
        variables = self.trainable_variables
        self.optimizer.apply_gradients(zip(tape.gradient(total, variables), variables, strict=True))
        return {"prior": prior}


@pytest.mark.parametrize("mode", in_turn(["graph", "eager", "xla"], 3))
def test_fit(mode: str, capfd: pytest.CaptureFixture[str]):
    keras.utils.set_random_seed(0)
    model = Priored()
    x = np.random.default_rng(0).normal(size=(64, 4)).astype("float32")
    y = (x[:, 0] + x[:, 1] > 0).astype("int64")
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(0.02), loss, run_eagerly=mode == "eager", jit_compile=mode == "xla")
    priors = model.fit(x, y, epochs=8, batch_size=32, verbose=0).history["prior"]
    assert priors[-1] < priors[0] / 10
    assert "AutoGraph" not in capfd.readouterr().err
