"""Runs that something from outside ends: a full disk, another run, a signal, a kill."""

import os
import pathlib
import random
import resource
import signal
import subprocess
import sys
import time

import keras
import numpy as np
import pytest

import deepexplain_tf as dx
from deepexplain_tf.datasets.folder import held
from deepexplain_tf.errors import PathError
from tests.checks import message_of
from tests.datasets.folders import columns, contents, manifest
from tests.models import filled, mlp

_ROOT = pathlib.Path(__file__).parents[2]


@pytest.mark.parametrize("format", ["npz", "parquet"])
def test_a_full_disk_keeps_what_is_whole(format, tmp_path):
    x = np.random.default_rng(0).normal(size=(128, 200)).astype(np.float32)
    with dx.DeepExplain(filled(keras.Sequential([keras.Input((200,)), keras.layers.Dense(1)]))) as de:
        explainer = de.explainer("gradient_x_input")
    sizes = {"batch_size": 16, "shard_size": 32, "format": format}
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)

    def fill(done, _):
        if done == 48:  # in the middle of the second shard
            resource.setrlimit(resource.RLIMIT_FSIZE, (16_000, limits[1]))

    def full():
        try:
            dx.explain_dataset(explainer, x, tmp_path / "out", progress=fill, **sizes)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)

    message_of(full, PathError, "File too large", "1 shards with the source's first 32 rows are whole", "goes on")
    assert sorted(contents(tmp_path / "out")) == ["manifest.json", f"shard-00000.{format}"]
    assert dx.explain_dataset(explainer, x, tmp_path / "out", **sizes).resumed_at == 32
    dx.explain_dataset(explainer, x, tmp_path / "whole", **sizes)
    assert contents(tmp_path / "out") == contents(tmp_path / "whole")


def test_two_runs_do_not_write_to_one_folder(tmp_path):
    with dx.DeepExplain(mlp()) as de, held(tmp_path):
        explainer = de.explainer("saliency")
        message_of(lambda: dx.explain_dataset(explainer, np.ones((3, 4)), tmp_path), PathError, "another one holds")
    assert dx.explain_dataset(explainer, np.ones((3, 4)), tmp_path).rows == 3


def test_what_a_killed_run_left_unfinished_is_removed(tmp_path):
    (tmp_path / ".0123456789abcdef.tmp").write_text("half a shard")
    with dx.DeepExplain(mlp()) as de:
        dx.explain_dataset(de.explainer("saliency"), np.ones((3, 4)), tmp_path, format="npz")
    assert sorted(contents(tmp_path)) == ["manifest.json", "shard-00000.npz"]


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """A folder with an exported explainer and many rows."""
    folder = tmp_path_factory.mktemp("served")
    with dx.DeepExplain(mlp()) as de:
        de.explainer("integrated_gradients", target=1, baseline=None).export(folder / "explainer")
    np.save(folder / "x.npy", np.random.default_rng(0).normal(size=(20_000, 4)).astype(np.float32))
    return folder


def _start(served, out):
    flags = [f"--explainer={served / 'explainer'}", f"--input={served / 'x.npy'}", f"--out={out}", "--format=npz"]
    flags += ["--batch_size=8", "--shard_size=80"]
    command = [sys.executable, "-m", "deepexplain_tf", "batch", *flags]
    return subprocess.Popen(command, cwd=_ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def _wait_for_shards(process, out, number):
    """Waits until the folder has so many shards; returns False if the process ends before."""
    while process.poll() is None:
        # The file is replaced in one step, so that it can be read at any time.
        if (out / "manifest.json").exists() and len(manifest(out)["shards"]) >= number:
            return True
        time.sleep(0.002)
    return False


@pytest.mark.long  # tests/cli/batch_test.py raises the signal in the process
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_command_between_two_shards(number, served, tmp_path):
    process = _start(served, tmp_path / "out")
    assert _wait_for_shards(process, tmp_path / "out", 2)
    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 1, err
    assert out == ""
    assert "deepexplain: error: interrupted; shards that are whole stay in" in err.splitlines()[-1]
    whole = manifest(tmp_path / "out")
    assert not whole["finished"] and len(whole["shards"]) >= 2
    known = {"manifest.json", *(entry["file"] for entry in whole["shards"])}
    # A shard that was whole before the manifest could name it is written again, with the same bytes.
    assert known <= {*contents(tmp_path / "out")} <= {*known, f"shard-{len(whole['shards']):05d}.npz"}


@pytest.mark.long  # tests/datasets/explain_test.py interrupts in the process
def test_killed_five_times_and_gone_on_gives_the_same_bytes(served, tmp_path):
    chance, out, shards = random.Random(0), tmp_path / "out", 0
    for _ in range(5):
        process = _start(served, out)
        assert _wait_for_shards(process, out, shards + chance.randrange(1, 30))
        time.sleep(chance.uniform(0, 0.02))
        os.kill(process.pid, signal.SIGKILL)
        process.communicate()
        assert process.returncode == -signal.SIGKILL
        shards = len(manifest(out)["shards"])
    for folder in (out, tmp_path / "whole"):
        process = _start(served, folder)
        _, err = process.communicate()
        assert process.returncode == 0, err
    assert contents(out) == contents(tmp_path / "whole")
    found = columns(out)
    np.testing.assert_array_equal(found["row"], np.arange(20_000))
    with dx.DeepExplain(mlp()) as de:
        expected = de.explain("integrated_gradients", np.load(served / "x.npy"), target=1)
    np.testing.assert_allclose(found["attributions"], expected.attributions, atol=1e-6)
