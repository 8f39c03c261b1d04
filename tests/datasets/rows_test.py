import numpy as np
import pytest

from deepexplain_tf.datasets.rows import Batch, Row, Shapes, collate, rebatch


@pytest.mark.parametrize("lengths", [[10], [1] * 10, [3, 4, 3], [7, 0, 3]])
@pytest.mark.parametrize("size", [1, 3, 4, 10, 11])
def test_batches_of_chunks_of_any_lengths(lengths, size):
    x = np.arange(20).reshape(10, 2)
    chunks = np.split(x, np.cumsum(lengths)[:-1])
    batches = list(rebatch([{"x": chunk} for chunk in chunks], 6, size))
    assert [batch.first for batch in batches] == list(range(6, 16, size))
    assert [batch.count for batch in batches] == [len(x[start : start + size]) for start in range(0, 10, size)]
    np.testing.assert_array_equal(np.concatenate([batch.inputs["x"] for batch in batches]), x)


def test_rows_of_other_shapes_are_bad():
    shapes = Shapes([[None, 2]])
    rows = [Row(None, "a", "damaged"), Row(np.ones((3, 2)), "b"), Row(np.zeros((4, 2)), "c"), Row(np.ones((3, 2)), "d")]
    (batch,) = collate(rows, 4, 8, shapes)
    assert batch.names == ["a", "b", "c", "d"] and (batch.first, batch.count) == (4, 4)
    assert batch.bad == {0: "damaged", 2: "the row must have shape [3, 2]. Got [4, 2]."}
    assert batch.inputs.shape == (4, 3, 2) and batch.good == [1, 3]
    assert shapes.wanted == [[3, 2]]  # for all rows to come


def test_a_good_row_stands_in_the_place_of_a_bad_one():
    batch = Batch(0, 3, {"x": np.array([[1.0], [2.0], [3.0]])}, {0: "bad"})
    np.testing.assert_array_equal(batch.filled()["x"], [[2.0], [2.0], [3.0]])
