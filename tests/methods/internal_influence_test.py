"""Internal influence: known values."""

import numpy as np
import pytest

from tests.checks import explain
from tests.methods.layer_networks import START, X, along, derivatives, network


@pytest.mark.parametrize(("layer", "position"), [("first", 2), ("second", 3)])
def test_the_mean_gradient_of_numpy(layer, position):
    e = explain(network(), "internal_influence", X, target=1, layer=layer, baseline=START)
    expected = along(lambda points: derivatives(points)[position])
    np.testing.assert_allclose(e.attributions, expected, rtol=1e-11)
    assert e.completeness_gap is None and e.n_steps == 64


def test_of_the_inputs_it_is_integrated_gradients_without_the_factor():
    e = explain(network(), "internal_influence", X, target=1, baseline=START)
    ig = explain(network(), "integrated_gradients", X, target=1, baseline=START)
    np.testing.assert_allclose(e.attributions * (X - START), ig.attributions, rtol=1e-11)
