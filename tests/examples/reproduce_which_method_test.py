import numpy as np

import deepexplain_tf as dx
from reproduce_which_method import _believed, _section


def test_a_comparison_is_told_in_short():
    x = np.random.default_rng(0).normal(size=(8, 3))
    comparison = dx.compare(
        lambda x: x[:, 0] * x[:, 1] + x[:, 2],
        x,
        methods=["gradient_x_input", "integrated_gradients"],
        metrics=["completeness", "deletion"],
        seed=0,
    )
    found = _believed(comparison)
    assert (found.best, found.metrics, found.kept) == ("integrated_gradients", 2, {})
    assert found.best_by["integrated_gradients"] == 2
    text = _section("rows", [found, found])
    assert text.endswith("in each net: `integrated_gradients`, `integrated_gradients`.\n") and str(comparison) in text
