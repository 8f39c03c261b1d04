"""Programs run op by op: the numbers of the traced function."""

import numpy as np
import pytest
import tensorflow as tf

from deepexplain_tf.graph.eager import run_eagerly
from deepexplain_tf.graph.emit import emit
from tests.checks import program_of
from tests.ops.linear import LINEAR
from tests.ops.nonlinear import NONLINEAR

_CASES = {**LINEAR, **NONLINEAR}


_SHARE = 4  # one in four, and all at length


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.long] * bool(n % _SHARE)) for n, name in enumerate(_CASES)]
)
def test_every_op_of_the_table(name: str):
    case = _CASES[name]
    arrays = case.points()[0]
    function = tf.autograph.experimental.do_not_convert(case.function)
    program = program_of(function, *arrays)
    (found,) = emit(program, dict(zip(program.inputs, map(tf.constant, arrays), strict=True)))
    assert tf.executing_eagerly() and isinstance(found.numpy(), np.ndarray)
    exact = case.rtol <= 1e-9  # else the op computes in float32
    np.testing.assert_allclose(found, tf.function(function)(*arrays), rtol=1e-12 if exact else 1e-5, atol=1e-13)


def test_an_attribute_that_is_a_function_is_left_to_graphs():
    @tf.function
    def inner(x: tf.Tensor) -> tf.Tensor:
        return tf.cond(x[0] > 0, lambda: x, lambda: 2 * x)

    program = program_of(inner, np.ones(3))
    (node,) = [node for node in program.nodes() if node.type in ("If", "StatelessIf")]
    node.attrs["then_branch"] = tf.compat.v1.AttrValue(func=tf.compat.v1.NameAttrList(name="f"))
    with pytest.raises(NotImplementedError, match="of kind func"):
        run_eagerly(node, [])
