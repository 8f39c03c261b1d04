"""Functions of `keras.ops` and `tf.nn`: DeepLIFT sums behind each, or it is refused by name."""

from keras import ops as K
import numpy as np
import pytest
import tensorflow as tf
from tensorflow import nn

import deepexplain_tf as dx
from tests.ops.functions import FAULTY, GROUPS, NO_NUMBERS, NOT_TRIED, REFUSED, is_installed


def _public(module, prefix):
    names = (name for name in dir(module) if name.islower() and not name.startswith("_"))
    return {prefix + name for name in names if callable(getattr(module, name))}


def test_every_function_is_here():
    tried = {name.partition(" by ")[0] for group, _ in GROUPS.values() for name in group}
    found = _public(K, "") | _public(K.image, "image.") | _public(nn, "nn.")
    refused = {name for name in REFUSED if " " not in name}
    others = {name for name in (*NO_NUMBERS.split(), *NOT_TRIED.split()) if is_installed(name)}
    assert found == tried | refused | others | FAULTY


_LARGEST = "vectors"  # whose ops tests/rules/ops_test.py has one by one
_SHARES = [(name, 16 if name == _LARGEST else 6) for name in GROUPS]
_AT_LENGTH = [pytest.param(name, 1, marks=pytest.mark.long) for name in GROUPS]


@pytest.mark.parametrize(("name", "share"), [*_SHARES, *_AT_LENGTH])
def test_functions(name, share):
    """One in `share` functions of a group side by side; each row of the batch explains one of them."""
    group, shape = GROUPS[name]
    group = dict(list(group.items())[::share])
    dtype, rtol = (np.float32, 1e-5) if name == "in single precision" else (np.float64, 1e-9)
    x = np.repeat(np.random.default_rng(1).uniform(0.2, 0.9, (1, *shape)), len(group), axis=0).astype(dtype)
    x0 = np.random.default_rng(2).uniform(0.2, 0.9, shape).astype(dtype)
    plain = [_flat(function)(tf.constant(x)).numpy() for function in group.values()]
    starts = [_flat(function)(tf.constant(x0[None])).numpy() for function in group.values()]
    weights = np.zeros((len(group), sum(part.shape[1] for part in plain)))
    ends = np.cumsum([part.shape[1] for part in plain])
    for row, (part, end) in enumerate(zip(plain, ends, strict=True)):
        weights[row, end - part.shape[1] : end] = np.random.default_rng(row).normal(size=part.shape[1])

    @tf.autograph.experimental.do_not_convert
    def model(x):
        parts = [_flat(function)(x) for function in group.values()]
        return tf.concat([tf.ensure_shape(part, [None, p.shape[1]]) for part, p in zip(parts, plain, strict=True)], 1)

    with dx.DeepExplain(model, output="model", input_signature=[tf.TensorSpec([None, *shape], dtype)]) as de:
        e = de.explain("deeplift", x, target=weights, baseline=x0, batch_size=len(x))
    outputs, at_baseline = (np.sum(weights * np.concatenate(values, 1), 1) for values in (plain, starts))
    np.testing.assert_allclose(e.outputs, outputs, rtol=rtol * 1e-2, atol=rtol * 1e-2)
    assert np.isfinite(e.attributions).all()
    summed = e.attributions.reshape(len(x), -1).sum(1)
    wrong = np.abs(summed - (outputs - at_baseline)) > rtol * np.maximum(1, np.abs(outputs - at_baseline))
    assert not wrong.any(), [function for function, bad in zip(group, wrong, strict=True) if bad]


def _flat(function):
    return lambda x: tf.reshape(tf.cast(function(x), tf.float64), [tf.shape(x)[0], -1])


def _explain_refused(name, **settings):
    model = tf.autograph.experimental.do_not_convert(_flat(REFUSED[name][0]))
    signature = [tf.TensorSpec([None, 3, 3], tf.float64)]
    x = np.random.default_rng(1).uniform(0.2, 0.9, (2, 3, 3))
    with dx.DeepExplain(model, output="model", input_signature=signature, **settings) as de:
        return de.explain("deeplift", x, target=0)


@pytest.mark.parametrize("name", REFUSED)
def test_refused_functions(name):
    with pytest.raises(dx.UnsupportedOpError, match=REFUSED[name][1]):
        _explain_refused(name)


@pytest.mark.parametrize("name", sorted(REFUSED.keys() & {"an index that is chosen", "nanmean", "det"}))
def test_refused_functions_pass_by_plain_gradient(name):
    e = _explain_refused(name, strict=False)
    assert np.isfinite(e.attributions).all()
    assert any("plain gradient" in note for note in e.notes)
