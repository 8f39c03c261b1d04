import re

import numpy as np
import pytest

from deepexplain_tf.arguments.units import read_units
from deepexplain_tf.errors import TargetError


@pytest.mark.parametrize(
    ("target", "shape", "index", "axes"),
    [
        ("all", [None, 3], [[0], [1], [2]], (3,)),
        ("all", [None], [[]], (1,)),
        ("all", [7, 2, 2], [[0, 0], [0, 1], [1, 0], [1, 1]], (2, 2)),
        (range(1, 3), [None, 3], [[1], [2]], (2,)),
        (range(-1, -3, -1), [None, 3], [[2], [1]], (2,)),
        (range(4), [None, None], [[0], [1], [2], [3]], (4,)),
        (slice(None, None, 2), [None, 5], [[0], [2], [4]], (3,)),
        ((range(2), 3), [None, 2, 4], [[0, 3], [1, 3]], (2,)),
        ((-1, "all"), [None, 2, 3], [[1, 0], [1, 1], [1, 2]], (3,)),
        ((slice(1, 2), range(2)), [None, 2, 3], [[1, 0], [1, 1]], (1, 2)),
    ],
)
def test_units(target, shape, index, axes):
    units = read_units(target, shape)
    assert units.index.tolist() == index and units.index.dtype == np.int32
    assert units.shape == axes


@pytest.mark.parametrize("target", [None, 1, (0, 1), [0, 1], np.ones((1, 3)), len])
def test_other_targets(target):
    assert read_units(target, [None, 3]) is None


@pytest.mark.parametrize(
    ("target", "shape", "words"),
    [
        ("every", [None, 3], "must be 'all'"),
        ("all", [None, None], "known length"),
        (range(4), [None, 3], "lie in -3 … 2"),
        (range(-4, 0), [None, 3], "lie in -3 … 2"),
        (range(-1, 2), [None, None], "lie in 0 … inf"),
        (range(0), [None, 3], "hold a unit"),
        (range(2), [None, 3, 4], "2 indices or ranges"),
        ((range(2), 4), [None, 3, 4], "lie in -4 … 3"),
        (range(2), [None], "lie in -1 … 0"),
    ],
)
def test_units_that_there_are_not(target, shape, words):
    with pytest.raises(TargetError, match=re.escape(words)):
        read_units(target, shape)
