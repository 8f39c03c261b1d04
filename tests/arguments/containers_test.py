"""Data sets, batches with labels, and tables: the attributions of the arrays in them."""

import keras
import numpy as np
import pandas as pd
import pytest
import tensorflow as tf

import deepexplain_tf as dx
from deepexplain_tf.arguments.containers import contents_of
from deepexplain_tf.errors import InputError
from tests.checks import explain
from tests.models import filled, mlp, perceptron

X = np.random.default_rng(0).normal(size=(5, 4)).astype(np.float32)
Y, W = np.arange(5), np.ones(5)
TABLE = pd.DataFrame(X, columns=["age", "income", "height", "weight"], index=list("pqrst"))
SPEC = tf.TensorSpec([None, 4])
LABELS = ("labels beside the inputs are not used: target= takes them",)


def data_set(*arrays, batch=2):
    return tf.data.Dataset.from_tensor_slices(arrays if len(arrays) > 1 else arrays[0]).batch(batch)


@pytest.mark.parametrize(
    ("given", "notes"),
    [
        (data_set(X), ()),
        (data_set(X, Y), LABELS),
        (data_set(X, Y, W), LABELS),
        ((X, Y), LABELS),
        ((X, Y, W), LABELS),
        (next(iter(data_set(X, Y, batch=5))), LABELS),
        (data_set(X).prefetch(1).map(lambda x: x + 0), ()),
    ],
)
@pytest.mark.parametrize(("model", "settings"), [(mlp, {}), (perceptron, {"input_signature": [SPEC]})])
def test_inputs_are_taken_out(given, notes, model, settings):
    model = model()
    e, expected = (explain(model, "deeplift", inputs, target=1, **settings) for inputs in (given, X))
    np.testing.assert_allclose(e.attributions, expected.attributions, rtol=1e-6)
    assert set(notes) == set(e.notes) - set(expected.notes)


def pair():
    left, right = keras.Input((4,), name="left"), keras.Input((4,), name="right")
    return filled(keras.Model([left, right], keras.layers.Dense(2)(left * right)))


def named():
    inputs = {name: keras.Input((1,), name=name) for name in TABLE.columns}
    hidden = keras.layers.Dense(3, "tanh")(keras.layers.Concatenate()(list(inputs.values())))
    return filled(keras.Model(inputs, keras.layers.Dense(2)(hidden)))


@pytest.mark.parametrize("given", [data_set((X, 2 * X), Y), ((X, 2 * X), Y), ([X, 2 * X], Y, W), data_set(X, 2 * X)])
def test_two_inputs_are_no_labels(given):
    e, expected = (explain(pair(), "deeplift", inputs, target=1) for inputs in (given, [X, 2 * X]))
    for found, wanted in zip(e.attributions, expected.attributions, strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-6)


def test_inputs_of_a_first_call_are_as_many_as_a_tuple_has():
    assert contents_of((X, Y), None).inputs[1] is Y
    assert contents_of(data_set(X, Y), None).notes == LABELS


def test_a_table_keeps_its_names():
    e, expected = (explain(mlp(), "shapley_sampling", given, target=1, seed=0, n_samples=2) for given in (TABLE, X))
    for found, wanted in zip(
        (e.attributions, e.standard_error), (expected.attributions, expected.standard_error), strict=True
    ):
        pd.testing.assert_frame_equal(found, pd.DataFrame(wanted, TABLE.index, TABLE.columns))
    assert e.outputs.shape == (5,)


def test_a_table_has_a_column_for_each_input():
    arrays = {name: TABLE[[name]].to_numpy() for name in TABLE}
    for columns in (list(TABLE), list(TABLE)[::-1]):
        e, expected = (explain(named(), "deeplift", given, target=1) for given in (TABLE[columns], arrays))
        assert list(e.attributions.columns) == columns and list(e.attributions.index) == list("pqrst")
        for name in arrays:
            np.testing.assert_allclose(e.attributions[[name]], expected.attributions[name], rtol=1e-6)


def test_columns_of_whole_numbers_booleans_and_extensions():
    table = TABLE.assign(age=[1, 2, 3, 4, 5], income=Y > 2, height=pd.array([1, 2, 3, 4, 5], dtype="Int64"))
    array = np.column_stack([table[name].to_numpy(np.float32) for name in table])
    e, expected = (explain(mlp(), "saliency", given, target=1) for given in (table, array))
    np.testing.assert_allclose(e.attributions.to_numpy(), expected.attributions, rtol=1e-6)


def test_attributions_of_a_layer_and_of_several_units_are_arrays():
    model = mlp()
    at_layer = explain(model, "saliency", TABLE, target=1, layer=model.layers[1].name)
    units = explain(model, "saliency", TABLE, target="all")
    assert type(at_layer.attributions) is np.ndarray
    assert type(units.attributions) is np.ndarray and units.attributions.shape == (5, 3, 4)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (tf.data.Dataset.from_tensor_slices(X), r"must be in batches\. Got elements \[4\]"),
        (data_set(X).repeat(), "must have an end"),
        (data_set(X).take(0), "must hold a batch"),
        (tf.data.Dataset.from_tensors(tf.RaggedTensor.from_row_lengths(X[:, 0], [2, 3])), "dense tensors"),
        ((X, None), "must be an array"),
        ((X, Y[:3]), "one batch size"),
        ((X, 1.0), "1 array"),
        ((X, []), "must be an array"),
        (((X,), {}), "must be an array"),
        ((X, Y, ()), "must be an array"),
        (TABLE.assign(age="old"), "column 'age' of a table must be numbers"),
        (TABLE.assign(age=pd.Categorical(list("abcde"))), "column 'age' of a table must be numbers"),
        (TABLE.assign(income=pd.array([1, None, 2, 3, 4], dtype="Int64")), "column 'income' .* missing"),
        (TABLE.assign(income=[1, np.nan, 2, 3, 4]), "column 'income' .* missing"),
        (TABLE[[]], "must have a column"),
        (TABLE[["age", "income"]], "inputs|input"),
        (TABLE.iloc[:0], "at least one example"),
    ],
)
def test_containers_that_do_not_fit(given, words):
    with pytest.raises(InputError, match=words):
        explain(mlp(), "saliency", given, target=1)


@pytest.mark.parametrize("columns", [["age", "income", "height"], ["age", "income", "height", "weight", "age"]])
def test_a_table_without_a_column_for_each_input(columns):
    with pytest.raises(InputError, match="one column for each input"):
        explain(named(), "saliency", TABLE[columns], target=1)


def test_batches_of_different_shapes():
    shapes = tf.data.Dataset.from_generator(
        lambda: (np.ones((2, n)) for n in (3, 4)), output_signature=tf.TensorSpec([None, None])
    )
    with pytest.raises(InputError, match=r"examples of one shape\. Got"):
        explain(lambda x: tf.reduce_sum(x, 1), "saliency", shapes)


def mixed():
    number, word = keras.Input((1,), name="age"), keras.Input((1,), dtype="string", name="job")
    known = keras.layers.StringLookup(vocabulary=["nurse", "chef"], output_mode="one_hot")(word)
    hidden = keras.layers.Dense(4, "tanh")(keras.layers.Concatenate()([number, known]))
    return filled(keras.Model({"age": number, "job": word}, keras.layers.Dense(1)(hidden)))


MIXED = pd.DataFrame({"age": [1.0, 2.0, 3.0], "job": ["nurse", "chef", "clerk"]}, index=list("pqr"))


@pytest.mark.parametrize("dtype", [object, "category", "string", "str"])
def test_a_table_of_numbers_and_texts(dtype):
    table = MIXED.astype({"job": dtype})
    arrays = {"age": table[["age"]].to_numpy(), "job": np.array([["nurse"], ["chef"], ["clerk"]], object)}
    e, expected = (explain(mixed(), "kernel_shap", given, seed=0) for given in (table, arrays))
    for name in arrays:
        np.testing.assert_allclose(e.attributions[[name]], expected.attributions[name], rtol=1e-6)
    assert list(e.inputs["job"]) == ["nurse", "chef", "clerk"]
    assert e[1:].inputs["job"].tolist() == ["chef", "clerk"]


def test_texts_in_a_table_reach_a_file(tmp_path):
    e = explain(mixed(), "kernel_shap", MIXED, seed=0)
    e.save(tmp_path / "e.npz")
    assert dx.load(tmp_path / "e.npz").inputs.tolist() == MIXED.to_numpy().tolist()


@pytest.mark.parametrize(
    ("table", "words"),
    [
        (MIXED.assign(job=[1, 2, 3]), "column 'job' of a table must be texts. Got int64"),
        (MIXED.assign(job=["a", None, "b"]), "column 'job' of a table must have a value in each row"),
        (MIXED.assign(age=["a", "b", "c"]), "column 'age' of a table must be numbers"),
    ],
    ids=str,
)
def test_columns_that_an_input_does_not_take(table, words):
    with pytest.raises(InputError, match=words):
        explain(mixed(), "kernel_shap", table)
