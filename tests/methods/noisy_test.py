"""Tests of `methods/noisy.py`: noise around methods, against a plain loop over the same draws."""

from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

import deepexplain_tf as dx
from deepexplain_tf.errors import InputError, OptionError
from deepexplain_tf.objective.normal import normal
from tests.checks import explain, message_of
from tests.models import filled, floats, mlp

L = keras.layers
_X = np.random.default_rng(1).normal(size=(3, 6, 2))
_BACKGROUND = np.random.default_rng(2).normal(size=(3, 6, 2))
_SEED, _SAMPLES, _STDEV = 7, 4, 0.3
# One of each kind of program; further ones and all other methods are in `tests/conformance/noise_test.py`.
_METHODS: dict[str, dict[str, Any]] = {
    "gradient_x_input": {},
    "saliency": {},
    "deeplift": {},
    "integrated_gradients": {"n_steps": 5},
    "lrp": {},
    "occlusion": {"window_shape": (2, 2)},
    "grad_cam": {},
    "shapley_sampling": {"n_samples": 4, "groups": np.arange(12).reshape(6, 2) // 3},
}
_MORE: dict[str, tuple[str, dict[str, Any]]] = {
    "a set of baselines": ("deeplift", {"background": _BACKGROUND}),
    "the positions of a layer": ("layer_cam", {"upsample": False}),
    "samples of its own": ("expected_gradients", {"background": _BACKGROUND, "n_samples": 6}),
    "paths from a set of baselines": ("integrated_gradients", {"background": _BACKGROUND, "n_steps": 3}),
    "a baseline for each": ("deeplift", {"baseline": _X / 2}),
    "channels that mask": ("score_cam", {"upsample": False}),
    "a composite": ("lrp", {"composite": "epsilon_plus_flat"}),
    "permutations over a set": ("shapley_sampling", {"background": _BACKGROUND, "n_samples": 4}),
    "pairs of features": ("integrated_hessians", {"groups": np.arange(12).reshape(6, 2) // 3, "n_steps": 3}),
    "pairs over a set": ("integrated_hessians", {"background": _BACKGROUND[:2], "n_steps": 2}),
    "a path that begins elsewhere for each sample": ("blur_ig", {"max_sigma": 2.0, "n_steps": 4}),
    "a path that looks at gradients": ("guided_ig", {"n_steps": 5, "max_dist": 0.5}),
    "a path of the user's": ("integrated_gradients", {"path": lambda a, x, x0: x0 + a**2 * (x - x0), "n_steps": 3}),
    "the way through a neuron": ("neuron_conductance", {"at": "hidden", "neuron": 1, "n_steps": 3}),
}


@pytest.fixture(scope="module")
def network() -> dx.DeepExplain:
    """A convolution and a dense layer over a series, in float64."""
    with floats("float64"):
        hidden = [L.Conv1D(3, 3, activation="tanh"), L.Flatten(), L.Dense(4, "relu", name="hidden")]
        model = filled(keras.Sequential([keras.Input((6, 2)), *hidden, L.Dense(3)]))
    return dx.DeepExplain(model, jit_compile=False).__enter__()


def _draws(like: np.ndarray, count: int = _SAMPLES, seed: int = _SEED) -> np.ndarray:
    key = np.random.default_rng(seed).integers(2**64 - 1, size=1, dtype=np.uint64, endpoint=True)[0]
    return normal(tf.constant(key), tf.constant(0), tf.constant(count), tf.constant(like), tf.float64).numpy()


def _assert_is_loop(de: dx.DeepExplain, method: str, options: dict[str, Any], kinds: Any) -> None:
    """Asserts that noise is a plain loop over the draws, whose mean, mean square or variance NumPy takes."""
    fixed = {"target": 1, "seed": _SEED, **options}
    explainer = de.explainer(method, **fixed)
    parts, clean = [explainer(_X + _STDEV * draw) for draw in _draws(_X)], explainer(_X)
    values = np.stack([part.attributions for part in parts])
    expected = {"smoothgrad": values, "smoothgrad_sq": values**2, "vargrad": (values - values.mean(0)) ** 2}
    for kind in kinds:
        e = explainer(_X, noise=dx.noise(kind, _STDEV, _SAMPLES))
        scale = np.abs(expected[kind]).max()
        np.testing.assert_allclose(e.attributions, expected[kind].mean(0), rtol=0, atol=1e-12 * scale)
        np.testing.assert_allclose(e.outputs, clean.outputs, rtol=1e-12)
        assert (e.baseline_outputs is None) == (clean.baseline_outputs is None)
        if clean.baseline_outputs is not None:
            starts = np.mean([part.baseline_outputs for part in parts], 0)  # that of blur_ig depends on the input
            np.testing.assert_allclose(e.baseline_outputs, starts, rtol=1e-12)
        summed = kind == "smoothgrad" and clean.completeness_gap is not None
        assert (e.completeness_gap is not None) == summed
        if summed:
            gap = np.mean([part.completeness_gap for part in parts], 0)
            np.testing.assert_allclose(e.completeness_gap, gap, rtol=0, atol=1e-12)
        if kind == "vargrad":
            assert e.standard_error is None
        else:
            error = expected[kind].std(0, ddof=1) / np.sqrt(_SAMPLES)
            np.testing.assert_allclose(e.standard_error, error, rtol=0, atol=1e-10 * scale)
        assert e.n_steps == clean.n_steps
        assert not [note for note in e.notes if note not in clean.notes and "do not add up" not in note]


_ALIKE = (
    "saliency",
    "lrp",
    "occlusion",
    "deeplift",
    "shapley_sampling",
)  # gradient_x_input and shapley_sampling have the same kinds of programs


@pytest.mark.parametrize("method", [pytest.param(m, marks=[pytest.mark.long] * (m in _ALIKE)) for m in _METHODS])
def test_it_is_a_loop_over_noisy_inputs(network: dx.DeepExplain, method: str):
    _assert_is_loop(network, method, _METHODS[method], ["smoothgrad"])


@pytest.mark.parametrize(
    "method", [pytest.param(m, marks=[pytest.mark.long] * (m != "gradient_x_input")) for m in _METHODS]
)  # the three kinds differ in their last two lines alone
def test_squares_and_variances_are_those_of_the_loop(network: dx.DeepExplain, method: str):
    _assert_is_loop(network, method, _METHODS[method], ["smoothgrad_sq", "vargrad"])


@pytest.mark.parametrize(
    "case", [pytest.param(c, marks=[pytest.mark.long] * (n > 1)) for n, c in enumerate(_MORE)]
)  # the others combine what these have
def test_further_options_are_those_of_the_loop(network: dx.DeepExplain, case: str):
    _assert_is_loop(network, *_MORE[case], ["smoothgrad"])


def test_the_deviation_may_be_a_part_of_the_range_of_each_example(network: dx.DeepExplain):
    x = np.concatenate([_X, np.full((1, 6, 2), 0.7)])  # the last has no range, and gets no noise
    found = network.explain("gradient_x_input", x, target=1, seed=_SEED, noise=dx.noise("smoothgrad", "20%", 3))
    sizes = 0.2 * (x.max((1, 2), keepdims=True) - x.min((1, 2), keepdims=True))
    plain = network.explainer("gradient_x_input", target=1)
    expected = np.mean([plain(x + sizes * draw).attributions for draw in _draws(x, 3)], 0)
    np.testing.assert_allclose(found.attributions, expected, rtol=0, atol=1e-12)
    np.testing.assert_allclose(found.standard_error[3], 0, atol=1e-7)


@pytest.mark.long  # tests/conformance/noise_test.py has them of one method of each kind
def test_batches_chunks_and_the_order_of_examples_change_no_number(network: dx.DeepExplain):
    explainer = network.explainer("deeplift", target=1, seed=_SEED, noise=dx.noise("smoothgrad", "10%", 5))
    expected = explainer(_X).attributions
    for sizes in ({"batch_size": 1}, {"chunk_size": 1}, {"chunk_size": 4}, {"batch_size": 2, "chunk_size": 3}):
        np.testing.assert_allclose(explainer(_X, **sizes).attributions, expected, rtol=0, atol=1e-13)
    np.testing.assert_allclose(explainer(_X[::-1]).attributions, expected[::-1], rtol=0, atol=1e-13)
    inside = tf.function(lambda x: explainer(x).attributions, input_signature=[tf.TensorSpec([None, 6, 2], tf.float64)])
    np.testing.assert_allclose(inside(_X), expected, rtol=0, atol=1e-13)
    assert inside(_X[:0]).shape == (0, 6, 2)


def test_another_deviation_or_number_of_samples_traces_nothing(network: dx.DeepExplain):
    explainer = network.explainer("gradient_x_input", target=1)
    explainer(_X, noise=dx.noise("smoothgrad", 0.1, 3))
    before = explainer.n_traces
    explainer(_X, noise=dx.noise("smoothgrad", 0.2, 4))
    assert explainer.n_traces == before


def test_seeds_decide_about_the_draws(network: dx.DeepExplain):
    explainer = network.explainer("gradient_x_input", target=1)

    def found(own: int | None, of_call: int | None) -> np.ndarray:
        return explainer(_X, seed=of_call, noise=dx.noise("smoothgrad", 0.1, 3, seed=own)).attributions

    np.testing.assert_array_equal(found(None, 3), found(3, None))
    np.testing.assert_array_equal(found(3, 5), found(3, 6))
    for seeds in ((None, 3), (None, None)):
        assert np.abs(found(*seeds) - found(None, None)).max() > 1e-3


def test_all_units_share_the_noise(network: dx.DeepExplain):
    explainer = network.explainer("deeplift", seed=_SEED, noise=dx.noise("smoothgrad", 0.1, 3))
    every = explainer(_X, target="all")
    for unit in range(3):
        np.testing.assert_allclose(every.attributions[:, unit], explainer(_X, target=unit).attributions, atol=1e-13)


def test_a_single_sample_has_no_standard_error(network: dx.DeepExplain):
    e = network.explain("saliency", _X, target=1, seed=_SEED, noise=dx.noise("smoothgrad", 0.1, 1))
    assert np.isfinite(e.attributions).all() and np.isnan(e.standard_error).all()


def test_the_noise_of_a_layer_is_added_to_its_output():
    """Words behind an embedding are explained like the same vectors as inputs."""
    with floats("float64"):
        rest = filled(keras.Sequential([keras.Input((3, 2)), L.Flatten(), L.Dense(4, "tanh"), L.Dense(2)]))
        embedding = L.Embedding(5, 2, name="embedding")
        tokens = keras.Input((3,), dtype="int32")
        model = keras.Model(tokens, rest(embedding(tokens)))
    words = np.array([[0, 4, 2], [1, 1, 3]])
    given = {"target": 0, "seed": 1, "noise": dx.noise("smoothgrad", "10%", 3)}
    found = explain(model, "deeplift", words, layer="embedding", **given)
    expected = explain(rest, "deeplift", np.asarray(embedding(words)), **given)
    np.testing.assert_allclose(found.attributions, expected.attributions, rtol=0, atol=1e-13)
    np.testing.assert_allclose(found.completeness_gap, 0, atol=1e-12)
    with dx.DeepExplain(model) as de:
        noise = dx.noise("smoothgrad")
        message_of(lambda: de.explain("occlusion", words, target=0, noise=noise), InputError, "int32", "layer=")


@pytest.mark.parametrize("method", ["layer_conductance", pytest.param("internal_influence", marks=pytest.mark.long)])
def test_the_noise_around_a_path_of_inputs_is_added_to_the_inputs(method: str):
    """Methods whose path is that of the model's inputs, for the units of a layer."""
    with floats("float64"):
        hidden = [L.Dense(4, "tanh", name="hidden"), L.Dense(2, "tanh")]
        model = filled(keras.Sequential([keras.Input((6, 2)), L.Flatten(), *hidden]))
    with dx.DeepExplain(model, layer="hidden") as de:
        explainer = de.explainer(method, target=1, seed=_SEED, n_steps=3)
        found = explainer(_X, noise=dx.noise("smoothgrad", _STDEV, _SAMPLES))
        parts = [explainer(_X + _STDEV * draw) for draw in _draws(_X)]
    expected = np.mean([part.attributions for part in parts], 0)
    np.testing.assert_allclose(found.attributions, expected, rtol=0, atol=1e-12)
    if found.completeness_gap is not None:
        gap = np.mean([part.completeness_gap for part in parts], 0)
        np.testing.assert_allclose(found.completeness_gap, gap, rtol=0, atol=1e-12)


def test_several_inputs_get_noise_of_their_own():
    def product(a: tf.Tensor, b: tf.Tensor) -> tf.Tensor:
        return tf.reduce_sum(a, 1) * tf.reduce_sum(b, 1) ** 2

    with dx.DeepExplain(product) as de:
        inputs = [np.ones((2, 3)), np.full((2, 3), 2.0)]
        e = de.explain("saliency", inputs, seed=1, noise=dx.noise("smoothgrad", 0.1, 2))
        assert len(e.attributions) == 2 and e.attributions[0].shape == (2, 3)
        twin = de.explain("gradient_x_input", [inputs[0]] * 2, seed=1, noise=dx.noise("smoothgrad", 0.1, 1))
    assert not np.allclose(*twin.attributions)


@pytest.mark.parametrize(
    ("method", "kind", "sizes"),
    [
        ("gradient_x_input", "smoothgrad", {}),
        pytest.param("gradient_x_input", "vargrad", {"chunk_size": 2}, marks=pytest.mark.long),
        pytest.param("integrated_gradients", "smoothgrad", {}, marks=pytest.mark.long),
        pytest.param("integrated_gradients", "vargrad", {"chunk_size": 2}, marks=pytest.mark.long),
    ],
)  # long: derivatives of the same loop, also in chunks and around another loop
def test_a_loss_may_contain_it(network: dx.DeepExplain, method: str, kind: str, sizes: dict[str, int]):
    """The derivative with respect to the inputs, which also decide about the size of the noise."""
    options = {"n_steps": 3} if method == "integrated_gradients" else {}
    explainer = network.explainer(method, target=1, seed=_SEED, noise=dx.noise(kind, "10%", 3), **options)
    weights, x = np.random.default_rng(3).normal(size=_X.shape), tf.constant(_X)
    with tf.GradientTape() as tape:
        tape.watch(x)
        loss = tf.reduce_sum(weights * explainer(x, tensors=True, **sizes).attributions)
    found = tape.gradient(loss, x).numpy()
    for index in [(0, 0, 0), (1, 3, 1), (2, 5, 0)]:
        step = np.zeros_like(_X)
        step[index] = 1e-6
        ends = [(weights * explainer(_X + sign * step).attributions).sum() for sign in (1, -1)]
        assert found[index] == pytest.approx((ends[0] - ends[1]) / 2e-6, rel=1e-4, abs=1e-6)


def test_gaps_are_those_of_the_mean_output():
    """No note: what noise adds to the mean output is no gap."""
    with dx.DeepExplain(lambda x: tf.reduce_sum(x**2, 1)) as de:
        e = de.explain("deeplift", np.full((2, 3), 0.1), seed=0, noise=dx.noise("smoothgrad", 5.0, 20))
    assert (e.attributions.sum(1) > 100 * e.outputs).all()
    np.testing.assert_allclose(e.completeness_gap, 0, atol=1e-10)
    assert not e.notes


@pytest.mark.parametrize(
    ("method", "options", "word"),
    [
        ("integrated_gradients", {"tolerance": 0.1}, "tolerance"),
        ("integrated_gradients", {"gap_tolerance": 0.1}, "gap_tolerance"),
        ("deeplift", {"hypothetical": True}, "hypothetical"),
    ],
)
def test_what_does_not_fit_is_refused_by_name(network: dx.DeepExplain, method: str, options: Any, word: str):
    given = {"target": 1, "noise": dx.noise("smoothgrad")}
    message_of(lambda: network.explain(method, _X, **given, **options), OptionError, f"{word} must be left out")


@pytest.mark.parametrize("given", ["smoothgrad", 0.1, True, {"kind": "smoothgrad"}, dx.noise])
def test_noise_is_made_by_its_function(network: dx.DeepExplain, given: Any):
    message_of(lambda: network.explainer("saliency", noise=given), TypeError, "dx.noise")


def test_a_deviation_beyond_the_dtype_is_refused():
    with dx.DeepExplain(mlp()) as de:
        noise = dx.noise("smoothgrad", 1e39)
        message_of(lambda: de.explain("saliency", np.ones((1, 4)), noise=noise), OptionError, "stdev", "3.4e+38")


def test_coverage_and_audit_know_it(network: dx.DeepExplain):
    noise = dx.noise("smoothgrad")
    assert str(network.coverage("deeplift", noise=noise)) == str(network.coverage("deeplift"))
    message_of(lambda: network.audit("deeplift", _X, target=1, noise=noise), OptionError, "noise")
