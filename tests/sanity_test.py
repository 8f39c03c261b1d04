"""Methods and composites change when the last layer loses its trained weights, or the library says that they do not."""

import pathlib

import pytest

from deepexplain_tf.demo import packages
from deepexplain_tf.errors import DeepExplainError
from deepexplain_tf.methods.base import METHODS
from deepexplain_tf.methods.make import make
from deepexplain_tf.rules.relevance.composites import INSENSITIVE, NAMED
from randomised import SAME, cases, demo, digits, labelled

_ROOT = pathlib.Path(__file__).parents[1]
_CASES = cases()
_QUICK = ("gradient_x_input", "guided_backprop")
_ON_PHOTOS = ("deconvnet",)  # on the digits it changes
_missing = packages.missing()


@pytest.fixture(scope="session")
def small():
    pytest.importorskip("sklearn")
    return digits()


def _stays(network, label, draws):
    """Returns whether the map stays the same without the last layer, and the correlation that tells so."""
    correlation = network.measure(_CASES[label], draws, stages=1)["with signs"].mean[0]
    return correlation >= SAME, (label, correlation)


@pytest.mark.long  # the tables' own measurement, which trains a network
@pytest.mark.parametrize("label", _QUICK)
def test_labels_are_what_is_measured(small, label):
    stays, found = _stays(small, label, draws=1)
    assert stays == labelled(_CASES[label]), found


@pytest.mark.long  # all methods and composites by three draws of weights
@pytest.mark.parametrize("label", sorted(set(_CASES) - set(_ON_PHOTOS)))
def test_all_labels_are_what_is_measured(small, label):
    try:
        stays, found = _stays(small, label, draws=3)
    except DeepExplainError as error:
        pytest.skip(f"the method does not fit a picture model: {error}")
    assert stays == labelled(_CASES[label]), found


@pytest.mark.long  # a large network
@pytest.mark.skipif(bool(_missing), reason=f"the demo's packages are not installed: {_missing}")
@pytest.mark.parametrize("label", _ON_PHOTOS)
def test_labels_that_rest_on_photos(label):
    stays, found = _stays(demo(2), label, draws=1)
    assert labelled(_CASES[label]) and stays, found


def test_every_method_and_composite_is_measured():
    assert {name for name, _ in _CASES.values()} == {name for name in METHODS if not METHODS[name].pairwise}
    assert {options["composite"] for _, options in _CASES.values() if options} == set(NAMED)
    assert set(INSENSITIVE) < set(NAMED)


def test_a_composite_of_the_user_s_has_no_label():
    assert not make("lrp", {"composite": list(NAMED["deep_taylor"])}).insensitive


@pytest.mark.parametrize("name", list(METHODS))
def test_labels_stand_in_docstrings_and_in_the_readme(name):
    label = make(name, {}).insensitive
    assert label == (f"`{name}` †" in (_ROOT / "docs" / "choosing.md").read_text("utf-8"))
    assert not label or "examples/sanity.py" in METHODS[name].__doc__
