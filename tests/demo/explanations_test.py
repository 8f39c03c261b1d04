"""The claims about the real network on the two photos."""

import numpy as np
import pytest

import deepexplain_tf as dx
from deepexplain_tf.demo import efficientnet_lite0, packages, photos

_missing = packages.missing()
pytestmark = pytest.mark.skipif(bool(_missing), reason=f"the demo's packages are not installed: {_missing}")
_BLACK = float(efficientnet_lite0.preprocess(0))


@pytest.fixture(scope="module")
def trained():
    return efficientnet_lite0.load()


@pytest.fixture(scope="module")
def pictures():
    return np.stack([efficientnet_lite0.preprocess(photos.load(name, 224)) for name in ("chelsea", "coffee")])


def _relative_gap(explanation):
    return np.abs(explanation.completeness_gap / (explanation.outputs - explanation.baseline_outputs))


@pytest.mark.long  # the demo itself runs by default, and small models are complete
@pytest.mark.parametrize("output", ["auto", "model"])
def test_deeplift_is_complete(trained, pictures, output):
    with dx.DeepExplain(trained, output=output) as de:
        assert (_relative_gap(de.explain("deeplift", pictures)) <= 1e-4).all()


@pytest.mark.long  # 128 gradients of a large network
def test_integrated_gradients_from_black_close_the_gap(trained, pictures):
    assert _gaps_from_black(trained, pictures, [128])[0] <= 0.01


@pytest.mark.long  # 450 gradients; the gap at 128 steps is looked at above
def test_integrated_gradients_from_black_close_the_gap_with_more_steps(trained, pictures):
    gaps = _gaps_from_black(trained, pictures, [64, 128, 256])
    print("steps 64, 128, 256: gap", [f"{gap:.2%}" for gap in gaps])
    assert gaps[0] > gaps[1] > gaps[2]


def _gaps_from_black(trained, pictures, steps):
    with dx.DeepExplain(trained) as de:
        explain = de.explainer("integrated_gradients", baseline=_BLACK)
        return [_relative_gap(explain(pictures[:1], n_steps=number))[0] for number in steps]
