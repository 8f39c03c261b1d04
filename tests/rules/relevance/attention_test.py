"""Relevance through attention: the published formulas, written again in NumPy, and what conserves it."""

import keras
from keras import layers as L
import numpy as np
import pytest
import tensorflow as tf

import deepexplain_tf as dx
from tests.checks import explain, pairs_in_turn
from tests.models import floats

_STEPS, _WIDTH, _EPSILON = 4, 6, 1e-12
CONSERVING = [
    ("softmax", dx.rules.softmax_taylor(bias=False)),
    ("product", dx.rules.half()),
    ("dense", dx.rules.epsilon()),
]


def encoder(depth=1, heads=1, *, use_bias=True, causal=False):
    """Blocks of attention and a dense part, each behind a layer normalisation."""
    keras.utils.set_random_seed(3)
    options = {"use_bias": use_bias, "bias_initializer": keras.initializers.RandomNormal(0, 0.3)}
    inputs = x = keras.Input((_STEPS, _WIDTH))
    for number in range(depth):
        normal = L.LayerNormalization(center=use_bias, name=f"norm_{number}")(x)
        attention = L.MultiHeadAttention(heads, _WIDTH, name=f"attention_{number}", **options)
        x = L.Add()([x, attention(normal, normal, use_causal_mask=causal)])
        normal = L.LayerNormalization(center=use_bias)(x)
        x = L.Add()([x, L.Dense(_WIDTH, **options)(L.Dense(8, "gelu", **options)(normal))])
    return keras.Model(inputs, L.Dense(2, **options)(L.GlobalAveragePooling1D()(x)))


def _share(relevance, total):
    return relevance / (total + _EPSILON * np.where(total >= 0, 1, -1))


def _dense(x, z, kernel, relevance):
    return x * (_share(relevance, z) @ kernel.T)


def _product(a, b, relevance):
    """Half to each factor of a matrix product, each product of the sum its share."""
    s = _share(relevance, a @ b) / 2
    return a * (s @ b.T), b * (a.T @ s)


def _normalised(x, layer, relevance):
    """(x − mean) · scale + offset, where only x − mean has relevance to hand back; the offset takes its share."""
    gain, offset = (np.asarray(weight) for weight in layer.weights)
    centred = x - x.mean(-1, keepdims=True)
    scaled = centred / np.sqrt(x.var(-1, keepdims=True) + layer.epsilon) * gain
    r = scaled * _share(relevance, scaled + offset)
    s = _share(r, centred)
    return x * s - x / x.shape[-1] * s.sum(-1, keepdims=True)


def _block(model, x, unit):
    """The relevance of one block and its head for one example, by the rules of Achtibat et al., in NumPy."""
    norm, attention, norm2 = model.layers[1], model.layers[2], model.layers[4]
    up, down, head = (layer for layer in model.layers if isinstance(layer, L.Dense))
    weights = [np.asarray(weight) for weight in attention.weights]
    wq, wk, wv = (weight[:, 0] for weight in weights[0:6:2])
    bq, bk, bv = (weight[0] for weight in weights[1:6:2])
    wo, bo = weights[6][0], weights[7]
    n = np.asarray(norm(tf.constant(x[None])))[0]
    q, k, v = n @ wq + bq, n @ wk + bk, n @ wv + bv
    scale = float(np.float32(1 / np.sqrt(_WIDTH)))  # Keras has it in float32
    logits = (q * scale) @ k.T
    p = np.exp(logits - logits.max(-1, keepdims=True))
    p /= p.sum(-1, keepdims=True)
    mixed = p @ v
    attended = mixed @ wo + bo
    y = x + attended
    n2 = np.asarray(norm2(tf.constant(y[None])))[0]
    hidden = np.asarray(up(tf.constant(n2[None])))[0]
    before = n2 @ np.asarray(up.kernel) + np.asarray(up.bias)
    dense = hidden @ np.asarray(down.kernel) + np.asarray(down.bias)
    z = y + dense
    pooled = z.mean(0)
    outputs = pooled @ np.asarray(head.kernel) + np.asarray(head.bias)

    r = _dense(pooled, outputs[[unit]], np.asarray(head.kernel)[:, [unit]], outputs[[unit]])
    r = z / _STEPS * _share(r, pooled)
    r_dense, r_y = dense * _share(r, z), y * _share(r, z)
    r_hidden = _dense(hidden, dense, np.asarray(down.kernel), r_dense)
    r_y = r_y + _normalised(y, norm2, _dense(n2, before, np.asarray(up.kernel), r_hidden))
    r_x, r_attended = x * _share(r_y, y), attended * _share(r_y, y)
    r_p, r_v = _product(p, v, _dense(mixed, attended, wo, r_attended))
    r_logits = logits * (r_p - p * r_p.sum(-1, keepdims=True))
    r_q, r_k = _product(q * scale, k.T, r_logits)
    r_n = _dense(n, q, wq, r_q) + _dense(n, k, wk, r_k.T) + _dense(n, v, wv, r_v)
    return r_x + _normalised(x, norm, r_n), outputs[unit]


_PUBLISHED = [
    ("softmax", dx.rules.softmax_taylor()),
    ("product", dx.rules.half(_EPSILON)),
    ("dense", dx.rules.epsilon(_EPSILON)),
    *((type_, dx.rules.proportion(_EPSILON)) for type_ in ("AddV2", "Mul", "Mean")),
]


@pytest.mark.parametrize(
    ("composite", "tolerance"), pairs_in_turn([(_PUBLISHED, 1e-9), ("attn_lrp", 1e-4)], 2), ids=["bare", "named"]
)
def test_one_block_has_the_published_relevance(composite, tolerance):
    """Up to the stabilizers, which are 1e-6 in the named composite."""
    with floats("float64"):
        model = encoder()
    x = np.random.default_rng(0).normal(size=(3, _STEPS, _WIDTH))
    e = explain(model, "lrp", x, target=1, composite=composite)
    for row, found, output in zip(x, e.attributions, e.outputs, strict=True):
        expected, y = _block(model, row, 1)
        assert output == pytest.approx(y, rel=1e-9)
        np.testing.assert_allclose(found, expected, rtol=0, atol=tolerance * np.abs(expected).max())


def test_softmax():
    x = np.random.default_rng(0).normal(size=(2, 5))
    x[0, 2] = -1e9  # as a mask makes it
    weights = np.array([[1.0, -2.0, 3.0, 0.5, 1.0]])
    p = np.exp(x - x.max(1, keepdims=True))
    p /= p.sum(1, keepdims=True)
    r = p * weights
    published = np.where(p > 0, x, 0) * (r - p * r.sum(1, keepdims=True))
    options = {"target": weights, "output": "model", "input_signature": [tf.TensorSpec([None, 5], tf.float64)]}
    for bias in (True, False):
        composite = [("softmax", dx.rules.softmax_taylor(bias=bias))]
        e = explain(tf.nn.softmax, "lrp", x, composite=composite, **options)
        size = np.where(p > 0, np.abs(x), 0)
        rest = (r.sum(1) - published.sum(1))[:, None] * size / size.sum(1, keepdims=True)
        np.testing.assert_allclose(e.attributions, published if bias else published + rest, rtol=1e-9, atol=1e-12)
        assert bias or np.abs(e.completeness_gap).max() < 1e-12


@pytest.mark.parametrize("composite", ["cp_lrp", CONSERVING], ids=["cp_lrp", "conserving"])
@pytest.mark.parametrize(
    "options",
    [
        {"heads": 2},
        pytest.param({"causal": True}, marks=pytest.mark.long),  # the mask is that of the softmax's own test
        pytest.param({"depth": 6, "causal": True}, marks=pytest.mark.long),  # six times the same block
    ],
    ids=["encoder", "causal", "deep"],
)
def test_relevance_is_conserved_without_biases(options, composite):
    model = encoder(use_bias=False, **options)
    x = np.random.default_rng(1).normal(size=(3, _STEPS, _WIDTH)).astype(np.float32)
    e = explain(model, "lrp", x, target=0, composite=composite)
    assert np.isfinite(e.attributions).all()
    np.testing.assert_allclose(e.completeness_gap, 0, atol=1e-3 * np.abs(e.outputs).max())


@pytest.mark.long  # six times the same block
def test_six_blocks_stay_finite_with_the_published_rule():
    x = np.random.default_rng(1).normal(size=(3, _STEPS, _WIDTH)).astype(np.float32)
    e = explain(encoder(6, 2, causal=True), "lrp", x, target=0, composite="attn_lrp")
    assert np.isfinite(e.attributions).all() and (np.abs(e.attributions).max((1, 2)) > 1e-4).all()
