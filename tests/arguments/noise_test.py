"""Tests of `arguments/noise.py`."""

from typing import Any

import numpy as np
import pytest

import deepexplain_tf as dx
from deepexplain_tf.errors import OptionError
from tests.checks import message_of

_NAN = float("nan")
_REFUSED: list[tuple[str, list[Any]]] = [
    ("kind", ["smooth", "SmoothGrad", "", None, 3, ["vargrad"], {}]),
    ("stdev", [0, -0.1, _NAN, float("inf"), True, [0.1], 1j, 10**400, np.ones(2)]),
    ("stdev", ["", "%", "abc%", "0.1", "10 percent", "0%", "-5%", "nan%", "inf%", "1e400%", "1_0", "10%%"]),
    ("n_samples", [0, -1, 2.0, "4", True, None, [4], 100_001, _NAN]),
    ("seed", [-1, 1.5, "3", True, [1]]),
]


@pytest.mark.parametrize(("argument", "value"), [(name, value) for name, values in _REFUSED for value in values])
def test_what_is_out_of_range_is_refused(argument: str, value: Any):
    given = {"kind": "smoothgrad", argument: value}
    message_of(lambda: dx.noise(**given), OptionError, f"{argument} must be", "Got ")


def test_a_variance_needs_two_samples():
    message_of(lambda: dx.noise("vargrad", n_samples=1), OptionError, "n_samples", "2 …", "vargrad")
    assert dx.noise("vargrad", n_samples=2).n_samples == 2


@pytest.mark.parametrize("stdev", [0.1, "10%", 0, "", True])
def test_the_noise_of_a_model_has_no_deviation(stdev: Any):
    message_of(lambda: dx.noise("model", stdev), OptionError, "stdev must be left out", "model", repr(stdev))
    assert dx.noise("model").stdev is None and dx.noise("smoothgrad").stdev == "10%"


@pytest.mark.parametrize(
    ("stdev", "size", "relative"),
    [(0.5, 0.5, False), (np.float32(2), 2, False), ("10%", 0.1, True), ("2.5 %", 0.025, True), ("150%", 1.5, True)],
)
def test_a_standard_deviation_is_a_number_or_a_part_of_the_range(stdev: Any, size: float, relative: bool):
    noise = dx.noise("smoothgrad", stdev)
    assert noise.size == pytest.approx(size, rel=1e-15)
    assert noise.relative is relative
