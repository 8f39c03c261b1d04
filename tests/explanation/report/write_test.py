"""Tests of `explanation/report/`: the file, its maps and its sentences."""

import base64
from html.parser import HTMLParser
import io
import json
import re
import sys

import numpy as np
from PIL import Image
import pytest

import deepexplain_tf as dx
from deepexplain_tf.errors import DeepExplainError, InputError
from deepexplain_tf.explanation import Explanation
from deepexplain_tf.explanation.report import write_report
from deepexplain_tf.explanation.report.maps import encode_map, encode_picture
from deepexplain_tf.explanation.report.sentences import of_error, of_sum
from tests.checks import explain, message_of
from tests.models import mlp

R = np.random.default_rng(0)
NASTY = '"><script>alert(1)</script>'


def _explanation(attributions, **changes):
    count = len(next(iter(attributions.values())) if isinstance(attributions, dict) else attributions)
    fields = {"outputs": np.arange(count) + 1.0, "method": "deeplift", "target": 1}
    return Explanation(attributions=attributions, **(fields | changes))


PHOTOS = R.random((2, 16, 16, 3))
PHOTO = _explanation(R.normal(size=(2, 16, 16, 3)), inputs=PHOTOS)
TEXT = _explanation(R.normal(size=(2, 3)), tokens=(("a", NASTY, "c"), ("d", "", "")))
TABLE = _explanation(R.normal(size=(2, 3)), inputs=R.normal(size=(2, 3)), feature_names=("age", NASTY, "job"))


class _Page(HTMLParser):
    """Collects what a page holds."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.attributes, self.text = [], [], ""
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.attributes.append((tag, dict(attributes)))

    def handle_data(self, data):
        self.text += data

    def of(self, name):
        return [values[name] for _, values in self.attributes if name in values]


def _report(tmp_path, explanations, **options):
    write_report(explanations, tmp_path / "report.html", **options)
    return (tmp_path / "report.html").read_text()


def _pixels(uri):
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(uri.partition(",")[2]))))


@pytest.mark.parametrize("e", [PHOTO, TEXT, TABLE], ids=["photo", "text", "table"])
def test_a_page_has_each_example_and_fetches_nothing(tmp_path, e):
    text = _report(tmp_path, {"deeplift": e, "another": e}, title=NASTY, provenance={NASTY: NASTY})
    page = _Page(text)
    assert page.tags.count("script") == 1 and NASTY not in text
    assert not re.search(r"https?:|src=\"(?!data:)|@import|url\(", text)
    assert [name for name in page.of("role") if name == "tab"] == ["tab"] * 4
    assert page.of("lang") == ["en"]
    assert all(values.get("alt") for tag, values in page.attributes if tag == "img")
    ids = page.of("id")
    assert len(ids) == len(set(ids)) and set(page.of("aria-controls")) <= set(ids)


def test_maps_decode_to_the_attributions(tmp_path):
    page = _Page(_report(tmp_path, {"deeplift": PHOTO}))
    for number, (uri, limit) in enumerate(zip(page.of("data-map"), page.of("data-limit"), strict=True)):
        totals = PHOTO.attributions[number].sum(-1)
        found = (_pixels(uri).astype(float) - 128) / 127 * float(limit)
        inside = np.abs(totals) < float(limit)
        np.testing.assert_allclose(found[inside], totals[inside], atol=float(limit) / 250)
        assert (np.abs(found[~inside]) == float(limit)).all()


@pytest.mark.parametrize(
    ("shape", "block", "size"), [((224, 224), 2, 112), ((300, 200), 4, 75), ((113, 127), 2, 64), ((16, 16), 1, 16)]
)
def test_blocks_add_up_to_the_whole(shape, block, size):
    values = R.normal(size=shape)
    found = encode_map(values, percentile=100)
    assert (found.block, found.width if shape == (113, 127) else found.height) == (block, size)
    total = ((_pixels(found.source).astype(float) - 128) / 127 * found.limit).sum()
    assert total == pytest.approx(values.sum(), abs=found.limit)
    np.testing.assert_allclose(
        [found.cover[0] * shape[1], found.cover[1] * shape[0]], [found.width * block, found.height * block]
    )


def test_missing_attributions_have_a_level_of_their_own():
    values = np.array([[np.nan, 1.0], [-1.0, 0.0]])
    np.testing.assert_array_equal(_pixels(encode_map(values).source), [[0, 255], [1, 128]])


def test_pictures_are_small():
    assert _pixels(encode_picture(PHOTOS[0])).shape == (16, 16, 3)
    large = encode_picture(R.integers(0, 255, (2000, 1000, 3), np.uint8))
    assert max(_pixels(large).shape) == 448 and large.startswith("data:image/jpeg")


def test_eight_photos_by_seven_methods_stay_below_three_megabytes(tmp_path):
    smooth = np.kron(R.random((8, 28, 28, 3)), np.ones((1, 8, 8, 1)))
    e = _explanation(R.normal(size=(8, 224, 224, 3)).astype(np.float32), inputs=smooth)
    write_report({f"method {n}": e for n in range(7)}, tmp_path / "large.html")
    assert (tmp_path / "large.html").stat().st_size <= 3e6


def test_predictions_names_and_scores(tmp_path):
    e = explain(mlp(), "deeplift", R.normal(size=(2, 4)).astype(np.float32), class_names=["cat", "dog", "fox"])
    scores = [["method", "deletion ↓"], ["deeplift", "0.5 ± 0.1"]]
    page = _Page(_report(tmp_path, {"deeplift": e}, predictions=[[0.1, 0.7, 0.2], [0.5, 0.2, 0.3]], scores=scores))
    for text in ("dog", "0.7", "deletion ↓", "0.5 ± 0.1", "deepexplain_tf"):
        assert text in page.text
    assert page.text.index("dog0.7") < page.text.index("fox0.2") < page.text.index("cat0.1")


def test_more_examples_than_are_shown(tmp_path):
    e = _explanation(R.normal(size=(9, 3)))
    text = _report(tmp_path, {"deeplift": e}, most=4)
    assert "The first 4 of 9 examples are shown" in text and text.count("data-example") == 4


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, "does not promise"),
        ({"completeness_gap": [0.0]}, "add up to 2. Biases"),
        ({"completeness_gap": [1e-9], "baseline_outputs": [1.0]}, "a change of +1. The attributions add up to it"),
        ({"completeness_gap": [-0.5], "baseline_outputs": [1.0]}, "add up to +0.5, which is off by 50%"),
        ({"completeness_gap": [0.0], "baseline_outputs": [2.0]}, "add up to it"),
        ({"completeness_gap": [0.1], "baseline_outputs": [2.0]}, "off by inf%"),
    ],
    ids=range(6),
)
def test_completeness_in_words(changes, words):
    arrays = {name: np.array(value) for name, value in changes.items()}
    assert words in of_sum(_explanation(np.zeros((1, 2)), outputs=np.array([2.0]), **arrays), (0,))


def test_errors_in_words():
    e = _explanation(np.zeros((1, 2)))
    assert of_error(e, (0,)) is None
    assert "random samples" in of_error(_explanation(np.zeros((1, 2)), standard_error=np.ones((1, 2))), (0,))
    assert "at most 0.03" in of_error(_explanation(np.zeros((1, 2)), estimated_error=np.array([0.03])), (0,))


def test_explanations_and_comparisons_have_reports(tmp_path):
    x = R.normal(size=(3, 4)).astype(np.float32)
    explain(mlp(), "deeplift", x, target=1).report(tmp_path / "one.html", title="Why?")
    assert "<title>Why?</title>" in (tmp_path / "one.html").read_text()
    methods, metrics = ["deeplift", "saliency"], ["max_sensitivity"]
    compared = dx.compare(mlp(), x, target=1, methods=methods, metrics=metrics, seed=0)
    compared.report(tmp_path / "all.html")
    page = _Page((tmp_path / "all.html").read_text())
    assert page.of("role").count("tab") == 6 and "max_sensitivity" in page.text


def test_attributions_without_a_picture_are_said_to_be_so(tmp_path):
    assert "at most 3 axes" in _report(tmp_path, {"deeplift": _explanation(np.zeros((1, 2, 2, 2, 2)))})


def test_what_is_refused_leaves_an_old_file_alone(tmp_path, monkeypatch):
    path = tmp_path / "report.html"
    path.write_text("old")
    message_of(lambda: write_report({}, path), InputError, "explanations of the same examples. Got none")
    message_of(lambda: write_report({"a": PHOTO, "b": PHOTO[:1]}, path), InputError, "Got [1, 2]")
    message_of(lambda: PHOTO.report(path, predictions=[[1.0]]), InputError, "predictions must be [2, classes]")
    message_of(lambda: PHOTO.report(path, predictions=np.ones((2, 2, 2))), InputError, "predictions must be")
    monkeypatch.setitem(sys.modules, "jinja2", None)
    message_of(lambda: PHOTO.report(path), DeepExplainError, "pip install 'deepexplain_tf[report]'")
    assert path.read_text() == "old" and [file.name for file in tmp_path.iterdir()] == ["report.html"]


def test_colours_are_those_of_the_pictures(tmp_path):
    stops = json.loads(re.search(r"const STOPS = (.*?);", _report(tmp_path, {"deeplift": PHOTO}))[1])
    assert stops[0] == [33, 102, 172] and stops[-1] == [178, 24, 43] and stops[4] == [255, 255, 255]
