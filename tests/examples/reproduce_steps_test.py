import numpy as np
import pytest

from reproduce_steps import Needed


@pytest.mark.parametrize(("quantile", "needed"), [(0.25, 20), (0.5, 50), (0.75, 50), (1.0, np.inf)])
def test_steps_are_those_from_which_the_gap_stays_small(quantile, needed):
    # Of the second example the gap grows once more; of the last it never is small.
    gaps = np.array([[0.2, 0.04, 0.5, 0.2], [0.04, 0.06, 0.5, 0.3], [0.01, 0.04, 0.04, 0.2]])
    assert Needed({"right": gaps}, np.array([10, 20, 50])).needed("right", quantile) == needed
