"""What `DeepExplain.coverage` says of a model's ops."""

import numpy as np
import pytest
import tensorflow as tf

import deepexplain_tf as dx
from tests.checks import GENERAL, KINDS, each_of
from tests.models import STRUCTURES, matrix_root, mlp, python_inside
from tests.users_rules import plainly

X = np.random.default_rng(0).normal(size=(3, 4)).astype(np.float32)


@pytest.mark.parametrize(
    ("method", "tanh", "softmax"),
    [
        ("gradient_x_input", "gradient", "gradient"),
        ("epsilon_lrp", "exact", "gradient"),
        ("deeplift", "exact", "exact"),
        ("guided_backprop", "gradient", "gradient"),
        ("integrated_gradients", "gradient", "gradient"),
        ("occlusion", "exact", "exact"),
    ],
)
def test_coverage_says_what_happens_at_each_active_op(method: str, tanh: str, softmax: str):
    with dx.DeepExplain(mlp(), output="model") as de:
        coverage = de.coverage(method)
    verdicts = {op.type: verdict for op, verdict in coverage}
    assert verdicts["Tanh"] == tanh
    assert verdicts["Softmax"] == softmax
    assert verdicts["MatMul"] == ("exact" if method == "occlusion" else "linear")
    assert len(coverage) == len(list(coverage)) == sum(coverage.counts.values())
    assert set(coverage.counts) == {"exact", "linear", "convention", "gradient", "refused"}
    assert coverage.counts["refused"] == 0
    assert coverage.refused() == []


def test_coverage_counts_only_what_lies_between_the_input_and_the_target():
    with dx.DeepExplain(mlp()) as de:  # the softmax is stripped
        assert "Softmax" not in [op.type for op, _ in de.coverage("deeplift")]
        assert de.coverage("deeplift").counts["exact"] == 1
    with dx.DeepExplain(mlp(), layer="hidden") as de:
        assert "Tanh" not in [op.type for op, _ in de.coverage("deeplift")]
        assert de.coverage("deeplift").counts["exact"] == 0


def test_coverage_prints_as_a_table():
    with dx.DeepExplain(mlp()) as de:
        coverage = de.coverage("epsilon_lrp")
    text = str(coverage)
    lines = text.splitlines()
    assert lines[0].split() == ["op", "type", "kind", "verdict"]
    assert len(lines) == len(coverage) + 3
    for (op, verdict), line in zip(coverage, lines[2:], strict=False):
        assert line.split() == [op.name, op.type, str(op.kind.value), verdict]
    assert lines[-1].startswith(f"{len(coverage)} active ops: 1 exact")


@each_of(GENERAL, KINDS)
def test_coverage_reads_every_structure(method: str):
    for name in ("functional", "sequential", "list_of_inputs", "dict_of_outputs", "fixed_batch_size"):
        case = STRUCTURES[name]
        settings = {key: value for key, value in case.settings.items() if key != "output"}
        with dx.DeepExplain(case.build(), **settings) as de:
            coverage = de.coverage(method)
        assert len(coverage) > 0
        assert coverage.counts["refused"] == 0


def test_coverage_shows_what_is_refused_and_does_not_raise():
    with dx.DeepExplain(matrix_root, input_signature=[tf.TensorSpec([None, 4])]) as de:
        coverage = de.coverage("deeplift")
        (op,) = coverage.refused()
        assert (op.type, op.name.split("/")[0]) == ("MatrixSquareRoot", "rooted")
        assert coverage.counts["refused"] == 1
        assert "refused" in str(coverage)
        assert de.coverage("saliency").counts["refused"] == 0


def test_coverage_shows_what_cannot_be_emitted_as_refused():
    """No method runs on a Python function."""
    with dx.DeepExplain(python_inside, input_signature=[tf.TensorSpec([None, 4])]) as de:
        for method in ("saliency", "occlusion"):
            assert de.coverage(method).counts["refused"] == 1


def test_coverage_agrees_with_explain_on_overrides():
    with dx.DeepExplain(
        matrix_root, overrides={"MatrixSquareRoot": plainly}, input_signature=[tf.TensorSpec([None, 4])]
    ) as de:
        assert de.coverage("deeplift").counts["refused"] == 0
        assert np.isfinite(de.explain("deeplift", X, target=0).attributions).all()


@pytest.mark.parametrize(
    ("draw", "kind"),
    [
        (lambda x: tf.nn.dropout(x, 0.5), "RandomUniform"),
        (lambda x: x + tf.random.normal(tf.shape(x)), "RandomStandardNormal"),
        (lambda x: x * tf.random.stateless_uniform(tf.shape(x), [1, 2]), "StatelessRandomUniformV2"),
        (lambda x: x + 1, None),
    ],
)
def test_coverage_tells_of_ops_that_draw_numbers(draw, kind: str | None):
    model = tf.autograph.experimental.do_not_convert(lambda x: tf.reduce_sum(tf.tanh(draw(x)), 1))
    with dx.DeepExplain(model, input_signature=[tf.TensorSpec([None, 4])]) as de:
        coverage = de.coverage("deeplift")
    assert (coverage.draw and coverage.draw.type) == kind
    assert ("draws numbers" in str(coverage)) == (kind is not None) == ("draws numbers" in coverage.summary())
