"""Sets of baselines: for every method that takes one, in both forms, the mean over calls with one baseline each."""

import itertools
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

import deepexplain_tf as dx
from deepexplain_tf.errors import DeepExplainError, InputError, OptionError
from tests import references as ref
from tests.checks import explain, in_turn, message_of, pairs_in_turn
from tests.models import filled

L = keras.layers
_OPTIONS: dict[str, dict[str, Any]] = {
    "deeplift": {},
    "integrated_gradients": {"n_steps": 5},
    "shapley_sampling": {"n_samples": 8, "seed": 3},
}
COMPARING = tuple(_OPTIONS)
each_method = pytest.mark.parametrize("method", COMPARING)
_X, _SHARED, _EACH = ref.numbers(0, (5, 4), (3, 4), (5, 3, 4))
_NET = ref.branched_network("tanh")
_FIELDS = ("attributions", "outputs", "baseline_outputs", "completeness_gap")


def _loop(explainer: dx.Explainer, x: Any, baselines: list[Any], **late: Any) -> list[Any]:
    """Returns the fields' means over one call for each baseline."""
    runs = [explainer(x, baseline=baseline, **late) for baseline in baselines]
    return [tf.nest.map_structure(lambda *a: np.mean(a, 0), *(getattr(e, name) for e in runs)) for name in _FIELDS]


def _assert_loop(e: dx.Explanation, expected: list[Any]) -> None:
    for name, wanted in zip(_FIELDS, expected, strict=True):
        found = getattr(e, name)
        tf.nest.map_structure(lambda a, b: np.testing.assert_allclose(a, b, rtol=0, atol=1e-12), found, wanted)


_BASELINES = {"shared": (_SHARED, list(_SHARED)), "each": (_EACH, [_EACH[:, n] for n in range(3)])}


@pytest.mark.parametrize(
    ("form", "method"),
    pairs_in_turn(itertools.product(_BASELINES, COMPARING), 4),
)
def test_it_is_the_mean_over_its_baselines(form: str, method: str):
    background, baselines = _BASELINES[form]
    with dx.DeepExplain(ref.in_tensorflow(_NET)) as de:
        explainer = de.explainer(method, target=[0, 1, 2, 1, 0], **_OPTIONS[method])
        expected = _loop(explainer, _X, baselines)
        for sizes in ({}, {"batch_size": 2, "chunk_size": 4}):
            _assert_loop(explainer(_X, background=background, **sizes), expected)


@pytest.mark.parametrize("method", in_turn(["deeplift", "shapley_sampling"]))
def test_xla_changes_no_number(method: str):  # tests/methods/integrated_gradients_test.py compiles the other
    arguments = {"target": 1, "background": _EACH, **_OPTIONS[method]}
    expected, found = (explain(ref.in_tensorflow(_NET), method, _X, **arguments, jit_compile=j) for j in (False, True))
    np.testing.assert_allclose(found.attributions, expected.attributions, rtol=0, atol=1e-12)


def test_deeplift_by_its_closed_form():
    layers = ref.branched_network("relu")
    for background in (_SHARED, _EACH):
        e = explain(ref.in_tensorflow(layers), "deeplift", _X, target=2, background=background)
        baselines = [background[n] if background.ndim == 2 else background[:, n] for n in range(3)]
        expected = np.mean([ref.deeplift(layers, _X, start, 2) for start in baselines], 0)
        np.testing.assert_allclose(e.attributions, expected, rtol=1e-9, atol=1e-11)
        mean = np.mean([ref.forward(layers, np.broadcast_to(start, (5, 4)))[:, 2] for start in baselines], 0)
        np.testing.assert_allclose(e.baseline_outputs, mean, rtol=1e-12, atol=1e-13)
        np.testing.assert_allclose(e.completeness_gap, 0, atol=1e-12)


def test_shapley_values_are_exact_where_permutations_are_enumerated():
    function = lambda x: ref.forward(_NET, x)[:, 1]  # noqa: E731
    e = explain(ref.in_tensorflow(_NET), "shapley_sampling", _X, target=1, background=_SHARED, n_samples=24)
    exact = np.mean([ref.shapley(function, [_X], [start], [np.arange(4)]) for start in _SHARED], 0)
    np.testing.assert_allclose(e.attributions, exact, rtol=1e-10, atol=1e-12)
    np.testing.assert_array_equal(e.standard_error, 0)


def test_the_standard_error_of_shapley_values_is_that_of_the_permutations():
    """Of 40 seeds, the mean of squared errors is about that of squared standard errors."""
    with dx.DeepExplain(ref.in_tensorflow(_NET)) as de:
        explainer = de.explainer("shapley_sampling", target=1, background=_EACH)
        exact = explainer(_X, n_samples=24).attributions
        runs = [explainer(_X, n_samples=22, seed=seed) for seed in range(40)]
    errors = np.mean([(e.attributions - exact) ** 2 for e in runs])
    assert 0.8 < np.sqrt(errors / np.mean([e.standard_error**2 for e in runs])) < 1.2


@pytest.mark.parametrize("sampling", ["stratified", "random"])
def test_expected_gradients_take_the_baselines_of_each_example(sampling: str):
    with dx.DeepExplain(ref.in_tensorflow(_NET)) as de:
        explainer = de.explainer("expected_gradients", target=1, seed=2, n_samples=7, sampling=sampling)
        e = explainer(_X, background=_EACH)
        alone = [explainer(_X[n : n + 1], background=_EACH[n]) for n in range(5)]
    for name in (*_FIELDS, "standard_error"):
        wanted = np.concatenate([getattr(one, name) for one in alone])
        np.testing.assert_allclose(getattr(e, name), wanted, rtol=0, atol=1e-12)


# --- structures -------------------------------------------------------------------------------------------


@each_method
def test_inputs_by_name(method: str):
    x, y, xs, ys = ref.numbers(4, (2, 3), (2, 2), (2, 4, 3), (2, 4, 2))
    signature = [tf.TensorSpec([None, 3], tf.float64, "x"), tf.TensorSpec([None, 2], tf.float64, "y")]
    model = lambda x, y: tf.tanh(tf.reduce_sum(x, 1) + 0.3) * tf.reduce_sum(y**2 + 0.1, 1)  # noqa: E731
    with dx.DeepExplain(model, input_signature=signature) as de:
        explainer = de.explainer(method, **_OPTIONS[method])
        baselines = [{"y": ys[:, n], "x": xs[:, n]} for n in range(4)]
        _assert_loop(
            explainer({"x": x, "y": y}, background={"y": ys, "x": xs}), _loop(explainer, {"x": x, "y": y}, baselines)
        )
        shared = explainer([x, y], background=[xs[0], ys])  # a set for all of the one, and for each of the other
        baselines = [[xs[0, n], ys[:, n]] for n in range(4)]
        _assert_loop(shared, _loop(explainer, [x, y], baselines))


def _text_model() -> keras.Model:
    """Returns an LSTM over embedded tokens with a mask, in float64."""
    tokens, price = keras.Input((5,), dtype="int32"), keras.Input((2,), name="price", dtype="float64")
    words = L.Embedding(9, 3, mask_zero=True, name="embedding", dtype="float64")(tokens)
    joined = L.Concatenate(dtype="float64")([L.LSTM(4, dtype="float64")(words), price])
    return filled(keras.Model([tokens, price], L.Dense(2, dtype="float64")(joined)))


@pytest.mark.long  # places, recurrent models and backgrounds together; other tests have each of them
@pytest.mark.parametrize("method", ["deeplift", "integrated_gradients"])
def test_several_places_of_a_recurrent_model_behind_integers(method: str):
    tokens = np.array([[1, 2, 3, 0, 0], [4, 5, 6, 7, 8], [8, 1, 0, 0, 0]])
    price, words, prices = ref.numbers(5, (3, 2), (3, 2, 5, 3), (2, 2))
    with dx.DeepExplain(_text_model(), layer=["embedding", "price"], jit_compile=False) as de:
        explainer = de.explainer(method, target="all", **_OPTIONS[method])
        e = explainer([tokens, price], background={"embedding": words, "price": prices})
        baselines = [{"embedding": words[:, n], "price": prices[n]} for n in range(2)]
        _assert_loop(e, _loop(explainer, [tokens, price], baselines))
    assert e.attributions["embedding"].shape == (3, 2, 5, 3)


def test_whole_numbers_and_strings():
    words, numbers = np.array(["cat", "dog", "", "cow"]), np.array([[1, 2], [3, 4], [5, 6], [7, 8]])

    def model(word: tf.Tensor, number: tf.Tensor) -> tf.Tensor:
        length = tf.cast(tf.strings.to_hash_bucket_fast(word, 7), tf.float64) + 0.5
        return length * tf.reduce_sum(tf.cast(number, tf.float64) ** 2, 1)

    signature = [tf.TensorSpec([None], tf.string, "word"), tf.TensorSpec([None, 2], tf.int32, "number")]
    with dx.DeepExplain(model, input_signature=signature) as de:
        explainer = de.explainer("shapley_sampling", n_samples=4, seed=0)
        each = np.stack([np.roll(words, 1), np.roll(words, 2)], 1)
        for strings, sets in ((["a", "[UNK]"], lambda n: ["a", "[UNK]"][n]), (each, lambda n: each[:, n])):
            e = explainer([words, numbers], background=[strings, numbers[:2]])
            _assert_loop(e, _loop(explainer, [words, numbers], [[sets(n), numbers[n]] for n in range(2)]))


def test_a_model_of_fixed_batch():
    model = filled(keras.Sequential([keras.Input(batch_shape=(2, 4)), L.Dense(5, "tanh"), L.Dense(2)]))
    x, background = _X.astype("float32"), _EACH.astype("float32")
    with dx.DeepExplain(model) as de:
        explainer = de.explainer("deeplift", target=1)
        expected = np.mean([explainer(x, baseline=background[:, n]).attributions for n in range(3)], 0)
        np.testing.assert_allclose(explainer(x, background=background).attributions, expected, rtol=0, atol=1e-6)


# --- inside graphs, and out of Python ---------------------------------------------------------------------


_LONG = {(method, xla) for method in COMPARING for xla in (False, True)} - {("deeplift", False)}


@pytest.mark.parametrize(
    ("method", "xla"),
    [  # tests/derivatives_test.py has them without a background
        pytest.param(method, xla, marks=[pytest.mark.long] * ((method, xla) in _LONG))
        for method in COMPARING
        for xla in (False, True)
    ],
)
def test_attributions_inside_training_have_their_derivatives(method: str, xla: bool):
    (kernel,) = (tf.Variable(array) for array in ref.numbers(6, (4, 3)))

    def model(x: tf.Tensor) -> tf.Tensor:
        return tf.reduce_sum(tf.tanh(x @ kernel + 0.2) ** 2, 1)

    with dx.DeepExplain(model) as de:
        explainer = de.explainer(method, **_OPTIONS[method])

    def gradient(of: Any) -> Any:
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(of(tf.constant(_X)) ** 2)
        return tape.gradient(loss, kernel)

    def single(x: tf.Tensor) -> Any:
        runs = [explainer(x, baseline=_EACH[:, n], tensors=True).attributions for n in range(3)]
        return tf.add_n(runs) / 3

    together = lambda x: explainer(x, background=_EACH, tensors=True).attributions  # noqa: E731
    expected = gradient(single)
    assert np.abs(expected).max() > 1e-2
    np.testing.assert_allclose(gradient(together), expected, rtol=0, atol=1e-11)
    inside = tf.function(lambda: gradient(together), autograph=False, jit_compile=xla)
    np.testing.assert_allclose(inside(), expected, rtol=0, atol=1e-11)


def test_an_export_keeps_its_background(tmp_path):
    model = filled(keras.Sequential([keras.Input((4,)), L.Dense(5, "tanh"), L.Dense(2)]))
    with dx.DeepExplain(model) as de:
        explainer = de.explainer("deeplift", target=1, background=_SHARED)
        explainer.export(tmp_path / "served")
        message_of(
            lambda: de.explainer("deeplift", target=1, background=_EACH).export(tmp_path / "each"),
            InputError,
            "background",
            "for each",
        )
    served = tf.saved_model.load(str(tmp_path / "served")).signatures["explain"]
    (name,) = served.structured_input_signature[1]
    for count in (5, 2):
        found = served(**{name: tf.constant(_X[:count], tf.float32)})
        np.testing.assert_allclose(found["attributions"], explainer(_X).attributions[:count], rtol=0, atol=1e-6)


# --- what it costs, and what is told ----------------------------------------------------------------------


@each_method
def test_another_background_traces_nothing_anew(method: str):
    with dx.DeepExplain(ref.in_tensorflow(_NET)) as de:
        explainer = de.explainer(method, target=1, **_OPTIONS[method])
        explainer(_X, background=_SHARED)
        before = explainer.n_traces
        for background in (_SHARED + 1, _SHARED[:1], _EACH, np.concatenate([_EACH, _EACH], 1)):
            explainer(_X, background=background)
        assert explainer.n_traces == before


def test_an_audit_is_the_mean_over_the_background():
    with dx.DeepExplain(ref.in_tensorflow(_NET), input_signature=[tf.TensorSpec([None, 4], tf.float64)]) as de:
        together = de.audit("deeplift", _X, target=1, background=_EACH)
        alone = [de.audit("deeplift", _X, target=1, baseline=_EACH[:, n]) for n in range(3)]
    np.testing.assert_allclose(together.change, np.mean([audit.change for audit in alone], 0), rtol=1e-12)
    assert len(together) == len(alone[0])
    assert max(np.abs(row.lost).max() for row in together) < 1e-12


def test_a_gap_is_noted_with_the_op_that_loses_it():
    def model(score: tf.Tensor, legal: tf.Tensor) -> tf.Tensor:
        return tf.where(tf.cast(legal, tf.int32) > 0, score, -10.0)[:, 0]

    x = [np.full((2, 1), 2.0), np.array([[1.0], [-1.0]])]
    e = explain(model, "deeplift", x, background=[np.full((3, 1), 2.0), np.array([[-1.0], [0.0], [1.0]])], strict=False)
    assert abs(e.completeness_gap[0]) > 0.1
    assert any("do not add up" in note and "Select" in note for note in e.notes)


def test_masks_that_the_background_changes_are_noted():
    def model(x: tf.Tensor) -> tf.Tensor:
        weights = tf.cast(tf.reduce_any(x != -1, 2), x.dtype)
        return tf.reduce_sum(tf.reduce_sum(tf.tanh(x), 2) * weights, 1)

    x = np.ones((3, 4, 2))
    x[0, 2:] = -1
    keeping = np.stack([np.where(x == -1, -1, start) for start in (0.1, 0.2)], 1)
    breaking = keeping.copy()
    breaking[0, 1] = 0.3
    for method, options in (("deeplift", {}), ("expected_gradients", {"n_samples": 4, "seed": 0})):
        notes = explain(model, method, x, background=breaking, **options).notes
        assert [note for note in notes if "background changes the mask" in note and "1 of 3 examples" in note]
        assert not [n for n in explain(model, method, x, background=keeping, **options).notes if "mask" in n]


# --- what is refused --------------------------------------------------------------------------------------

_WRONG: dict[str, Any] = {
    "too many sets": np.zeros((4, 3, 4)),
    "no set": _EACH[:0],
    "empty sets": _EACH[:, :0],
    "too few features of each": _EACH[..., :3],
    "a rank too high": _EACH[None],
    "NaN in a set": _EACH * np.nan,
    "complex numbers": _EACH * 1j,
    "strings": np.full((5, 3, 4), "a"),
    "a ragged tensor": tf.ragged.constant([[1.0, 2.0], [3.0]]),
    "None in an array": np.array([[None] * 4]),
}


@pytest.mark.parametrize("background", _WRONG.values(), ids=_WRONG)
def test_a_background_that_does_not_fit(background: Any):
    with dx.DeepExplain(ref.in_tensorflow(_NET), input_signature=[tf.TensorSpec([None, 4], tf.float64)]) as de:
        for method in (*COMPARING, "expected_gradients"):
            explainer = de.explainer(method, target=1, background=background)
            message_of(lambda explainer=explainer: explainer(_X), InputError, "background")
            assert explainer.n_traces == 0


@each_method
def test_a_background_excludes_a_baseline(method: str):
    with dx.DeepExplain(ref.in_tensorflow(_NET)) as de:
        message_of(
            lambda: de.explainer(method, background=_SHARED, baseline=0.0), OptionError, "baseline", "background"
        )
        with pytest.raises(DeepExplainError, match="background"):
            de.audit("deeplift", _X, target=1, background=_SHARED, baseline=0.0)
