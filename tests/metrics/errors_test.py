"""Wrong use of a metric gets one clear error before the model is asked."""

import functools

import keras
import numpy as np
import pytest
import tensorflow as tf

import deepexplain_tf as dx
from tests.checks import message_of

M = dx.metrics
X = np.random.default_rng(0).normal(size=(3, 4))
PAIR = {"a": X, "b": X[:, :2]}


def unasked(x):
    raise AssertionError("the model was asked")


OF_NEIGHBOURS = [M.local_lipschitz_estimate, M.max_sensitivity, M.relative_input_stability]
OF_SUBSETS = [M.faithfulness_correlation, M.mu_fidelity, M.sensitivity_n]
OF_FEATURES = [
    M.average_drop,
    M.average_increase,
    M.deletion,
    M.insertion,
    M.monotonicity,
    M.pixel_flipping,
    *OF_SUBSETS,
]
OF_ATTRIBUTIONS = [M.completeness, M.infidelity, M.monotonicity_correlation, *OF_FEATURES]


def without_model(metric):
    """A metric of `(inputs, attributions)` as one of `(fn, inputs, attributions)`."""
    return functools.wraps(metric)(lambda fn, *arguments, **options: metric(*arguments, **options))


OF_FRACTIONS = [without_model(metric) for metric in (M.complexity, M.sparseness)]
OF_MASKS = [M.pointing_game, M.relevance_mass_accuracy, M.relevance_rank_accuracy]
WITHOUT_MODEL = OF_FRACTIONS + [without_model(functools.partial(metric, masks=X > 0)) for metric in OF_MASKS]
NAN, LESS = X.copy(), X[:, :3]
NAN[1, 1] = np.nan


@pytest.mark.parametrize("metric", OF_ATTRIBUTIONS + WITHOUT_MODEL, ids=lambda metric: metric.__name__)
@pytest.mark.parametrize(
    ("inputs", "attributions", "words"),
    [
        (X, LESS, "attributions must have the shape of the inputs, [3, 4]. Got [3, 3]."),
        (X, X[:2], "attributions must have the shape of the inputs, [3, 4]. Got [2, 4]."),
        (X, 1.0, "attributions must have the shape of the inputs"),
        (X, NAN, "attributions must be finite"),
        (X, X.astype(complex), "attributions must have a real dtype"),
        (X, None, "attributions must be an array"),
        (X, "deeplift", "attributions must be an array"),
        (X, [X, X], "attributions must have 1 array(s)"),
        (X, {}, "attributions must be in the structure of the inputs, or several by name. Got none."),
        (X, {"lrp": LESS}, "attributions 'lrp' must have the shape of the inputs"),
        (X, {"good": X, "bad": NAN}, "attributions 'bad' must be finite"),
        ([X, X], X, "attributions must be 2 arrays"),
        ([X, X], [X], "attributions must have 2 array(s)"),
        (PAIR, {"a": X, "c": X}, "attributions 'a' must be 2 arrays"),
        (PAIR, {"a": X, "b": X}, "attributions must have the shape of the inputs, [3, 2]. Got [3, 4]."),
        (PAIR, {"lrp": {"a": X}}, "attributions 'lrp' must have the keys ['a', 'b']"),
        (NAN, X, "inputs must be finite"),
        (np.zeros((0, 4)), np.zeros((0, 4)), "inputs must hold at least one example"),
        ("text", X, "inputs must be an array"),
        ([X, X[:2]], [X, X[:2]], "inputs must have one batch size"),
    ],
)
def test_arrays(metric, inputs, attributions, words):
    assert words in message_of(lambda: metric(unasked, inputs, attributions))


@pytest.mark.parametrize("metric", [M.completeness, *OF_FEATURES])
@pytest.mark.parametrize("baseline", [LESS, "zeros", np.nan, [X, X]], ids=["shape", "text", "nan", "structure"])
def test_baselines(metric, baseline):
    assert "baseline must" in message_of(lambda: metric(unasked, X, X, baseline=baseline))


@pytest.mark.parametrize("metric", [*OF_FEATURES, M.monotonicity_correlation, *OF_FRACTIONS])
@pytest.mark.parametrize(
    "groups", ["pixel", np.zeros(3, int), np.zeros((3, 4), int), np.zeros(4), [[0, 1], [1]], [np.zeros(4, int)] * 2]
)
def test_groups(metric, groups):
    assert "groups must" in message_of(lambda: metric(unasked, X, X, groups=groups))


@pytest.mark.parametrize("metric", OF_MASKS)
def test_masks(metric):
    pictures = np.ones((2, 3, 3, 2))
    for x, masks, words in [
        (X, None, "masks must be an array"),
        (X, np.ones((3, 3, 4)), "masks must have the shape [3, 4] or [3, 1]. Got [3, 3, 4]."),
        (X, np.ones(3), "masks must have the shape [3, 4] or [3, 1]. Got [3]."),
        (pictures, np.ones((2, 3)), "masks must have the shape [2, 3, 3, 2] or [2, 3, 3, 1] or [2, 3, 3]. Got [2, 3]."),
        (X, np.full((3, 4), 2), "masks must be booleans, or numbers 0 and 1. Got 2."),
        (X, np.full((3, 4), 0.5), "Got 0.5."),
        (X, NAN, "masks must be finite"),
        ([X, X], X > 0, "masks must be 2 arrays"),
    ]:
        assert words in message_of(lambda x=x, masks=masks: metric(x, x, masks))
    if metric is M.pointing_game:
        for tolerance in (-1, np.nan, "15"):
            message = message_of(lambda given=tolerance: metric(X, X, X > 0, tolerance=given))
            assert "tolerance must be a number ≥ 0" in message


OPTIONS = [
    (M.sensitivity_n, {"n": 0}, "n must be one or several whole numbers in 1 … 3, as there are 4 features. Got 0."),
    (M.sensitivity_n, {"n": 4}, "n must be"),
    (M.sensitivity_n, {"n": [1, 4]}, "n must be"),
    (M.sensitivity_n, {"n": []}, "n must be"),
    (M.sensitivity_n, {"n": 1.0}, "n must be"),
    (M.sensitivity_n, {"n": True}, "n must be"),
    (M.sensitivity_n, {"n": "1"}, "n must be"),
    (M.sensitivity_n, {"n": np.array(4)}, "n must be"),
    (M.sensitivity_n, {"n": 2, "groups": np.array([0, 0, 1, 1])}, "in 1 … 1, as there are 2 features"),
    (M.faithfulness_correlation, {"subset_size": 0}, "subset_size must be a whole number in 1 … 3. Got 0."),
    (M.faithfulness_correlation, {"subset_size": 4}, "subset_size must be"),
    (M.mu_fidelity, {"fraction": 0}, "fraction must be a number between 0 and 1. Got 0."),
    (M.mu_fidelity, {"fraction": 1.0}, "fraction must be"),
    (M.mu_fidelity, {"grid": 2}, "grid is for one input of pictures. Got inputs of shape [[4]]."),
    (M.monotonicity, {"steps": 1}, "steps must be a whole number ≥ 2. Got 1."),
    (M.monotonicity_correlation, {"n_samples": 0}, "n_samples must be a whole number ≥ 1"),
    (M.pixel_flipping, {"steps": 0}, "steps must be a whole number ≥ 1"),
    (M.pixel_flipping, {"order": "random"}, "order must be 'morf' or 'lerf'. Got 'random'."),
    (M.pixel_flipping, {"replacement": None}, "replacement must be 'uniform' or 'baseline'. Got None."),
    (M.deletion, {"steps": 0}, "steps must be a whole number ≥ 1"),
    (M.insertion, {"steps": "all"}, "steps must be"),
    (M.infidelity, {"noise": 0.0}, "noise must be a number > 0"),
    (M.infidelity, {"noise": np.inf}, "noise must be"),
    (M.infidelity, {"n_samples": 0}, "n_samples must be"),
    (M.infidelity, {"normalise": 1}, "normalise must be True or False"),
    (M.infidelity, {"perturb": "remove"}, "perturb must be 'noise', 'removal' or a function. Got 'remove'"),
    (M.infidelity, {"perturb": lambda x, generator: x}, "perturb must return a tuple (I, perturbed inputs)"),
    (M.infidelity, {"perturb": lambda x, generator: (x, x[:2])}, "perturbed inputs must have the shape of the inputs"),
    (M.infidelity, {"perturb": lambda x, generator: (x[:, :2], x)}, "I must have the shape of the inputs"),
    (M.infidelity, {"perturb": lambda x, generator: (x, x * np.nan)}, "perturbed inputs must be finite"),
]
OPTIONS += [
    (metric, {"groups": np.zeros(4, int)}, f"{metric.__name__} needs two or more features. Got one.")
    for metric in (*OF_SUBSETS, M.monotonicity, M.monotonicity_correlation)
]
OPTIONS += [(metric, {"subsets": n}, "subsets must be a whole number ≥ 2") for metric in OF_SUBSETS for n in (1, 2.5)]
OPTIONS += [
    (metric, {"seed": seed}, "seed must be a whole number ≥ 0")
    for metric in (*OF_SUBSETS, M.infidelity, M.monotonicity_correlation, M.pixel_flipping)
    for seed in (-1, 1.0, "0", True)
]
OPTIONS += [(metric, {"chunk_size": 0}, "chunk_size must be a whole number ≥ 1") for metric in OF_ATTRIBUTIONS]


@pytest.mark.parametrize(("metric", "options", "words"), OPTIONS)
def test_options(metric, options, words):
    fn = unasked if "perturb" not in options else (lambda x: tf.reduce_sum(x, 1))
    assert words in message_of(lambda: metric(fn, X, X, **options))


@pytest.mark.parametrize("metric", OF_ATTRIBUTIONS)
def test_functions(metric):
    assert "fn is a function" in message_of(lambda: metric(None, X, X), TypeError)
    assert "fn must return one float" in message_of(lambda: metric(lambda x: x, X, X))


@pytest.mark.parametrize("metric", [M.monotonicity_correlation, M.pixel_flipping])
def test_values_to_draw(metric):
    for value_range in (1.0, (1, 1), (1, np.inf), (0, 1, 2), "01"):
        message = message_of(lambda given=value_range: metric(unasked, X, X, value_range=given))
        assert "value_range must be a pair of numbers (low, high) with low < high, or None" in message
    assert "inputs must be floats to be replaced" in message_of(lambda: metric(unasked, np.ones((3, 4), int), X))
    assert "inputs must have a range" in message_of(lambda: metric(unasked, np.ones((3, 4)), X))


@pytest.mark.parametrize("metric", [M.average_drop, M.average_increase])
def test_confidence(metric):
    assert "inputs must be floats" in message_of(lambda: metric(unasked, np.ones((3, 4), int), X))
    for value in (1.5, -0.5):
        fn = lambda x, value=value: x[:, 0] * 0 + value  # noqa: E731
        message = message_of(lambda fn=fn: metric(fn, X, X))
        assert message == f"fn must return probabilities, from 0 to 1, as output='model' does. Got {value}."


def test_infidelity_needs_floats():
    whole = np.ones((3, 4), int)
    assert "inputs must be floats" in message_of(lambda: M.infidelity(unasked, whole, X))
    assert "perturb is a name, or a function" in message_of(lambda: M.infidelity(unasked, X, X, perturb=3), TypeError)


@pytest.mark.parametrize(
    ("explain", "options", "kind", "words"),
    [
        (3, {}, TypeError, "explain is a function"),
        ({"a": 3}, {}, TypeError, "explain is a function"),
        ({}, {}, dx.DeepExplainError, "Got none"),
        (np.sin, {"radius": 0}, dx.DeepExplainError, "radius must be a number > 0"),
        (np.sin, {"n_samples": 0}, dx.DeepExplainError, "n_samples must be"),
        (np.sin, {"seed": "x"}, dx.DeepExplainError, "seed must be"),
        (lambda x: x[:2], {}, dx.DeepExplainError, "explain must return attributions [3, ...]. Got shape [2, 4]."),
        (lambda x: x * np.nan, {}, dx.DeepExplainError, "attributions must be finite"),
        (lambda x: None, {}, dx.DeepExplainError, "attributions must be an array"),
    ],
)
@pytest.mark.parametrize("metric", OF_NEIGHBOURS)
def test_neighbours(metric, explain, options, kind, words):
    assert words in message_of(lambda: metric(explain, X, **options), kind)


def test_epsilon():
    for epsilon in (0, -1e-6, np.nan, "small"):
        call = lambda given=epsilon: M.relative_input_stability(unasked, X, epsilon=given)  # noqa: E731
        assert "epsilon must be a number > 0" in message_of(call)


@pytest.mark.parametrize("metric", OF_NEIGHBOURS)
def test_attributions_that_change_their_shape(metric):
    calls = []

    def explain(x):
        calls.append(x)
        return x[:, : len(calls)]

    assert "of one shape" in message_of(lambda: metric(explain, X))


def small():
    return keras.Sequential([keras.Input((4,)), keras.layers.Dense(2, name="dense")])


@pytest.mark.parametrize(
    ("model", "options", "kind", "words"),
    [
        (np.sin, {}, TypeError, "model is a Keras model"),
        (
            small(),
            {"layers": ["dens"]},
            dx.DeepExplainError,
            "layers must name layers with weights. Got 'dens'; closest",
        ),
        (small(), {"layers": "dense"}, dx.DeepExplainError, "layers must be one or more names"),
        (small(), {"layers": []}, dx.DeepExplainError, "layers must be one or more names"),
        (small(), {"layers": [0]}, dx.DeepExplainError, "layers must name layers"),
        (small(), {"layers": [[["dense"]]]}, dx.DeepExplainError, "layers must name layers"),
        (small(), {"layers": ["dense", []]}, dx.DeepExplainError, "layers must be one or more names"),
        (small(), {"absolute": 1}, dx.DeepExplainError, "absolute must be True or False"),
        (small(), {"seed": -3}, dx.DeepExplainError, "seed must be"),
        (keras.Sequential([keras.Input((4,)), keras.layers.ReLU()]), {}, dx.DeepExplainError, "layers with weights"),
    ],
)
def test_randomisation(model, options, kind, words):
    assert words in message_of(lambda: M.randomisation(lambda model, x: unasked(x), model, X, **options), kind)


SIMILARITIES = [
    ({"similarity": "pearson"}, X, "similarity must be 'spearman', 'ssim' or 'hog'. Got 'pearson'."),
    ({"similarity": "ssim"}, X, "similarity='ssim' needs one input of pictures"),
    ({"similarity": "hog"}, np.ones((3, 12, 11, 3)), "of at least 12 × 12 pixels. Got shapes [[12, 11, 3]]."),
    ({"similarity": "ssim"}, [np.ones((3, 12, 12))] * 2, "needs one input of pictures"),
    ({"absolute": "yes"}, X, "absolute must be True or False"),
]


@pytest.mark.parametrize(("options", "x", "words"), SIMILARITIES)
def test_similarity(options, x, words):
    explain = lambda model, x: unasked(x)  # noqa: E731
    assert words in message_of(lambda: M.randomisation(explain, small(), x, **options))
    assert words in message_of(lambda: M.data_randomisation(explain, small(), x, permuted=small(), **options))


def test_data_randomisation():
    model = small()
    message = message_of(lambda: M.data_randomisation(lambda model, x: unasked(x), model, X, permuted=model))
    assert "permuted must be another model than the first" in message
    assert "explain is a function" in message_of(lambda: M.data_randomisation(3, model, X, permuted=small()), TypeError)
    explain = lambda part, x: x[:, :part]  # noqa: E731
    assert "of one shape" in message_of(lambda: M.data_randomisation(explain, 3, X, permuted=4))


def test_metrics_are_not_part_of_a_graph():
    @tf.function(autograph=False)
    def graph(x):
        return M.completeness(lambda x: x[:, 0], x, X).per_example

    assert "inputs of a metric must be arrays" in message_of(lambda: graph(tf.constant(X)))


def test_unknown_names():
    assert "closest: 'deletion'" in message_of(lambda: M.METRICS["deletions"])
