import re

import keras
import numpy as np
import pytest
import tensorflow as tf

import deepexplain_tf as dx
from tests.models import mlp


def cells(text, title):
    """Returns the rows of a table of an overview, as tuples."""
    block = next(block for block in text.split("\n\n") if re.match(rf"{title}  ", block))
    lines = block.splitlines()
    ends = [match.span() for match in re.finditer("-+", lines[1])]
    rows = lines[2:]
    return [tuple(line[start:end].strip() for start, end in ends) for line in rows]


def network():
    photo = keras.Input((8, 8, 3), name="photo")
    maps = keras.layers.Conv2D(4, 3, activation="relu", name="conv")(photo)
    maps = keras.layers.Conv2D(4, 1, activation="relu", name="last")(maps)
    pooled = keras.layers.GlobalAveragePooling2D(name="pool")(maps)
    ends = {"kind": keras.layers.Dense(5, "softmax", name="x")(pooled), "age": keras.layers.Dense(1, name="y")(pooled)}
    return keras.Model(photo, ends, name="net")


def test_a_model_before_and_inside_the_block():
    de = dx.DeepExplain(network())
    before = repr(de)
    assert before.startswith("DeepExplain of Functional 'net', not traced yet\n")
    assert de.engine.traced is None  # nothing was traced for it
    with de:
        traced = str(de)
    assert traced.startswith("DeepExplain of Functional 'net', traced\n")
    for text in (before, traced):
        assert cells(text, "inputs") == [("photo", "float32", "[batch, 8, 8, 3]")]
        assert [row[1:] for row in cells(text, "outputs")[:2]] == [("float32", "[batch, 1]"), ("float32", "[batch, 5]")]
        assert cells(text, "layers")[:5] == [
            ("conv", "Conv2D", "[batch, 6, 6, 4]"),
            ("last", "Conv2D", "[batch, 6, 6, 4]"),
            ("pool", "GlobalAveragePooling2D", "[batch, 4]"),
            ("y", "Dense", "[batch, 1]"),
            ("x", "Dense", "[batch, 5]"),
        ]
    assert [row[0] for row in cells(before, "outputs")] == ["0", "1"]  # as output= takes them
    assert [row[0] for row in cells(traced, "outputs")[:2]] == ["age", "kind"]
    assert "stripped" not in before
    assert re.search(r"^Softmax '.*' stripped: the target is its logit$", traced, re.MULTILINE)
    assert "class activation maps: at 'last' by default" in traced


def test_it_traces_no_more_than_the_block():
    calls = []

    def model(x):
        calls.append(x)
        return x[:, 0] * 2

    de = dx.DeepExplain(model, input_signature=[tf.TensorSpec([None, 3])])
    repr(de)
    assert not calls
    with de:
        entered = len(calls)
        repr(de)
    assert len(calls) == entered == 1


def test_a_function_tells_what_is_missing():
    def double(x):
        return 2 * x[:, 0]

    with dx.DeepExplain(double) as de:
        before = repr(de)
        de.explain("saliency", np.ones((2, 3), np.float32))
        traced = repr(de)
    assert before.startswith("DeepExplain of 'double', not traced yet\n")
    assert "inputs: known at the first call, or by input_signature=." in before
    assert "outputs: known once the model is traced." in before
    assert "layers: none" in before
    assert [row[1:] for row in cells(traced, "inputs")] == [("float32", "[batch, 3]")]
    assert [row[1:] for row in cells(traced, "outputs")] == [("float32", "[batch]")]
    assert "class activation maps: there is no convolution" in traced


def test_a_convolution_without_layers_is_named_by_its_operation():
    kernel = tf.ones([3, 3, 2, 4])

    def model(x):
        return tf.reduce_sum(tf.nn.conv2d(x, kernel, 1, "SAME", name="filters"), [1, 2])

    with dx.DeepExplain(model, input_signature=[tf.TensorSpec([None, None, 6, 2], name="photo")]) as de:
        text = repr(de)
    assert cells(text, "inputs") == [("photo", "float32", "[batch, ?, 6, 2]")]
    assert "class activation maps: at 'filters' by default" in text


class _Subclassed(keras.Model):
    def __init__(self):
        super().__init__(name="own")
        self.dense = keras.layers.Dense(2, name="dense")

    def call(self, x):
        return self.dense(self.dense(x))


def test_shapes_that_are_not_known():
    text = repr(dx.DeepExplain(_Subclassed()))
    assert text.startswith("DeepExplain of _Subclassed 'own', not traced yet\n")
    assert cells(text, "layers") == [("dense", "Dense", "?")]


def test_many_layers_are_cut():
    layers = [keras.layers.Dense(2, name=f"dense_{number:02d}") for number in range(23)]
    text = repr(dx.DeepExplain(keras.Sequential([keras.Input((2,)), *layers])))
    assert len(cells(text, "layers")) == 21  # the last one tells how many more
    assert "dense_19" in text
    assert "dense_20" not in text
    assert "… and 3 more" in text


def test_layers_of_one_name_are_told():
    layers = [keras.layers.Dense(2, name="a"), keras.Sequential([keras.Input((2,)), keras.layers.Dense(3, name="a")])]
    text = repr(dx.DeepExplain(keras.Sequential([keras.Input((2,)), *layers])))
    assert ("a", "Dense", "2 layers of this name") in cells(text, "layers")


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({}, "explained: the inputs, for the outputs, without a final softmax or sigmoid."),
        ({"layer": "conv", "output": "kind"}, "explained: 'conv', for 'kind'."),
        ({"layer": ["conv"], "output": 1}, "explained: 'conv', for 1."),
        ({"output": "model"}, "explained: the inputs, for the outputs as they are."),
    ],
)
def test_it_tells_what_is_explained(settings, words):
    assert words in repr(dx.DeepExplain(network(), **settings))


def test_a_file_is_named(tmp_path):
    mlp().save(tmp_path / "cats.keras")
    assert " from 'cats.keras', not traced yet" in repr(dx.DeepExplain(tmp_path / "cats.keras"))
    mlp().export(tmp_path / "cats", verbose=False)
    with dx.DeepExplain(str(tmp_path / "cats")) as de:
        assert re.match(r"DeepExplain of .* from 'cats', traced\n", repr(de))
