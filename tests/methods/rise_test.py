"""Tests of `methods/rise.py`."""

import numpy as np
import pytest
import tensorflow as tf

import deepexplain_tf as dx
from deepexplain_tf.methods.layout import Layout
from deepexplain_tf.methods.make import make
from tests import references as ref
from tests.checks import explain

_LAYERS = ref.random_network(1, [7, 6, 2], "tanh")
_X, _X0 = ref.numbers(2, (3, 7), 7)
_IMAGES, _IMAGE0, _WEIGHTS = ref.numbers(3, (2, 9, 8, 2), (9, 8, 2), (9, 8, 2))


def _data(shape, seed=0, **options):
    return make("rise", options).data(Layout(0, (shape,), seed))


def _along(mask, axis, length, shift, scale):
    """Returns a mask interpolated along one axis by `np.interp`."""
    if mask.shape[axis] == 1:
        return mask
    at = (np.arange(length) + shift + 0.5) * scale - 0.5
    return np.apply_along_axis(lambda cells: np.interp(at, np.arange(len(cells)), cells), axis, mask)


def _masks(shape, **options):
    """Returns the masks that `rise` draws, `[n_samples, *shape]`."""
    data, masks = _data(shape, **options), []
    for kept, shift in zip(data["kept_0"], data["shifts_0"], strict=True):
        mask = kept.astype(float)
        for axis, length in enumerate(shape):
            mask = _along(mask, axis, length, shift[axis], data["scales_0"][axis])
        masks.append(np.broadcast_to(mask, shape))
    return np.array(masks)


def _by_loop(function, x, x0, masks):
    """Returns scores and standard errors, one example, mask and element after the other's mean."""
    scores, errors = [], []
    for row in x:
        values = np.array([function((mask * row + (1 - mask) * x0)[np.newaxis])[0] for mask in masks])
        column = values.reshape([-1] + [1] * row.ndim)
        kept = (column * masks).sum(0) / masks.sum(0)
        scores.append(kept - values.mean())
        spread = masks * (column - kept) / masks.mean(0) - (column - values.mean())
        errors.append(spread.std(0, ddof=1) / np.sqrt(len(masks)))
    return np.array(scores), np.array(errors)


def _assert_found(e, expected):
    np.testing.assert_allclose(e.attributions, expected[0], rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(e.standard_error, expected[1], rtol=1e-7, atol=1e-10)
    assert e.completeness_gap is None


def _image_model(x):
    return tf.tanh(tf.reduce_sum(x * _WEIGHTS, [1, 2, 3]) / 5 + 0.3)


def _image_reference(x):
    return np.tanh((x * _WEIGHTS).sum((1, 2, 3)) / 5 + 0.3)


@pytest.fixture(scope="module")
def explain_pictures():
    with dx.DeepExplain(_image_model) as de:
        return de.explainer("rise", baseline=_IMAGE0, n_samples=60, seed=4)


@pytest.mark.parametrize(
    "options", [{}, {"grid": 3}, {"grid": (4, 2, 2), "probability": 0.3}, {"grid": (1, 1, 2)}], ids=str
)
def test_a_picture(explain_pictures, options):
    masks = _masks((9, 8, 2), n_samples=60, seed=4, **options)
    assert (masks == masks[..., :1]).all() == ("grid" not in options or options["grid"] == 3)
    expected = _by_loop(_image_reference, _IMAGES, _IMAGE0, masks)
    _assert_found(explain_pictures(_IMAGES, **options), expected)


def test_chunks_change_no_number(explain_pictures):
    whole, parts = explain_pictures(_IMAGES), explain_pictures(_IMAGES, chunk_size=7, batch_size=1)
    np.testing.assert_allclose(parts.attributions, whole.attributions, rtol=1e-10, atol=1e-13)
    np.testing.assert_allclose(parts.standard_error, whole.standard_error, rtol=1e-8, atol=1e-11)


@pytest.mark.parametrize("options", [{}, {"grid": 2}, {"grid": (3,)}], ids=str)
def test_features_of_a_vector_are_cells_of_their_own(options):
    """Unless a grid for each axis is asked for."""
    e = explain(ref.in_tensorflow(_LAYERS), "rise", _X, target=1, baseline=_X0, n_samples=50, seed=1, **options)
    masks = _masks((7,), n_samples=50, seed=1, **options)
    assert (np.isin(masks, (0, 1))).all() == (options.get("grid") != (3,))
    _assert_found(e, _by_loop(lambda x: ref.forward(_LAYERS, x)[:, 1], _X, _X0, masks))


@pytest.mark.parametrize(("shape", "cells"), [((20, 3), (7, 1)), ((8, 9, 10, 2), (7, 7, 7, 1)), ((), ())], ids=str)
def test_one_and_three_spatial_axes_and_none(shape, cells):
    assert _data(shape, n_samples=40)["kept_0"].shape == (40, *cells)
    (x,) = ref.numbers(5, (2, *shape))
    (weights,) = ref.numbers(6, shape)

    def sums(x, weights, sum_):
        return sum_(x * weights, tuple(range(1, len(shape) + 1)))

    model = lambda x: tf.sin(sums(x, weights, tf.reduce_sum) / 3)  # noqa: E731
    e = explain(model, "rise", x, n_samples=40, seed=0)
    masks = _masks(shape, n_samples=40)
    _assert_found(e, _by_loop(lambda x: np.sin(sums(x, weights, np.sum) / 3), x, np.zeros(shape), masks))


def test_groups_are_cells_also_across_inputs():
    a, b = ref.numbers(0, (2, 3), (2, 4))

    def model(a, b):
        return ref.in_tensorflow(_LAYERS)(tf.concat([a, b], 1))

    ids = [np.array([0, 1, 1]), np.array([1, 2, -7, -7])]
    joined = np.unique(np.concatenate(ids), return_inverse=True)[1]
    options = {"groups": ids, "n_samples": 40}
    coalitions = make("rise", options).data(Layout((0, 1), ((3,), (4,)), 2))["coalitions"]
    e = explain(model, "rise", (a, b), target=1, seed=2, **{**options, "groups": tuple(ids)})
    masks = coalitions[:, joined].astype(float)
    scores, errors = _by_loop(lambda x: ref.forward(_LAYERS, x)[:, 1], np.hstack([a, b]), np.zeros(7), masks)
    np.testing.assert_allclose(np.hstack(e.attributions), scores, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(np.hstack(e.standard_error), errors, rtol=1e-7, atol=1e-10)


def test_a_feature_of_a_linear_model_has_half_its_effect():
    """(1 − p)·w·(x − x₀) within the standard error, which is that of repeated draws."""
    (weights,) = ref.numbers(7, 7)
    with dx.DeepExplain(lambda x: tf.linalg.matvec(x, weights) + 3) as de:
        explainer = de.explainer("rise", n_samples=500, probability=0.4, baseline=_X0)
    found = [explainer(_X, seed=seed) for seed in range(30)]
    deviations = np.array([(e.attributions - 0.6 * weights * (_X - _X0)) / e.standard_error for e in found])
    assert np.abs(deviations).max() < 5
    assert 0.8 < np.sqrt(np.mean(deviations**2)) < 1.2


def test_shares_of_a_cell_add_up_to_its_effect():
    """On an additive model, and for cells that are kept or not; with p = 0.4 here."""
    method, layout = make("rise", {"grid": (1, 4, 1), "probability": 0.4}), Layout(0, ((6, 4, 1),), None)
    effects = np.arange(1.0, 5)  # of the columns, each a cell of six elements
    carried = np.broadcast_to(0.6 * effects[:, np.newaxis], (2, 6, 4, 1))
    (shares,) = method.shares(layout, None, [carried])
    np.testing.assert_allclose(shares.sum((1, 3)), [effects, effects], rtol=1e-12)


def test_whole_numbers_are_kept_or_replaced():
    (table,) = ref.numbers(4, (10, 3))

    def model(tokens):
        return tf.reduce_sum(tf.tanh(tf.gather(tf.constant(table), tokens)), [1, 2, 3])

    tokens = np.arange(1, 51).reshape(1, 10, 5) % 10
    masks = _masks((10, 5), n_samples=30, grid=(3, 2)) >= 0.5
    e = explain(
        model,
        "rise",
        tokens,
        n_samples=30,
        seed=0,
        grid=(3, 2),
        input_signature=[tf.TensorSpec([None, 10, 5], tf.int32)],
    )
    values = np.array([np.tanh(table[np.where(mask, tokens[0], 0)]).sum() for mask in masks])
    expected = (values[:, None, None] * masks).sum(0) / masks.sum(0) - values.mean()
    np.testing.assert_allclose(e.attributions[0], expected, rtol=1e-9, atol=1e-11)


def test_a_feature_that_no_mask_keeps_is_nan():
    kept = _data((7,), n_samples=2)["kept_0"]
    assert kept.any() and not kept.any(0).all()
    e = explain(ref.in_tensorflow(_LAYERS), "rise", _X, target=1, n_samples=2, seed=0)
    for array in (e.attributions, e.standard_error):
        np.testing.assert_array_equal(np.isnan(array), np.broadcast_to(~kept.any(0), (3, 7)))
