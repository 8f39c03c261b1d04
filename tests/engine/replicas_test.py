"""Tests of `engine/replicas.py`: runs those of `two_devices.py` in a process that has two devices."""

import os
import pathlib
import subprocess
import sys

import pytest

_TESTS = pathlib.Path(__file__).with_name("two_devices.py")


@pytest.mark.parametrize(
    "chosen",
    [
        "not long",
        pytest.param("long", marks=pytest.mark.long),  # every method and structure; the shorter tests have each kind
    ],
)
def test_explanations_on_two_devices(chosen: str):
    """Logical devices are made before TensorFlow starts, so in a process of its own."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-m", chosen, str(_TESTS)]
    environment = {**os.environ, "CUDA_VISIBLE_DEVICES": ""}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
