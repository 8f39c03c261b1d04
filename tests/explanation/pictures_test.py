"""Tests of `explanation/pictures.py`, `explanation/views.py` and `explanation/html.py`: the picture that fits."""

import sys

import keras
import numpy as np
import pandas as pd
from PIL import Image
import pytest

import deepexplain_tf as dx
from deepexplain_tf import visualize
from deepexplain_tf.errors import DeepExplainError, InputError, OptionError, UnknownNameError
from deepexplain_tf.explanation import Explanation
from deepexplain_tf.explanation.pictures import PAINTERS, kind_of
from deepexplain_tf.explanation.views import View, views_of
from tests.checks import explain, message_of
from tests.models import mlp

R = np.random.default_rng(0)
X = R.normal(size=(3, 4)).astype(np.float32)


def _explanation(attributions, **changes):
    fields = {"outputs": np.arange(3.0), "method": "deeplift", "target": 1}
    return Explanation(attributions=attributions, **(fields | changes))


TABLE = _explanation(X, inputs=X, feature_names=("age", "job", "sex", "n"), class_names=("no", "yes"))
TEXT = _explanation(R.normal(size=(3, 2, 5)), tokens=(("a", "<b>"), ("c", ""), ("d", "e")))
SERIES = _explanation(R.normal(size=(3, 30, 2)), inputs=R.normal(size=(3, 30, 2)))
DNA = _explanation(R.normal(size=(3, 30, 4)), feature_names=tuple("ACGT"))
PHOTO = _explanation(R.normal(size=(3, 8, 8, 3)), inputs=R.random((3, 8, 8, 3)))
PAIRS = _explanation(R.normal(size=(3, 4, 4)), pairwise=True, feature_names=tuple("abcd"))
UNITS = _explanation(R.normal(size=(3, 2, 4)), outputs=np.zeros((3, 2)))
MIXED = _explanation(
    {"age": X[:, :1], "job": X[:, 1:2]}, inputs={"age": X[:, :1], "job": np.array([[b"smith"]] * 3, object)}
)
KINDS = [
    (TABLE, "bars"),
    (TEXT, "words"),
    (SERIES, "series"),
    (DNA, "letters"),
    (PHOTO, "overlay"),
    (PAIRS, "interactions"),
    (_explanation(R.normal(size=(3, 8, 8, 3))), "heat_map"),
    (_explanation(R.normal(size=(3, 28, 28)), inputs=R.random((3, 28, 28))), "heat_map"),
    (_explanation(R.normal(size=(3, 6, 9)), feature_names=tuple(map(str, range(9))), inputs=X), "heat_map"),
    (_explanation(R.normal(size=3)), "bars"),
    (MIXED, "bars"),
]


@pytest.mark.parametrize(("e", "kind"), KINDS, ids=[f"{kind}{n}" for n, (_, kind) in enumerate(KINDS)])
def test_the_kind_fits_the_data(e, kind):
    for example in (0, -1):
        views = views_of(e, example=example)
        assert [kind_of(view) for view in views] == [kind]
    first, last = e.plot(), e[-1].plot()
    assert isinstance(first, Image.Image)
    assert first == e.plot(kind, example=0)
    assert last == e.plot(example=-1)
    assert first != last


def test_a_plot_is_what_visualize_draws():
    title = "deeplift, target yes: 1"
    assert TABLE.plot(example=1) == visualize.bars(X[1], TABLE.feature_names, inputs=X[1], title=title)
    assert TABLE.plot("summary", top=2) == visualize.summary(
        X, TABLE.feature_names, top=2, title="deeplift, 3 examples"
    )
    assert TABLE.plot("beeswarm", title="all") == visualize.beeswarm(X, TABLE.feature_names, inputs=X, title="all")
    assert PHOTO.plot() == visualize.overlay(PHOTO.attributions[0], PHOTO.inputs[0])
    assert PHOTO.plot("window", percentile=90) == visualize.window(
        PHOTO.attributions[0], PHOTO.inputs[0], percentile=90
    )
    scores = TEXT.attributions[2].sum(-1)
    assert TEXT.plot(example=2) == visualize.words(("d", "e"), scores, title="deeplift, target 1: 2")


def test_other_inputs_may_be_shown():
    large = R.integers(0, 256, (3, 16, 16, 3), np.uint8)
    assert PHOTO.plot(inputs=large).size == (16, 16)
    photos = [Image.fromarray(photo) for photo in large]
    assert PHOTO.plot(inputs=photos) == PHOTO.plot(inputs=large)


def test_one_unit_of_several():
    assert UNITS.plot(unit=1).size == UNITS.plot("bars", unit=-1).size
    for wrong in (None, 2, (0, 0), "1"):
        message_of(lambda wrong=wrong: UNITS.plot(unit=wrong), InputError, "must be chosen as unit=")
    message_of(lambda: TABLE.plot(unit=0), InputError, "several explained units")


def test_several_arrays_stand_below_each_other_or_are_one_table():
    both = _explanation({"photo": PHOTO.attributions, "age": X[:, :1]}, inputs={"photo": PHOTO.inputs, "age": X[:, :1]})
    age = _explanation(X[:, :1], inputs=X[:, :1]).plot()
    assert age.height < both.plot().height < age.height + 30
    assert len(views_of(both, example=0)) == 2
    (view,) = views_of(MIXED, example=1)
    assert view.feature_names == ("age", "job") and view.inputs[1] == b"smith"


def test_what_real_calls_plot():
    table = pd.DataFrame(X, columns=list("abcd"), index=["Ann", "Bob", "Cid"])
    e = explain(mlp(), "integrated_gradients", table, class_names=["no", "yes", "maybe"])
    (view,) = views_of(e, example=1)
    assert view.title.startswith("Bob: integrated_gradients, target ")
    assert view.title.split("target ")[1].split(":")[0] in ("no", "yes", "maybe")
    assert list(view.inputs) == list(X[1])
    assert isinstance(e.plot("beeswarm"), Image.Image)


def test_what_is_refused():
    message_of(lambda: TABLE.plot("bar"), UnknownNameError, "closest: 'bars'")
    message_of(lambda: TABLE.plot(example=3), InputError, "Got 3 for 3 examples")
    message_of(lambda: TABLE.plot(colour="red"), OptionError, "'colour' is no option of the picture 'bars'")
    message_of(lambda: TABLE.plot("words"), InputError, "give tokens= to the call")
    message_of(lambda: TABLE.plot("overlay"), InputError, "a picture must be")
    message_of(lambda: DNA.plot("series"), InputError, "pass them as inputs=")
    message_of(lambda: _explanation(np.zeros((3, 2, 2, 2, 2))).plot(), InputError, "at most 3 axes")


def test_every_painter_is_a_function_of_visualize():
    for name, painter in PAINTERS.items():
        assert getattr(visualize, name) is painter.function


ALL = [e for e, _ in KINDS] + [UNITS]


@pytest.mark.parametrize("e", ALL, ids=range(len(ALL)))
def test_a_notebook_shows_the_first_examples(e):
    page = e._repr_html_()
    assert page.count("deeplift, target") >= 3
    assert "<b>" not in page and "http" not in page
    if "<img" in page:
        assert page.count('alt="') == page.count("<img")
        assert "data:image/png;base64," in page
    assert e[0]._repr_html_().count("deeplift, target") >= 1


def test_a_notebook_shows_notes_gaps_and_how_many_more():
    e = _explanation(
        np.ones((9, 4)), outputs=np.zeros(9), completeness_gap=np.full(9, 0.25), notes=("stripped <Softmax>",)
    )
    page = e._repr_html_()
    assert "Gap 0.25" in page and "stripped &lt;Softmax&gt;" in page and "4 more examples" in page


def test_a_notebook_needs_no_matplotlib(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    for e in ALL:
        assert "deeplift" in e._repr_html_()
    message_of(lambda: TABLE.plot(), DeepExplainError, "pip install 'deepexplain_tf[plots]'")
    assert isinstance(TEXT.plot(), Image.Image) and isinstance(PHOTO.plot(), Image.Image)


def test_attributions_that_no_picture_shows_are_said_to_be_so():
    assert "at most 3 axes" in _explanation(np.zeros((3, 2, 2, 2, 2)))._repr_html_()


def test_a_view_of_a_layer_has_no_inputs_of_another_shape():
    model = keras.Sequential([keras.Input((6, 3)), keras.layers.Conv1D(4, 1, name="conv")])
    x = R.normal(size=(2, 6, 3)).astype(np.float32)
    with dx.DeepExplain(model, layer="conv") as de:
        e = de.explain("gradient_x_input", x, target=(5, 0))
    assert [view.inputs for view in views_of(e, example=0)] == [None]
    assert kind_of(View(np.zeros((6, 4)))) == "heat_map"
