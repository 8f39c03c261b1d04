"""Tests of `metrics/base.py`, and of what metrics depend on."""

import ast
import pathlib

import numpy as np
import pytest
import scipy.stats

import deepexplain_tf as dx
from deepexplain_tf.metrics.base import Score, student_t


@pytest.mark.parametrize("free", [1, 2, 3, 9, 30, 1_000])
def test_student_t(free):
    assert student_t(free) == pytest.approx(scipy.stats.t.ppf(0.975, free), rel=1e-9)


def test_mean_and_interval_leave_out_what_is_not_defined():
    values = np.array([[1.0, np.nan], [2.0, 5.0], [4.0, np.nan], [5.0, np.nan]])
    score = Score(per_example=values)
    np.testing.assert_allclose(score.mean, [3, 5])
    np.testing.assert_array_equal(score.count, [4, 1])
    expected = scipy.stats.t.interval(0.95, 3, 3, scipy.stats.sem(values[:, 0]))
    np.testing.assert_allclose(score.interval[:, 0], expected, rtol=1e-9)
    assert np.isnan(score.interval[:, 1]).all()


def test_one_score_for_each_example():
    score = Score(per_example=np.array([1.0, 3.0]))
    low, high = score.interval
    assert score.mean == 2.0
    assert (low, high) == pytest.approx((2 - 12.7062, 2 + 12.7062), rel=1e-5)
    assert repr(score) == "Score(mean 2, 95 % interval -10.71 … 14.71; 2 examples)"


def test_names():
    assert dx.list_metrics() == sorted(dx.list_metrics())
    assert {"sensitivity_n", "completeness", "infidelity"} <= set(dx.list_metrics())
    for name in dx.list_metrics():
        assert getattr(dx.metrics, name) is dx.metrics.METRICS[name].function
    assert dx.metrics.METRICS["completeness_gap"].function is dx.metrics.completeness
    with pytest.raises(dx.DeepExplainError, match="unknown metric 'sensitivity'; closest"):
        dx.metrics.METRICS["sensitivity"]


def test_metrics_know_of_no_method():
    """They score what any callable and any attributions give."""
    allowed = {"arguments", "errors", "features", "metrics", "registry", "writing"}
    found = set()
    for path in pathlib.Path(dx.metrics.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and node.module.startswith("deepexplain_tf"):
                found.add(node.module.split(".")[1])
    assert found == allowed
