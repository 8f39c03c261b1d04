"""Damaged models of every way in are refused plainly or explained rightly; nothing crashes, hangs or is silently wrong.

A sweep of more seeds, each with all methods, is asked for with `DEEPEXPLAIN_FUZZ_SEEDS=100`, or `=100:200`.
"""

import collections
import os
import pathlib

import numpy as np
import pytest
import tensorflow as tf

from deepexplain_tf.errors import ModelError
from tests.checks import explain
from tests.fuzzing import constants, files, functions, graphs, saved_models  # noqa: F401, they fill the table
from tests.fuzzing.judge import METHODS
from tests.fuzzing.originals import write
from tests.fuzzing.process import results
from tests.fuzzing.table import MUTATIONS

_WRONG = {"wrong", "foreign", "memory", "died", "hung"}


def _cases() -> list[tuple[str, str, int, tuple[str, ...]]]:
    pairs = [(model, name) for name, mutation in MUTATIONS.items() for model in mutation.models]
    seeds = os.environ.get("DEEPEXPLAIN_FUZZ_SEEDS")
    if seeds:
        first, _, last = seeds.rpartition(":")
        return [(model, name, seed, METHODS) for seed in range(int(first or 0), int(last)) for model, name in pairs]
    chosen = [(*pair, seed) for seed in range(2) for pair in pairs if pair[0] == "conv.pb" or seed == 0]
    return [(*case, (METHODS[number % len(METHODS)],)) for number, case in enumerate(chosen)]


@pytest.mark.parametrize("share", [17, pytest.param(1, marks=pytest.mark.long)])
def test_mutations(tmp_path: pathlib.Path, share: int):
    """One in `share` of them."""
    (tmp_path / "originals").mkdir()
    write(tmp_path / "originals")
    cases = _cases()
    assert len(cases) >= 200
    cases = cases[::share]
    counts: collections.Counter[str] = collections.Counter()
    wrong = []
    for case, found in zip(cases, results(cases, tmp_path), strict=True):
        counts[found["status"]] += 1
        if found["status"] in _WRONG:
            wrong.append(f"{case[:3]}: {found['status']} after {found['seconds']} s, {found['said'][:600]}")
            print(wrong[-1])
    print(dict(counts))
    assert not wrong, "\n".join(wrong)
    assert counts["refused"] > 100 / share
    assert counts["explained"] > 30 / share


def test_a_placeholder_of_open_rank_is_refused():
    with tf.Graph().as_default() as graph:
        tf.tanh(tf.compat.v1.placeholder(tf.float32, name="x"))
    with pytest.raises(ModelError, match=r"must have a shape \[batch.*'x'"):
        explain(graph.as_graph_def(), "saliency", np.ones([2, 3], np.float32))
