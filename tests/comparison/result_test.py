"""Tests of what a comparison prints and writes."""

import csv
import json
import os
import sys

import numpy as np
from PIL import Image
import pytest
import tensorflow as tf

import deepexplain_tf as dx
from deepexplain_tf.errors import DeepExplainError, InputError, OptionError

X = np.random.default_rng(0).normal(size=(3, 5))
GROUPS = np.array([0, 0, 1, 2, 3])


@pytest.fixture(scope="module")
def compared():
    return dx.compare(
        lambda x: tf.reduce_sum(x**3, 1),
        X,
        methods={"few": ("integrated_gradients", {"n_steps": 2}), "gradient": "saliency"},
        metrics=[("sensitivity_n", {"n": [1, 2], "subsets": 9}), "completeness"],
        target=0,
        baseline=0.5,
        groups=GROUPS,
        seed=7,
    )


def test_table(compared):
    header, rule, few, gradient, remark = str(compared).splitlines()
    assert header.split() == ["method", "sensitivity_n", "↑", "completeness", "↓"]
    assert set(rule) == {"-", " "}
    mean, half = float(few.split()[1]), float(few.split()[3])
    row = compared.rows[0]
    assert mean == pytest.approx(row.mean, rel=5e-3)
    assert half == pytest.approx((row.high - row.low) / 2, rel=5e-2)
    assert gradient.split()[-1] == "–"
    assert remark.startswith("– gradient by completeness: the metric takes contributions")
    assert str(compared) in repr(compared)


def test_json(compared, tmp_path):
    compared.to_json(tmp_path / "a.json")
    text = (tmp_path / "a.json").read_text()
    assert "NaN" not in text
    read = json.loads(text)
    assert (read["seed"], read["target"], read["baseline"], read["examples"]) == (7, 0, 0.5, 3)
    assert read["groups"] == GROUPS.tolist()
    assert read["methods"]["few"]["method"] == "integrated_gradients"
    assert read["methods"]["few"]["options"] == {"n_steps": 2}
    assert read["metrics"]["sensitivity_n"] == {"better": "higher", "options": {"n": [1, 2], "subsets": 9}}
    assert read["versions"]["tensorflow"] == tf.__version__
    for row, expected in zip(read["rows"], compared.rows, strict=True):
        assert (row["method"], row["metric"], row["reason"]) == (expected.method, expected.metric, expected.reason)
        assert row["mean"] == (None if expected.reason else expected.mean)
    score = compared.scores["sensitivity_n"]["few"]
    np.testing.assert_array_equal(read["scores"]["sensitivity_n"]["few"]["per_example"], score.per_example)
    np.testing.assert_array_equal(read["scores"]["sensitivity_n"]["few"]["n"], [1, 2])
    np.testing.assert_array_equal(read["scores"]["sensitivity_n"]["few"]["interval"], score.interval)


def test_csv(compared, tmp_path):
    compared.to_csv(tmp_path / "a.csv")
    with open(tmp_path / "a.csv", newline="") as file:
        read = list(csv.DictReader(file))
    assert len(read) == 4
    for row, expected in zip(read, compared.rows, strict=True):
        assert (row["method"], row["metric"], row["reason"]) == (expected.method, expected.metric, expected.reason)
        for name in ("mean", "low", "high"):
            assert row[name] == "" if expected.reason else float(row[name]) == getattr(expected, name)


@pytest.mark.parametrize("suffix", ["png", "svg", "pdf"])
def test_plot(compared, tmp_path, suffix):
    path = tmp_path / f"a.{suffix}"
    compared.plot(path)
    assert path.read_bytes().startswith({"png": b"\x89PNG", "svg": b"<?xml", "pdf": b"%PDF"}[suffix])
    if suffix == "png":
        with Image.open(path) as picture:
            assert len(np.unique(np.asarray(picture.convert("RGB")).reshape(-1, 3), axis=0)) > 20


def test_nothing_to_plot(compared, tmp_path):
    found = dx.compare(lambda x: tf.reduce_sum(x, 1), X, methods="saliency", metrics="deletion")
    with pytest.raises(InputError, match="scores by 'sensitivity_n'"):
        found.plot(tmp_path / "a.png")
    with pytest.raises(OptionError, match=r"\.png, \.pdf or \.svg"):
        compared.plot(tmp_path / "a.gif")
    assert os.listdir(tmp_path) == []


def test_without_matplotlib(compared, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(DeepExplainError, match=r"pip install 'deepexplain_tf\[plots\]'"):
        compared.plot(tmp_path / "a.png")
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("write", ["to_json", "to_csv", "plot"])
def test_a_path_that_cannot_be_written(compared, tmp_path, write):
    with pytest.raises(FileNotFoundError):
        getattr(compared, write)(tmp_path / "missing" / "a.png")
    assert os.listdir(tmp_path) == []
