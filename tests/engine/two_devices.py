"""Explanations under a `tf.distribute.Strategy` with two devices are those on one; run by `replicas_test.py`."""

from collections.abc import Callable
import dataclasses
import functools
import threading
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

tf.config.set_logical_device_configuration(
    tf.config.list_physical_devices("CPU")[0], [tf.config.LogicalDeviceConfiguration()] * 2
)

# Imported here, since the first op that they make starts TensorFlow, and devices are made before.
import keras  # noqa: E402

import deepexplain_tf as dx  # noqa: E402
from deepexplain_tf.engine.compiled import XlaWithFallback  # noqa: E402
from deepexplain_tf.engine.engine import Engine  # noqa: E402
from deepexplain_tf.engine.replicas import Replicas, Shares  # noqa: E402
from tests.checks import message_of, options_of  # noqa: E402
from tests.models import STRUCTURES, filled, floats  # noqa: E402

_DEVICES = ["CPU:0", "CPU:1"]
_STRATEGY = tf.distribute.MirroredStrategy(_DEVICES)
_X = np.random.default_rng(0).normal(size=(5, 6))
_PICTURES = np.random.default_rng(1).normal(size=(5, 6, 6, 2))
_WORDS = np.random.default_rng(2).normal(size=(5, 4, 3))
_TOKENS = np.random.default_rng(3).integers(0, 7, (5, 4))
_EXACT = 1e-12
_BACKGROUND = np.random.default_rng(4).normal(size=(3, 6))


class Module(tf.Module):
    """A plain module; its offset, which is not trainable, is not zero."""

    def __init__(self) -> None:
        generator = np.random.default_rng(5)
        self.first = tf.Variable(generator.normal(size=(6, 5)))
        self.offset = tf.Variable(generator.normal(size=5), trainable=False)
        self.last = tf.Variable(generator.normal(size=(5, 3)))

    @tf.function(input_signature=[tf.TensorSpec([None, 6], tf.float64)])
    def __call__(self, x: tf.Tensor) -> tf.Tensor:
        return tf.tanh(x @ self.first + self.offset) @ self.last + 0.25


def _pictures() -> keras.Model:
    inputs = keras.Input((6, 6, 2))
    hidden = keras.layers.BatchNormalization()(keras.layers.Conv2D(4, 3, activation="tanh", name="conv")(inputs))
    hidden = keras.layers.Flatten()(keras.layers.MaxPooling2D()(hidden))
    return keras.Model(inputs, keras.layers.Dense(3, activation="softmax")(hidden))


def _words() -> keras.Model:
    return keras.Sequential([keras.Input((None, 3)), keras.layers.LSTM(4), keras.layers.Dense(3)])


def _tokens() -> keras.Model:
    tokens, price = keras.Input((4,), dtype="int32", name="tokens"), keras.Input((6,), name="price")
    words = keras.layers.Flatten()(keras.layers.Embedding(7, 3, name="words")(tokens))
    joined = keras.layers.Concatenate()([words, price])
    hidden = keras.layers.Dense(5, activation="tanh")(joined)
    return keras.Model({"tokens": tokens, "price": price}, keras.layers.Dense(3)(hidden))


def _made(build: Callable[[], Any], strategy: Any = _STRATEGY) -> Any:
    with floats("float64"), strategy.scope():
        model = build()
    return filled(model) if isinstance(model, keras.Model) else model


@functools.cache
def _model(build: Callable[[], Any]) -> Any:
    return _made(build)


def _assert_same(found: Any, expected: Any, tolerance: float = _EXACT) -> None:
    """Asserts that all fields of two explanations are the same."""
    for name, wanted in vars(expected).items():
        value = getattr(found, name)
        if name in ("method", "notes") or wanted is None:
            assert value == wanted, name
            continue
        pairs = zip(tf.nest.flatten(value), tf.nest.flatten(wanted), strict=True)
        for one, other in pairs:
            if isinstance(other, str | int):
                assert one == other, name
            else:
                np.testing.assert_allclose(one, other, rtol=tolerance, atol=tolerance, err_msg=name)


_CASES: dict[str, tuple[Callable[[], Any], str, Any, dict[str, Any]]] = {
    "convolutions": (_pictures, "deeplift", _PICTURES, {"target": [0, 1, 2, 1, 0], "baseline": _PICTURES[::-1] / 2}),
    "convolutions, noise": (
        _pictures,
        "gradient_x_input",
        _PICTURES,
        {"noise": dx.noise("smoothgrad", n_samples=6), "seed": 1},
    ),
    "a loop": (_words, "gradient_x_input", _WORDS, {"target": "all"}),
    "a module, players": (Module, "shapley_sampling", _X, {"target": 1, "n_samples": 8, "seed": 2}),
    "a module, tolerance": (Module, "integrated_gradients", _X, {"target": 2, "tolerance": 1e-9}),
    "a module, drawn baselines": (
        Module,
        "expected_gradients",
        _X,
        {"target": [2, 0, 1, 1, 0], "background": _BACKGROUND, "n_samples": 16, "seed": 3},
    ),
    "a module, own baselines": (Module, "deeplift", _X, {"background": np.stack([_X, _X / 2, -_X], 1)}),
    "a module, masks": (Module, "lime", _X, {"n_samples": 40, "seed": 4, "baseline": _X / 3}),
    "tokens": (
        _tokens,
        "deeplift",
        {"tokens": _TOKENS, "price": _X},
        {"target": (lambda y, weight: y[:, 0] * weight, [np.arange(1.0, 6)]), "layer": ["words", "price"]},
    ),
}


_ALIKE = ("convolutions, noise", "a module, masks", "a loop", "a module, drawn baselines")  # like others


@pytest.mark.parametrize("name", [pytest.param(name, marks=[pytest.mark.long] * (name in _ALIKE)) for name in _CASES])
def test_the_numbers_are_those_on_one_device(name: str):
    build, method, x, options = _CASES[name]
    settings = {key: value for key, value in options.items() if key in ("layer", "jit_compile")}
    fixed = {key: value for key, value in options.items() if key not in settings}
    with dx.DeepExplain(_model(build), **settings) as de:
        explainer = de.explainer(method, **fixed)
        expected = explainer(x)
        traces = explainer.n_traces
        with _STRATEGY.scope():
            _assert_same(explainer(x), expected)
            _assert_same(explainer(x, batch_size=1, progress=True), expected)
            _assert_same(explainer(x, batch_size=2), expected)
            if not isinstance(x, dict) and "own" not in name and not isinstance(fixed.get("target"), list):
                late = {"baseline": fixed["baseline"][:1]} if "baseline" in fixed else {}
                alone = explainer(x[:1], **late)  # fewer examples than replicas
                np.testing.assert_allclose(alone.attributions, expected.attributions[:1], rtol=_EXACT, atol=_EXACT)
        assert explainer.n_traces == traces
        assert all(np.abs(array).max() > 1e-3 for array in tf.nest.flatten(expected.attributions))


def test_each_replica_reads_its_own_copies_of_weights():
    model = _made(Module)
    with dx.DeepExplain(model) as de, _STRATEGY.scope():
        explainer = de.explainer("gradient_x_input", target=0)
        before = explainer(_X).attributions
        _STRATEGY.experimental_local_results(model.last)[1].assign(tf.zeros([5, 3], tf.float64))
        after = explainer(_X).attributions
    np.testing.assert_array_equal(after[:3], before[:3])
    np.testing.assert_array_equal(after[3:], 0)


def test_training_is_followed_and_frozen_weights_stay():
    """Keras' training leaves other statistics of a batch-norm on each replica; those of the first are the model's."""
    model = _made(_pictures)
    with dx.DeepExplain(model) as de, _STRATEGY.scope():
        explainer, frozen = (de.explainer("gradient_x_input", target=1, freeze=freeze) for freeze in (False, True))
        before = explainer(_PICTURES)
        _assert_same(frozen(_PICTURES), before)
        traces = explainer.n_traces
        model.compile("sgd", "mse")
        model.fit(_PICTURES[:4], np.eye(3)[[0, 1, 2, 0]], batch_size=4, verbose=0)
        after = explainer(_PICTURES)
        assert explainer.n_traces == traces
        _assert_same(frozen(_PICTURES), before)
    assert np.abs(after.attributions - before.attributions).max() > 1e-4
    alone = _made(_pictures, tf.distribute.get_strategy())
    alone.set_weights(model.get_weights())
    with dx.DeepExplain(alone) as de:
        expected = de.explain("gradient_x_input", _PICTURES, target=1)
    np.testing.assert_allclose(after.outputs, expected.outputs, rtol=_EXACT, atol=_EXACT)
    np.testing.assert_allclose(after.attributions, expected.attributions, rtol=_EXACT, atol=_EXACT)


def test_variables_that_are_synchronized_where_they_are_read():
    """In the scope, the model itself reads the mean of their copies."""
    with _STRATEGY.scope():
        options = {"synchronization": tf.VariableSynchronization.ON_READ, "aggregation": tf.VariableAggregation.MEAN}
        shift = tf.Variable(np.zeros(6), trainable=False, **options)
    _STRATEGY.experimental_local_results(shift)[1].assign(np.ones(6))
    weights = np.random.default_rng(8).normal(size=(6, 3))
    with _STRATEGY.scope(), dx.DeepExplain(lambda x: tf.tanh(x + shift) @ weights) as de:
        e = de.explain("gradient_x_input", _X, target=1)
    np.testing.assert_allclose(e.outputs, (np.tanh(_X + 0.5) @ weights)[:, 1], rtol=_EXACT, atol=_EXACT)
    slopes = (1 - np.tanh(_X + 0.5) ** 2) * weights[:, 1]
    np.testing.assert_allclose(e.attributions, _X * slopes, rtol=_EXACT, atol=_EXACT)


@pytest.mark.parametrize(
    ("build", "method", "freeze"),
    [
        (Module, "gradient_x_input", False),
        pytest.param(Module, "integrated_gradients", False, marks=pytest.mark.long),  # loops compile for long
        pytest.param(_words, "integrated_gradients", False, marks=pytest.mark.long),
        pytest.param(_words, "deeplift", True, marks=pytest.mark.long),
    ],
)
def test_xla(build: Any, method: str, freeze: bool):
    x = _X if build is Module else _WORDS
    with dx.DeepExplain(_model(build), jit_compile=True) as de:
        explainer = de.explainer(method, target=1, freeze=freeze)
        expected = explainer(x)
        with _STRATEGY.scope():
            _assert_same(explainer(x), expected)


def test_what_xla_refuses_runs_without_it():
    reasons: list[str] = []
    program = XlaWithFallback(
        lambda x: tf.strings.to_number(tf.strings.as_string(x, precision=9), tf.float64),
        [tf.TensorSpec([None, 6], tf.float64)],
        reasons.append,
    )
    with _STRATEGY.scope():
        for _ in range(2):
            found = Replicas.here().run(program, [[tf.constant(_X[:3])], [tf.constant(_X[3:])]])
    np.testing.assert_allclose(np.concatenate(found), _X, atol=1e-9)
    assert len(reasons) == 1


def test_a_layer_that_is_named_inside_of_the_scope():
    x = {"tokens": _TOKENS, "price": _X}
    with dx.DeepExplain(_model(_tokens), layer="words") as de:
        expected = de.explain("gradient_x_input", x, target=1)
    with _STRATEGY.scope(), dx.DeepExplain(_model(_tokens), layer="words") as de:
        _assert_same(de.explain("gradient_x_input", x, target=1), expected)


@pytest.mark.long  # a table, which has no copies
def test_strings():
    words = keras.layers.TextVectorization(vocabulary=["good", "bad", "very"], output_sequence_length=4)
    with _STRATEGY.scope():
        layers = [words, keras.layers.Embedding(5, 8, name="words"), keras.layers.Flatten(), keras.layers.Dense(1)]
        model = filled(keras.Sequential([keras.Input((), dtype="string"), *layers]))
    x = ["very good", "bad", "good bad"]
    with dx.DeepExplain(model, layer="words") as de:
        expected = de.explain("deeplift", x)
    with _STRATEGY.scope(), dx.DeepExplain(model, layer="words") as de:
        _assert_same(de.explain("deeplift", x), expected, 1e-5)


@pytest.mark.long  # saves programs
def test_export_inside_of_the_scope(tmp_path: Any):
    with _STRATEGY.scope(), dx.DeepExplain(_model(_pictures)) as de:
        explainer = de.explainer("deeplift", target=1, baseline=0.0)
        expected = explainer(_PICTURES)
        explainer.export(tmp_path / "served")
    served = tf.saved_model.load(str(tmp_path / "served")).signatures["explain"]
    (name,) = served.structured_input_signature[1]
    found = served(**{name: tf.constant(_PICTURES)})
    np.testing.assert_allclose(found["attributions"], expected.attributions, rtol=_EXACT, atol=_EXACT)


@pytest.mark.parametrize("jit_compile", [False, pytest.param(True, marks=pytest.mark.long)])
def test_a_model_that_was_made_outside_of_the_scope(jit_compile: bool):
    model = Module()
    with dx.DeepExplain(model, jit_compile=jit_compile) as de:
        explainer = de.explainer("gradient_x_input", target=1)
        with _STRATEGY.scope():
            before = explainer(_X)
        model.offset.assign_add(np.ones(5))
        with _STRATEGY.scope():
            after = explainer(_X)
        _assert_same(after, explainer(_X))
    assert np.abs(after.attributions - before.attributions).max() > 1e-3


@pytest.mark.parametrize("compiled", [False, pytest.param(True, marks=pytest.mark.long)])  # XLA compiles for long
def test_inside_of_replicas_attributions_are_a_part_of_training(compiled: bool):
    """Each replica explains its own examples; derivatives with respect to its own copies of the weights add up."""
    model, alone = _made(Module), Module()

    def step(model: Any, de: dx.DeepExplain, x: tf.Tensor) -> Any:
        weights = [model.first, model.last]
        with tf.GradientTape() as tape:
            e = de.explain("integrated_gradients", x, target=1, n_steps=4)
            loss = tf.reduce_sum(e.attributions**2) + tf.reduce_sum(e.outputs**2)
        return e.attributions, *tape.gradient(loss, weights)

    with dx.DeepExplain(alone) as de:
        expected = tf.function(functools.partial(step, alone, de), jit_compile=compiled)(tf.constant(_X[:4]))
    with dx.DeepExplain(model) as de:
        of_replica = tf.function(functools.partial(step, model, de), jit_compile=compiled)

        @tf.function
        def train(*shares: tf.Tensor) -> Any:
            parts = iter(shares)
            given = _STRATEGY.experimental_distribute_values_from_function(lambda _: next(parts))
            return _STRATEGY.experimental_local_results(_STRATEGY.run(lambda x: of_replica(x), (given,)))

        (found, *gradients), (others, *further) = train(tf.constant(_X[:2]), tf.constant(_X[2:4]))
    np.testing.assert_allclose(np.concatenate([found, others]), expected[0], rtol=_EXACT, atol=_EXACT)
    for one, other, whole in zip(gradients, further, expected[1:], strict=True):
        assert np.abs(one).max() > 1e-3 and np.abs(other).max() > 1e-3
        np.testing.assert_allclose(one + other, whole, rtol=1e-11, atol=1e-11)  # sums in another order


def test_inside_of_replicas_without_a_graph():
    found: list[np.ndarray] = []

    def of_replica() -> None:
        number = int(tf.distribute.get_replica_context().replica_id_in_sync_group)
        found.append(de.explain("deeplift", _X[number : number + 1], target=1).attributions)

    with dx.DeepExplain(_model(Module)) as de:
        _STRATEGY.run(of_replica)
        expected = de.explain("deeplift", _X[:2], target=1).attributions
    np.testing.assert_allclose(np.concatenate(found), expected, rtol=_EXACT, atol=_EXACT)


def test_tensors_are_not_split():
    x = tf.constant(_X)
    with dx.DeepExplain(_model(Module)) as de:
        expected = de.explain("deeplift", _X, target=1).attributions
        with _STRATEGY.scope(), tf.GradientTape() as tape:
            tape.watch(x)
            attributions = de.explain("deeplift", x, target=1).attributions
        assert np.abs(tape.gradient(attributions, x)).max() > 1e-3
        with _STRATEGY.scope():
            inside = tf.function(lambda x: de.explain("deeplift", x, target=1).attributions)(x)
    np.testing.assert_allclose(attributions, expected, rtol=_EXACT, atol=_EXACT)
    np.testing.assert_allclose(inside, expected, rtol=_EXACT, atol=_EXACT)


def test_out_of_memory(monkeypatch: pytest.MonkeyPatch):
    """Two replicas, each with memory for two evaluations."""
    found, whole = [], Engine.attribution

    def attribution(*arguments: Any, **settings: Any) -> Any:
        program = whole(*arguments, **settings)

        def run(shares: Shares) -> Any:
            found.append([len(inputs[0]) for inputs, *_ in shares.arguments])
            if max(found[-1]) > 2:
                raise tf.errors.ResourceExhaustedError(None, None, "OOM when allocating a tensor")
            return program(shares)

        return run

    x = np.tile(_X, (2, 1))
    with dx.DeepExplain(_model(Module)) as de:
        expected = de.explain("deeplift", x, target=1)
    monkeypatch.setattr(Engine, "attribution", attribution)
    with dx.DeepExplain(_model(Module)) as de, _STRATEGY.scope():
        e = de.explain("deeplift", x, target=1)
    assert found == [[5, 5], [2, 2], [2, 2], [1, 1]]
    assert e.notes[-1].startswith("out of memory: continued with batches of 2")
    _assert_same(dataclasses.replace(e, notes=e.notes[:-1]), expected)


def test_an_error_on_one_replica():
    x = {"tokens": _TOKENS.copy(), "price": _X}
    x["tokens"][4, 0] = 9  # beyond the vocabulary, in the share of the second replica
    with dx.DeepExplain(_model(_tokens), layer="words") as de, _STRATEGY.scope():
        message_of(lambda: de.explain("deeplift", x, target=1), dx.DeepExplainError, "its own call fails too", "9")


@pytest.mark.parametrize(
    "name", ["one device", *(pytest.param(name, marks=pytest.mark.long) for name in ("one store", "one worker"))]
)
def test_other_strategies(name: str):
    kinds: dict[str, Callable[[], Any]] = {
        "one device": lambda: tf.distribute.OneDeviceStrategy("CPU:1"),
        "one store": lambda: tf.distribute.experimental.CentralStorageStrategy(_DEVICES, "CPU:0"),
        "one worker": tf.distribute.MultiWorkerMirroredStrategy,
    }
    strategy = kinds[name]()
    with dx.DeepExplain(_made(Module, strategy)) as de, strategy.scope():
        found = de.explain("deeplift", _X, target=1)
    with dx.DeepExplain(_model(Module)) as de:
        _assert_same(found, de.explain("deeplift", _X, target=1))


def test_replicas_of_other_workers_take_no_share(monkeypatch: pytest.MonkeyPatch):
    """Another worker need not make the same call."""
    assert Replicas.here().count == 1
    with _STRATEGY.scope():
        assert Replicas.here().count == 2
        monkeypatch.setattr(tf.distribute.Strategy, "num_replicas_in_sync", 4)
        assert Replicas.here().count == 1


@pytest.mark.long  # tests/engine/threads_test.py has threads without replicas
def test_threads():
    with dx.DeepExplain(_model(Module)) as de:
        explainer = de.explainer("deeplift", target=1)
        expected = explainer(_X)
        found: list[Any] = []

        def call() -> None:
            with _STRATEGY.scope():
                found.append(explainer(_X))

        threads = [threading.Thread(target=call) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(found) == 4
    for e in found:
        _assert_same(e, expected)


@pytest.mark.long  # one method of each kind is above
@pytest.mark.parametrize("method", dx.list_methods())
def test_every_method(method: str):
    options = {"seed": 0, "target": 1, **options_of(method, _PICTURES)}
    layer = "conv" if method in ("layer_conductance", "internal_influence") else None
    if method == "neuron_conductance":
        options |= {"at": "conv", "neuron": (1, 1, 0)}
    if method == "integrated_hessians":
        options["groups"] = np.arange(72).reshape(6, 6, 2) % 5
    if method == "guided_grad_cam":
        options |= {"at": "conv"}
    with dx.DeepExplain(_model(_pictures), layer=layer) as de:
        explainer = de.explainer(method, **options)
        expected = explainer(_PICTURES)
        with _STRATEGY.scope():
            _assert_same(explainer(_PICTURES), expected)
            _assert_same(explainer(_PICTURES, batch_size=1), expected)


@pytest.mark.long  # the models above are one of each kind
@pytest.mark.parametrize("name", STRUCTURES)
def test_every_structure(name: str):
    """Rounding in float32 differs with the number of rows."""
    structure = STRUCTURES[name]
    x = structure.inputs(structure.batch or 5)
    with _STRATEGY.scope():
        model = structure.build()
    with dx.DeepExplain(model, **structure.settings) as de:
        expected = de.explain("deeplift", x, target=structure.target)
        with _STRATEGY.scope():
            _assert_same(de.explain("deeplift", x, target=structure.target), expected, 1e-5)
