"""Tests of `graph/verify.py`."""

import pytest
import tensorflow as tf

from deepexplain_tf.errors import ModelError
from deepexplain_tf.graph.sources.verify import verify


def _constant(dtype: int = 1, shape: tuple[int, ...] = (2,), content: bytes = b"", claimed: int = 1):
    graph = tf.compat.v1.GraphDef()
    node = graph.node.add(name="weights", op="Const")
    node.attr["dtype"].type = claimed
    tensor = node.attr["value"].tensor
    tensor.dtype = dtype
    tensor.tensor_content = content
    for size in shape:
        tensor.tensor_shape.dim.add(size=size)
    return graph


def _calling(*calls: tuple[str, str], op: str = "PartitionedCall"):
    """A graph whose functions call each other: pairs of who calls, `""` for the graph itself, and what is called."""
    graph = tf.compat.v1.GraphDef()
    names = list(dict.fromkeys(caller for caller, _ in calls if caller))
    functions = {name: graph.library.function.add() for name in names}
    for name, function in functions.items():
        function.signature.name = name
    for number, (caller, called) in enumerate(calls):
        nodes = functions[caller].node_def if caller else graph.node
        node = nodes.add(name=f"call_{number}", op=op)
        if called:
            node.attr["f"].func.name = called
    return graph


@pytest.mark.parametrize("shape", [(2,), (1, 2)])
@pytest.mark.parametrize("content", [b"", b"\0" * 8])
def test_constants_of_their_size_pass(shape: tuple[int, ...], content: bytes):
    verify(_constant(shape=shape, content=content))


@pytest.mark.parametrize("shape", [(2**20, 2**20), (2**62, 4), (2**40,), (2**29 + 1,)])
def test_a_constant_that_claims_to_be_giant_is_refused(shape: tuple[int, ...]):
    with pytest.raises(ModelError, match=r"fit into 2147483648 bytes.*'weights'"):
        verify(_constant(shape=shape))


def test_constants_that_are_giant_together_are_refused():
    graph = _constant(shape=(2**28,))
    verify(graph)
    graph.node.extend([graph.node[0]] * 2)
    with pytest.raises(ModelError, match="fit into"):
        verify(graph)


@pytest.mark.parametrize(
    ("graph", "message"),
    [
        (_constant(shape=(-1,)), "must have a known shape"),
        (_constant(shape=(3,), content=b"\0" * 8), "must hold as much as its shape says. Got 8 bytes"),
        (_constant(dtype=99, claimed=99), "must have a dtype. Got number 99"),
        (_constant(claimed=2), "must have the dtype of its numbers, float32"),
    ],
)
def test_constants_at_odds_with_themselves_are_refused(graph: tf.compat.v1.GraphDef, message: str):
    with pytest.raises(ModelError, match=f"{message}.*'weights'"):
        verify(graph)


def test_functions_that_call_others_pass():
    verify(_calling(("", "a"), ("", "a"), ("a", "b"), ("a", "b"), ("b", "c"), ("c", "")))


@pytest.mark.parametrize("op", ["PartitionedCall", "While", "If", "MapDataset"])
def test_functions_that_call_themselves_are_refused(op: str):
    with pytest.raises(ModelError, match=r"must not call itself\. Got 'a', at 'call_1'"):
        verify(_calling(("", "a"), ("a", "a"), op=op))
    with pytest.raises(ModelError, match=r"must not call itself\. Got 'a', at 'call_2'"):
        verify(_calling(("", "a"), ("a", "b"), ("b", "a"), op=op))


def test_functions_that_call_themselves_are_refused_where_nothing_calls_them():
    with pytest.raises(ModelError, match="must not call itself"):
        verify(_calling(("a", "a")))


def test_missing_functions_are_refused():
    with pytest.raises(ModelError, match=r"in the graph's library\. Got 'b' at 'call_1'"):
        verify(_calling(("", "a"), ("a", "b")))


def test_functions_that_double_each_time_are_refused():
    calls = [(f"f{level}", f"f{level + 1}") for level in range(40) for _ in range(2)]
    with pytest.raises(ModelError, match="at most 1000000 ops"):
        verify(_calling(("", "f0"), *calls, ("f40", "")))


def test_functions_nested_without_end_are_refused():
    calls = [(f"f{level}", f"f{level + 1}") for level in range(5000)]
    for order in (calls, calls[::-1]):
        with pytest.raises(ModelError, match="100 deep"):
            verify(_calling(*order, ("f5000", "")))
