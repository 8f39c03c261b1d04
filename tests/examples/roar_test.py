import keras
import numpy as np
import pytest

from reproductions import nets
from reproductions.findings import judge
from roar import EXPERIMENT, Curves
from roar_parts import figure, removal
from roar_parts.retraining import Retrained

_GENERATOR = np.random.default_rng(0)


def test_the_most_relevant_share_is_removed():
    x = _GENERATOR.normal(size=(3, 4, 5, 1)) + 9
    relevance = _GENERATOR.normal(size=x.shape)
    for share, count in ((0.1, 2), (0.5, 10), (0.9, 18), (0.0, 0), (1.0, 20)):
        found = np.where(removal.most_relevant(removal.ranked(relevance), share), 0, x)
        for picture, left, order in zip(x, found, relevance, strict=True):
            gone = left == 0
            assert gone.sum() == count
            assert (left[~gone] == picture[~gone]).all()
            assert not count or count == 20 or order[gone].min() > order[~gone].max()


def test_equal_relevances_are_taken_from_everywhere():
    gone = removal.most_relevant(removal.ranked(np.zeros((1, 20, 20, 1))), 0.5)[0]
    assert gone.sum() == 200
    assert 60 < gone[:10].sum() < 140, "not from the top alone"


def _curves(**means):
    """Curves whose accuracy is 0.5 but for what is given, in the mean over two shares."""
    accuracy = {name: np.array([0.6, 0.4]) + means.get(name, 0) for name in removal.METHODS}
    kept = {name: np.array([0.5, 0.1]) for name in removal.METHODS}
    return Curves(0.9, accuracy, kept, dict.fromkeys(removal.METHODS, 0.7))


def test_findings_compare_mean_accuracies():
    paper = _curves(**{"SmoothGrad, squared": -0.2, "VarGrad": -0.1, "gradient": 0.005})
    contrary = _curves(**{"gradient": -0.1, "Integrated Gradients": -0.1, "SmoothGrad": -0.2, "VarGrad": 0.1})
    verdicts = judge(EXPERIMENT.findings, {"clothes": [paper, contrary]})
    values = {verdict.finding.name: verdict.values for verdict in verdicts}
    np.testing.assert_allclose(
        [values[name] for name in "1234567"],
        [[-0.005, 0.1], [0, 0.1], [0.005, 0.1], [0.2, 0], [0.1, -0.1], [0.205, -0.1], [0.3, 0.3]],
        atol=1e-12,
    )
    assert [verdict.holding for verdict in verdicts] == [1, 1, 1, 1, 1, 1, 2]


def test_methods_are_those_of_the_paper():
    model = keras.Sequential([keras.Input((28, 28, 1)), keras.layers.Flatten(), keras.layers.Dense(3)])
    x = _GENERATOR.normal(size=(4, 28, 28, 1)).astype(np.float32)
    found = dict(removal.relevances(model, x, 0))
    assert list(found) == list(removal.METHODS)
    weights = np.asarray(model.layers[-1].kernel)
    gradient = weights[:, np.asarray(model(x)).argmax(1)].T.reshape(x.shape)
    tolerance = {"rtol": 1e-4, "atol": 1e-6}
    for name in ("gradient", "SmoothGrad"):
        np.testing.assert_allclose(found[name], gradient, **tolerance)
    np.testing.assert_allclose(found["SmoothGrad, squared"], gradient**2, **tolerance)
    for name in ("gradient × input", "Integrated Gradients", "DeepLIFT"):
        np.testing.assert_allclose(found[name], gradient * x, **tolerance)
    np.testing.assert_allclose(found["VarGrad"], 0, atol=1e-6)


@pytest.mark.long  # two trainings
def test_each_training_begins_anew():
    x, y = _GENERATOR.normal(size=(64, 28, 28, 1)).astype(np.float32), _GENERATOR.integers(0, 10, 64)
    network = Retrained(nets.Sizes(filters=1, epochs=1))
    weights = []
    for seed in (1, 2, 1):
        network.train(x, y, seed)
        weights.append([array.copy() for array in network.model.get_weights()])
    for first, other, again in zip(*weights, strict=True):
        np.testing.assert_array_equal(first, again)
        assert not np.array_equal(first, other)
    labels = network.model.predict(x, verbose=0).argmax(-1)
    assert network.accuracy(x, labels) == 1
    assert network.accuracy(x, (labels + 1) % 10) == 0


def test_the_figure_has_a_line_for_each_method():
    shares = (0.5, 0.9)
    picture = figure.draw([_curves(), _curves(random=0.1)], shares, {"random": _GENERATOR.random((2, 28, 28))})
    assert list(figure._COLOURS) == list(removal.METHODS)
    assert picture.width > picture.height > 300


@pytest.mark.long  # the whole script; its parts have tests of their own
def test_the_script_trains_and_judges(quick_runs):
    made = quick_runs("roar")
    assert "7 with most pixels removed at random" in made.printed
    assert all(f"| {name} |" in made.page for name in removal.METHODS)
    assert f"]({made.file('.png').name})" in made.page
