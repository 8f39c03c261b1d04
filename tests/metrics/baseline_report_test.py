import keras
import numpy as np
import pytest
import tensorflow as tf

import deepexplain_tf as dx
from deepexplain_tf.errors import InputError, ModelError, OptionError
from tests.checks import message_of

_GENERATOR = np.random.default_rng(0)
_X = _GENERATOR.normal(size=(4, 3)) + 3
_BASELINES = {"zeros": None, "ones": 1.0, "own": _X * [1, 0, 1], "mean": _X.mean(0)}


def _total(inputs):
    return tf.reduce_sum(inputs**2, 1)


def _classes(inputs):
    return tf.nn.softmax(tf.concat([inputs, 2 * inputs], 1))


def _report(**options):
    return dx.metrics.baseline_report(_total, _X, _BASELINES, **options)


def test_each_figure_is_what_its_formula_says():
    report = _report(probabilities=_classes, steps=50, chunk_size=3)
    assert list(report.baselines) == list(_BASELINES)
    for name, given in _BASELINES.items():
        figures = report.baselines[name]
        x0 = np.broadcast_to(0.0 if given is None else given, _X.shape)
        np.testing.assert_allclose(figures.outputs, (x0**2).sum(1), atol=1e-12)
        np.testing.assert_allclose(figures.share, (x0**2).sum(1) / (_X**2).sum(1), atol=1e-12)
        p = np.asarray(_classes(x0))
        np.testing.assert_allclose(figures.entropy, -(p * np.log(p)).sum(1) / np.log(6), atol=1e-12)
        np.testing.assert_allclose(figures.distance, np.sqrt(((_X - x0) ** 2).mean(1)), atol=1e-12)
        np.testing.assert_allclose(figures.equal, (x0 == _X).mean(1))
        changes = np.abs(
            np.diff(
                [
                    [((x + (1 - a) * (s - x)) ** 2).sum() for x, s in zip(_X, x0, strict=True)]
                    for a in np.linspace(0, 1, 51)
                ],
                axis=0,
            )
        ).T
        for row, found in zip(changes, figures.saturation, strict=True):
            large = np.sort(row)[::-1]
            needed = next(k for k in range(1, 51) if large[:k].sum() >= 0.9 * row.sum())
            assert found == pytest.approx(1 - needed / 50)


def test_saturation_of_a_step_and_of_a_line():
    step = lambda x: tf.sigmoid(1000 * (x[:, 0] - 0.05))  # noqa: E731
    x = np.ones((2, 1))
    assert dx.metrics.baseline_report(step, x, {"zero": 0.0}).baselines["zero"].saturation == pytest.approx(31 / 32)
    line = dx.metrics.baseline_report(lambda x: x[:, 0], x, {"zero": 0.0, "same": 1.0}, steps=10).baselines
    assert line["zero"].saturation == pytest.approx(0.1)
    assert np.isnan(line["same"].saturation).all()


def test_entropy_of_certain_and_of_undecided_classes():
    classes = lambda x: np.where(x[:, :1] > 0, [[1.0, 0, 0]], [[1 / 3] * 3])  # noqa: E731
    x = np.array([[1.0, 1.0], [-1.0, 1.0]])
    report = dx.metrics.baseline_report(lambda x: x[:, 1], x, {"self": x}, probabilities=classes)
    np.testing.assert_allclose(report.baselines["self"].entropy, [0, 1], atol=1e-12)


@pytest.mark.parametrize(("probability", "entropy"), [(0.5, 1.0), (1e-9, 0.0), (1.0, 0.0)])
def test_a_sigmoid_has_two_classes(probability, entropy):
    """A probability of nearly nothing is no neutral baseline, but the surest answer that there is."""
    fn = lambda x: tf.where(x[:, 0] > 0, 1.0, tf.cast(probability, x.dtype))  # noqa: E731
    report = dx.metrics.baseline_report(
        fn, np.ones((2, 1)), {"zero": None}, probabilities=lambda x: np.full((2, 1), probability)
    )
    np.testing.assert_allclose(report.baselines["zero"].entropy, entropy, atol=1e-6)
    assert any("says something" in warning for warning in report.warnings) == (entropy == 0)


def test_what_speaks_against_baselines_is_said():
    sure = lambda x: np.tile([[1.0, 0.0]], (len(x), 1))  # noqa: E731
    report = dx.metrics.baseline_report(
        lambda x: tf.sigmoid(40 * x[:, 0] - 2), np.array([[1.0, 0.0, 0.0]]), {"zero": 0.0, "one": np.ones(3)},
        probabilities=sure,
    )  # fmt: skip
    zero, one = (report.baselines[name].warnings for name in ("zero", "one"))
    assert [text.split(":")[0].split(" in ")[0] for text in one] == [
        "is not neutral",
        "says something by itself",
        "has the value of the input",
    ]
    assert any("67%" in text for text in zero) and any(text.startswith("is saturated") for text in zero)
    assert f"! one {one[0]}" in str(report) and "entropy of the classes is 0 of the largest" in one[1]
    assert str(report).splitlines()[0].split() == [
        "baseline", "output", "share", "entropy", "saturation", "distance", "equal",
    ]  # fmt: skip
    assert repr(report).startswith("BaselineReport of 2 baselines")


def test_a_neutral_baseline_of_a_keras_model_has_no_warning():
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(4, "softmax", use_bias=False)])
    fn = lambda x: model(x)[:, 0]  # noqa: E731
    report = dx.metrics.baseline_report(fn, _X.astype("float32"), {"zeros": None}, probabilities=model)
    assert report.warnings == ()
    np.testing.assert_allclose(report.baselines["zeros"].entropy, 1, atol=1e-6)


def test_several_inputs_share_one_path():
    inputs = {"a": _X, "b": _X[:, :2]}
    fn = lambda inputs: inputs["a"][:, 0] * inputs["b"][:, 0]  # noqa: E731
    found = dx.metrics.baseline_report(fn, inputs, {"both": {"a": 0.0, "b": 1.0}}).baselines["both"]
    np.testing.assert_allclose(found.outputs, 0)
    apart = np.concatenate([_X, _X[:, :2] - 1], 1)
    np.testing.assert_allclose(found.distance, np.sqrt((apart**2).mean(1)))


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"baselines": {}}, InputError, "one or more baselines by name"),
        ({"baselines": 0.0}, InputError, "one or more baselines by name"),
        ({"baselines": {"a": np.ones(5)}}, InputError, "baseline"),
        ({"inputs": np.ones((2, 3), int)}, InputError, "must be floats"),
        ({"steps": 1}, OptionError, "steps"),
        ({"probabilities": 3}, TypeError, "function of inputs"),
        ({"probabilities": lambda x: x[:, 0]}, ModelError, "classes"),
        ({"probabilities": lambda x: x}, ModelError, "sum to 1"),
        ({"probabilities": lambda x: 1 / 0}, ModelError, "must run on baselines"),
        ({"fn": 3}, TypeError, "fn is a function"),
        ({"fn": lambda x: x[:, 0] * np.nan}, ModelError, "finite"),
    ],
)
def test_errors(change, error, words):
    arguments = {"fn": _total, "inputs": _X, "baselines": {"zeros": 0.0}} | change
    message_of(lambda: dx.metrics.baseline_report(**arguments), error, words)
