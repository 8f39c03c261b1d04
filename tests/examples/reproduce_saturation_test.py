import numpy as np
import pytest

from reproduce_saturation import Path, _without
from reproductions import photos

_ALPHAS = np.linspace(0, 1, 5)


@pytest.mark.parametrize(
    ("probabilities", "settled"),
    [
        ([0.0, 0.5, 0.95, 1.0, 1.0], 0.5),
        ([0.0, 1.0, 0.5, 1.0, 1.0], 0.75),  # it leaves once more
        ([1.0, 1.0, 1.0, 1.0, 1.0], 0.0),
        ([0.0, 0.0, 0.0, 0.0, 1.0], 1.0),
    ],
)
def test_a_path_settles_where_it_stays_near(probabilities, settled):
    path = Path(_ALPHAS, np.array(probabilities), np.array([1.0, 4.0, 2.0, 1.0, 0.5]), (0.2, 0.5))
    assert path.settled == settled
    assert path.remaining == 0.125


def test_the_pixels_with_the_largest_gradients_become_black():
    x, gradient = np.ones((224, 224, 3), np.float32), np.zeros((224, 224, 3))
    gradient[:20, :, 0] = 1
    hidden = _without(x, gradient)
    np.testing.assert_array_equal(hidden[:20], photos.BLACK[:20])
    assert (hidden[20:] == 1).all()
