import json

import keras
import numpy as np
from PIL import Image
import pytest

from lesion_parts import explained
from lesion_parts.pictures import BRIGHT, DARK, SIDE, pictures
from lesion_parts.zones import means, negative_inside_positive_rim, zones
from reproduce_lesion import EXPERIMENT

_KNOWN = pictures(24, seed=3)


def _square():
    mask = np.zeros((1, 8, 8), bool)
    mask[0, 2:6, :4] = True  # touches the border of the picture
    return mask


def test_half_of_the_pictures_have_lesions_with_a_mask():
    assert _KNOWN.x.shape == (24, SIDE, SIDE, 3) and _KNOWN.x.min() >= 0 and _KNOWN.x.max() <= 1
    np.testing.assert_array_equal(_KNOWN.labels, [0, 1] * 12)
    np.testing.assert_array_equal(_KNOWN.masks.any((1, 2)), _KNOWN.labels == 1)
    assert (_KNOWN.x[_KNOWN.masks] > 0).all()  # none lies outside the disc, which is black there
    assert _KNOWN.masks[_KNOWN.labels == 1].sum((1, 2)).min() >= 8
    np.testing.assert_array_equal(pictures(24, seed=3).x, _KNOWN.x)
    assert (pictures(24, seed=4).x != _KNOWN.x).any()


def test_lesions_are_of_one_colour_and_little_contrast():
    parts = zones(_KNOWN.masks)
    contrast = {
        kind: np.mean(
            [
                _KNOWN.x[at][parts["interior"][at]].mean(0) - _KNOWN.x[at][parts["ring"][at]].mean(0)
                for at in np.flatnonzero(_KNOWN.kinds == kind)
            ],
            axis=0,
        )
        for kind in (DARK, BRIGHT)
    }
    np.testing.assert_allclose(contrast[DARK], [-0.03, -0.10, -0.06], atol=0.03)
    np.testing.assert_allclose(contrast[BRIGHT], [0.07, 0.10, -0.02], atol=0.03)


def test_zones_of_a_square_at_the_border():
    parts = zones(_square())
    expected = np.zeros((8, 8), int)
    expected[2:6, :4] = 2
    expected[3:5, 1:3] = 1
    expected[[1, 6], :4] = expected[2:6, 4] = 3
    found = sum(number * parts[name][0].astype(int) for number, name in enumerate(("interior", "rim", "ring"), 1))
    np.testing.assert_array_equal(found, expected)


def test_signs_inside_and_at_the_rim():
    masks = np.concatenate([_square()] * 3 + [np.eye(8, dtype=bool)[np.newaxis]])  # the last one has no interior
    interior = zones(masks)["interior"]
    totals = np.where(interior, -1.0, 0.5)
    totals[1] *= -1  # positive inside
    totals[2] = -1.0  # negative at the rim too
    np.testing.assert_array_equal(means(totals, interior), [-1, 1, -1, np.nan])
    assert negative_inside_positive_rim(totals, masks) == pytest.approx(1 / 3)


def test_figures_of_maps_that_are_the_masks(monkeypatch):
    model = keras.Sequential([keras.Input((SIDE, SIDE, 3)), keras.layers.GlobalAveragePooling2D()])
    model.add(keras.layers.Dense(1, bias_initializer="ones", kernel_initializer="zeros"))  # sees a lesion everywhere
    chosen = _KNOWN.masks[_KNOWN.kinds == BRIGHT][:4]
    of_mask = np.repeat(chosen[..., np.newaxis], 3, axis=3).astype(float)

    def maps(model, x):
        np.testing.assert_array_equal(x, _KNOWN.x[_KNOWN.kinds == BRIGHT][:4])
        return {explained.INTEGRATED: of_mask, explained.RANDOM: 1 - of_mask, explained.WHITE: -of_mask}, 0.25

    monkeypatch.setattr(explained, "maps", maps)
    found = explained.figures(model, _KNOWN, BRIGHT, 4)
    assert (found.right, found.healthy, found.gap, found.signs) == (1, 0, 0.25, 0)
    assert found.pointing[explained.INTEGRATED] == 1
    assert 0 < found.pointing[explained.RANDOM] < 0.2  # the nearest two pixels around lesions
    assert found.mass[explained.INTEGRATED] == pytest.approx(np.mean(1 / chosen.mean((1, 2))))
    assert found.mass[explained.RANDOM] == 0
    assert found.zones["black"] == {"interior": 3, "rim": 3, "ring": 0}
    assert found.zones["white"] == {"interior": -3, "rim": -3, "ring": 0}


@pytest.mark.long  # the whole script; its parts have tests of their own
def test_the_script_writes_its_page(quick_runs):
    made = quick_runs("reproduce_lesion")
    found = json.loads(made.file(".json").read_text("utf-8"))
    assert [(row["finding"], row["kind"]) for row in found["findings"]] == [
        (name, kind) for name in "123" for kind in (DARK, BRIGHT)
    ]
    (net,) = found["figures"][BRIGHT]
    assert net["mass"][explained.INTEGRATED] > 2 * net["mass"][explained.RANDOM]
    assert net["gap"] < 0.02
    assert f"]({made.file('.png').name})" in made.page and EXPERIMENT.findings[0].statement in made.printed
    with Image.open(made.file(".png")) as picture:
        assert picture.format == "PNG"
