"""Tests of `graph/library.py`."""

from google.protobuf import text_format
import numpy as np
import tensorflow as tf

from deepexplain_tf.graph.sources.library import nodes_of, with_unique_names
from tests.checks import explain

_X = np.array([[1.0, -2.0], [0.5, 3.0]])


def _graph_def(factor: float):
    """A graph that calls a function in a function and in a loop; its functions' names do not tell the factor."""

    @tf.function(autograph=False)
    def inner(x: tf.Tensor) -> tf.Tensor:
        return factor * x

    @tf.function(autograph=False, input_signature=[tf.TensorSpec([None, 2], tf.float64, "x")])
    def outer(x: tf.Tensor) -> tf.Tensor:
        _, x = tf.while_loop(lambda n, _: n < 2, lambda n, x: (n + 1, inner(x)), [0, x])
        return tf.identity(inner(x), name="y")

    graph_def = outer.get_concrete_function().graph.as_graph_def()
    text = str(graph_def)
    for number, function in enumerate(graph_def.library.function):
        text = text.replace(f'"{function.signature.name}"', f'"function_{number}"')
    return text_format.Parse(text, tf.compat.v1.GraphDef())


def test_functions_and_those_who_call_them_are_renamed():
    graph_def = _graph_def(2.0)
    renamed = with_unique_names(graph_def)
    names = [function.signature.name for function in renamed.library.function]
    assert not {function.signature.name for function in graph_def.library.function} & set(names)
    called = {attr.func.name for node in nodes_of(renamed) for attr in node.attr.values() if attr.HasField("func")}
    assert called == set(names)
    again = [function.signature.name for function in with_unique_names(graph_def).library.function]
    assert not set(again) & set(names)


def test_a_graph_without_functions_stays_as_it_is():
    graph_def = tf.compat.v1.GraphDef()
    graph_def.node.add(name="x", op="Placeholder")
    assert with_unique_names(graph_def) is graph_def


def test_models_with_different_functions_of_one_name_are_explained_side_by_side():
    for factor in (2.0, 3.0):
        e = explain(_graph_def(factor), "deeplift", _X, output="y", target=1)
        np.testing.assert_allclose(e.attributions, factor**3 * _X * [0, 1], rtol=1e-12)
