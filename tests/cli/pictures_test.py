import numpy as np
import pytest

from deepexplain_tf.cli import pictures


def _draw(attributions, picture=None, sequence=False):
    return pictures.draw(attributions, 0, picture, "a caption", sequence=sequence)


def test_a_picture_is_shown_four_times():
    rng = np.random.default_rng(0)
    attributions = rng.normal(size=(1, 16, 16, 3))
    alone = _draw(attributions)
    with_picture = _draw(attributions, rng.integers(0, 256, (16, 16, 3), np.uint8))
    assert with_picture.width > 3 * alone.width


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_all_kinds_of_pictures_are_drawn(channels):
    assert _draw(np.ones((1, 8, 8, channels)), np.zeros((8, 8, channels), np.uint8))


def test_a_small_map_is_laid_over_a_larger_picture():
    shown = _draw(np.ones((1, 4, 4, 7)), np.zeros((16, 16, 3), np.uint8))
    alone = _draw(np.ones((1, 4, 4, 7)), np.zeros((17, 16, 3), np.uint8))
    assert shown.width > alone.width


def test_a_sequence_of_vectors_is_one_row():
    as_row = _draw(np.ones((1, 20, 5)), sequence=True)
    as_picture = _draw(np.ones((1, 20, 5)))
    assert as_row.width > as_row.height
    assert as_picture.width < as_picture.height


def test_inputs_stand_below_each_other():
    one = _draw({"a": np.ones((1, 8, 8))})
    two = _draw({"a": np.ones((1, 8, 8)), "b": np.ones((1, 8, 8))})
    assert two.height > 1.5 * one.height


def test_what_cannot_be_drawn_is_left_out():
    assert _draw(np.ones((1, 2, 2, 2, 2))) is None
    assert _draw(np.ones(1)) is None
