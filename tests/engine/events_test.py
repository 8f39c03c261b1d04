"""Tests of `engine/events.py`: calls that need more memory than there is go on with less at once."""

from typing import Any

import numpy as np
import pytest
import tensorflow as tf

import deepexplain_tf as dx
from deepexplain_tf.engine.engine import Engine
from deepexplain_tf.errors import ModelError
from tests.checks import explain, message_of
from tests.models import mlp

_X = np.random.default_rng(0).normal(size=(8, 4)).astype(np.float32)
_METHODS: dict[str, dict[str, Any]] = {
    "gradient_x_input": {},
    "deeplift": {},
    "integrated_gradients": {"n_steps": 6},
    "occlusion": {},
    "deeplift over a background": {"background": _X[:5]},
}

_ALIKE = ("occlusion", "deeplift")  # loops, and single passes, like others


@pytest.fixture
def tried(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> list[int]:
    """Makes a device that holds so many evaluations at once; the evaluations at once that were tried."""
    found, whole = [], Engine.attribution

    def attribution(engine: Engine, method: Any, objective: Any, chunks: Any, arguments: Any, **settings: Any) -> Any:
        program, rows = whole(engine, method, objective, chunks, arguments, **settings), len(arguments["inputs"][0])

        def run(*given: Any) -> Any:
            found.append(min(chunks.size, rows * (method.evaluations or rows)) if method.loops else rows)
            if found[-1] > request.param:
                raise tf.errors.ResourceExhaustedError(None, None, "OOM when allocating a tensor")
            return program(*given)

        return run

    monkeypatch.setattr(Engine, "attribution", attribution)
    return found


@pytest.mark.parametrize("tried", [3], indirect=True)
@pytest.mark.parametrize("name", [pytest.param(n, marks=[pytest.mark.long] * (n in _ALIKE)) for n in _METHODS])
def test_a_call_that_needs_too_much_memory_goes_on_with_less_at_once(tried: list[int], name: str):
    method, options = name.split()[0], _METHODS[name]
    with dx.DeepExplain(mlp(), jit_compile=False) as de:
        explainer = de.explainer(method, target=1, **options)
        e = explainer(_X)
        assert max(tried) > 3 >= tried[-1]
        assert any(note.startswith("out of memory") for note in e.notes)
        tried.clear()
        again = explainer(_X)  # later calls begin with what memory held
        assert max(tried) <= 3
    tried.clear()
    with dx.DeepExplain(mlp(), jit_compile=False) as de:
        expected = de.explain(method, _X, target=1, batch_size=3, chunk_size=3, **options)
    for found in (e, again):
        np.testing.assert_allclose(found.attributions, expected.attributions, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("tried", [0], indirect=True)
@pytest.mark.parametrize("method", ["saliency", "integrated_gradients"])
def test_where_one_evaluation_needs_too_much_an_error_says_so(tried: list[int], method: str):
    message_of(
        lambda: explain(mlp(), method, _X, target=1), ModelError, "memory must hold at least one evaluation", "OOM"
    )
    assert tried[-1] == 1
