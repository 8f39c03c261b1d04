"""What every registered metric must satisfy, from one table; a metric that is missing from it fails."""

from collections.abc import Callable
import dataclasses
import inspect
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

import deepexplain_tf as dx
from deepexplain_tf.metrics import METRICS, Score
from tests.checks import in_turn
from tests.models import filled

GENERATOR = np.random.default_rng(2)
A, B = GENERATOR.normal(size=(4, 3)), GENERATOR.normal(size=(4, 2, 2))
R, S = ([GENERATOR.normal(size=array.shape) for array in (A, B)] for _ in range(2))
STRUCTURES: dict[str, Callable[[list[Any]], Any]] = {
    "tuple": tuple,
    "dict": lambda flat: {"b": flat[1], "a": flat[0]},
}


def fn(inputs):
    a, *rest = [inputs["a"], inputs["b"]] if isinstance(inputs, dict) else tf.nest.flatten(inputs)
    b = rest[0] if rest else tf.ones([1, 2, 2], a.dtype)
    return tf.reduce_sum(tf.tanh(a) * tf.range(1, 4, dtype=a.dtype), 1) * (1 + tf.reduce_sum(b**2, [1, 2]))


def model():
    inputs = [keras.Input((3,), dtype="float64"), keras.Input((2, 2), dtype="float64")]
    hidden = keras.layers.Dense(3, "tanh", dtype="float64", name="first")(inputs[0])
    joined = keras.layers.Concatenate(dtype="float64")([hidden, keras.layers.Flatten()(inputs[1])])
    return filled(keras.Model(inputs, keras.layers.Dense(1, dtype="float64", name="last")(joined)))


def other():
    """Another model, of as many weights."""
    found = model()
    found.set_weights([weight * 3 for weight in found.get_weights()])
    return found


def of_attributions(metric):
    """A metric of `(fn, inputs, attributions)`."""
    return lambda inputs, attributions, **options: METRICS[metric].function(fn, inputs, attributions, **options)


def of_probabilities(metric):
    """A metric of `(fn, inputs, attributions)` that takes probabilities."""
    probability = lambda inputs: (1 + tf.sin(2 * fn(inputs))) / 2  # noqa: E731
    return lambda inputs, attributions, **options: METRICS[metric].function(
        probability, inputs, attributions, **options
    )


def without_model(metric):
    """A metric of `(inputs, attributions)`."""
    return METRICS[metric].function


MASKS = {array.shape: GENERATOR.random(array.shape) < 0.4 for array in (A, B)}


def with_masks(metric):
    """A metric of `(inputs, attributions, masks)`."""

    def call(inputs, attributions, **options):
        masks = tf.nest.map_structure(lambda array: MASKS[array.shape], inputs)
        return METRICS[metric].function(inputs, attributions, masks, **options)

    return call


def explaining(attributions):
    """Functions of inputs that return attributions and move with the inputs, as the structure has them."""
    if isinstance(attributions, dict) and "first" in attributions:
        return {name: explaining(value) for name, value in attributions.items()}
    shift = lambda r, x: r + np.sin(np.asarray(x))  # noqa: E731
    return lambda inputs: tf.nest.map_structure(shift, attributions, inputs)


def of_explainers(metric):
    """A metric of `(explain, inputs)`."""
    return lambda inputs, attributions, **options: METRICS[metric].function(explaining(attributions), inputs, **options)


def of_model(metric, **fixed):
    """A metric of `(explain, model, inputs)`."""

    def call(inputs, attributions, **options):
        return METRICS[metric].function(explaining_models(attributions), model(), inputs, **fixed, **options)

    return call


def explaining_models(attributions):
    """Functions of a model and inputs that return attributions and change with the model's weights."""

    def explain(part):
        def one(copy, inputs):
            weight = float(np.sum([np.sum(w) for w in copy.get_weights()]))
            return tf.nest.map_structure(lambda r, x: np.sin(r * weight) + x, part, inputs)

        return one

    several = isinstance(attributions, dict) and "first" in attributions
    return {n: explain(part) for n, part in attributions.items()} if several else explain(attributions)


@dataclasses.dataclass(frozen=True)
class Case:
    """A call `(inputs, attributions, **options)`, options, and whether it draws random numbers."""

    call: Callable[..., Any]
    options: dict[str, Any]
    random: bool = True


CASES = {
    "average_drop": Case(of_probabilities("average_drop"), {}, random=False),
    "average_increase": Case(of_probabilities("average_increase"), {}, random=False),
    "completeness": Case(of_attributions("completeness"), {}, random=False),
    "complexity": Case(without_model("complexity"), {}, random=False),
    "data_randomisation": Case(of_model("data_randomisation", permuted=other()), {}, random=False),
    "deletion": Case(of_attributions("deletion"), {"steps": 4}, random=False),
    "faithfulness_correlation": Case(of_attributions("faithfulness_correlation"), {"subsets": 6}),
    "infidelity": Case(of_attributions("infidelity"), {"n_samples": 5}),
    "insertion": Case(of_attributions("insertion"), {"steps": 4}, random=False),
    "local_lipschitz_estimate": Case(of_explainers("local_lipschitz_estimate"), {"n_samples": 3}),
    "max_sensitivity": Case(of_explainers("max_sensitivity"), {"n_samples": 3}),
    "monotonicity": Case(of_attributions("monotonicity"), {}, random=False),
    "monotonicity_correlation": Case(of_attributions("monotonicity_correlation"), {"n_samples": 2}),
    "mu_fidelity": Case(of_attributions("mu_fidelity"), {"subsets": 20}),
    "pixel_flipping": Case(of_attributions("pixel_flipping"), {"steps": 3}),
    "pointing_game": Case(with_masks("pointing_game"), {}, random=False),
    "randomisation": Case(of_model("randomisation"), {}),
    "relative_input_stability": Case(of_explainers("relative_input_stability"), {"n_samples": 3}),
    "relevance_mass_accuracy": Case(with_masks("relevance_mass_accuracy"), {}, random=False),
    "relevance_rank_accuracy": Case(with_masks("relevance_rank_accuracy"), {}, random=False),
    "sensitivity_n": Case(of_attributions("sensitivity_n"), {"n": [1, 2], "subsets": 6}),
    "sparseness": Case(without_model("sparseness"), {}, random=False),
}
PARAMETERS = {name: inspect.signature(METRICS[name].function).parameters for name in METRICS}
ALIKE = {"average_increase", "faithfulness_correlation", "insertion", "monotonicity", "mu_fidelity"}


def having(*parameters):
    """The metrics that have these parameters; tests of those that share their code with another are long."""
    names = [name for name in CASES if set(parameters) <= set(PARAMETERS[name])]
    return [pytest.param(name, marks=[pytest.mark.long] * (name in ALIKE)) for name in names]


each_metric = pytest.mark.parametrize("metric", having())


def score(metric, inputs, attributions, seed=0, **options):
    case = CASES[metric]
    options = {**case.options, **({"seed": seed} if case.random else {}), **options}
    return case.call(inputs, attributions, **options)


def fields(result):
    return {f.name: getattr(result, f.name) for f in dataclasses.fields(result)}


def assert_same(found, expected, rtol=0.0):
    assert type(found) is type(expected)
    for name, value in fields(expected).items():
        if isinstance(value, np.ndarray) and value.dtype.kind == "f":
            np.testing.assert_allclose(fields(found)[name], value, rtol=rtol, atol=rtol)
        else:
            np.testing.assert_array_equal(fields(found)[name], value)


def test_no_metric_is_left_out():
    assert sorted(CASES) == dx.list_metrics()


@pytest.mark.parametrize("metric", CASES)
def test_result(metric):
    result = score(metric, [A, B], R)
    assert isinstance(result, Score)
    assert len(result.per_example) == 4
    assert result.per_example.dtype == np.float64
    assert np.isfinite(result.per_example).all()
    assert np.ptp(result.per_example, axis=0).min() > 0  # each example has its own score
    low, high = result.interval
    assert ((low < result.mean) & (result.mean < high)).all()
    assert "4 examples" in repr(result)
    with pytest.raises(dataclasses.FrozenInstanceError):
        result.per_example = None


@each_metric
@pytest.mark.parametrize("structure", in_turn(STRUCTURES))
def test_structures_have_the_same_score(metric, structure):
    pack = STRUCTURES[structure]
    assert_same(score(metric, pack([A, B]), pack(R)), score(metric, [A, B], R), 1e-9)


@each_metric
def test_several_at_once_are_as_one_at_a_time(metric):
    """By name, which the inputs are too."""
    pack = STRUCTURES["dict"]
    inputs, several = pack([A, B]), {"first": pack(R), "second": pack(S)}
    together = score(metric, inputs, several)
    assert list(together) == ["first", "second"]
    for name, attributions in several.items():
        assert_same(together[name], score(metric, inputs, attributions), 1e-12)
    assert (together["first"].per_example != together["second"].per_example).any()


@each_metric
def test_one_array_is_as_a_list_of_one(metric):
    result = score(metric, A, R[0])
    assert len(result.per_example) == 4
    assert_same(result, score(metric, [A], [R[0]]), 1e-12)


@each_metric
def test_seed_decides(metric):
    assert_same(score(metric, [A, B], R, seed=3), score(metric, [A, B], R, seed=3))
    if CASES[metric].random:
        found, other = (score(metric, [A, B], R, seed=seed).per_example for seed in (3, 4))
        assert (found != other).any()


@each_metric
def test_numpys_global_generator_and_the_arguments_stay(metric):
    # The old global generator is what must not be used.
    before, copies = np.random.get_state()[1].copy(), [A.copy(), B.copy(), R[0].copy()]  # noqa: NPY002
    score(metric, [A, B], R)
    np.testing.assert_array_equal(np.random.get_state()[1], before)  # noqa: NPY002
    for array, copy in zip([A, B, R[0]], copies, strict=True):
        np.testing.assert_array_equal(array, copy)


@pytest.mark.parametrize("metric", having("chunk_size"))
@pytest.mark.parametrize("chunk_size", in_turn([3, 1]))
def test_chunks_change_no_number(metric, chunk_size):
    assert_same(score(metric, [A, B], R, chunk_size=chunk_size), score(metric, [A, B], R), 1e-9)


@pytest.mark.parametrize("metric", having("attributions"))
def test_explanations_stand_for_their_attributions(metric):
    e = dx.Explanation(attributions=list(R), outputs=np.zeros(4), method="deeplift")
    assert_same(score(metric, [A, B], e), score(metric, [A, B], R))
    assert_same(score(metric, [A, B], {"one": e})["one"], score(metric, [A, B], R))


@pytest.mark.parametrize("metric", having("attributions"))
def test_float32_gives_the_numbers_of_float64_up_to_its_rounding(metric):
    narrow = [array.astype(np.float32) for array in (A, B)]
    assert_same(score(metric, narrow, R), score(metric, [A, B], R), 2e-4)
