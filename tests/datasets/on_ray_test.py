import importlib.util
import os
import pathlib
import signal

import numpy as np
import pytest

import deepexplain_tf as dx
from deepexplain_tf.datasets import packages
from deepexplain_tf.errors import DeepExplainError, OptionError
from tests.checks import message_of
from tests.datasets.folders import contents, rejected
from tests.models import mlp

_SIZES = {"batch_size": 8, "shard_size": 16}
_HAS_RAY = importlib.util.find_spec("ray") is not None
needs_ray = pytest.mark.skipif(not _HAS_RAY, reason="the extra ray is not installed")


@pytest.fixture
def folder(tmp_path):
    with dx.DeepExplain(mlp()) as de:
        de.explainer("deeplift", target=1, baseline=None).export(tmp_path / "served")
    x = np.random.default_rng(0).normal(size=(100, 4)).astype(np.float32)
    x[[3, 40]] = np.nan
    np.save(tmp_path / "x.npy", x)
    return tmp_path


def _run(folder, out, **arguments):
    return dx.explain_dataset(folder / "served", folder / "x.npy", folder / out, **{**_SIZES, **arguments})


@pytest.fixture
def two_cores():
    """Ray, on two cores."""
    import ray

    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
    yield
    ray.shutdown()


@pytest.mark.long  # Ray takes a while to start
@needs_ray
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")  # Ray's own, of its settings
def test_ray_writes_what_this_process_does(folder, two_cores):
    expected = _run(folder, "local")
    found = _run(folder, "ray", engine="ray")
    assert (found.rows, found.rejected) == (expected.rows, expected.rejected) == (98, 2)
    assert contents(folder / "ray") == contents(folder / "local")
    assert list(rejected(folder / "ray")) == [3, 40]
    assert _run(folder, "ray", engine="ray").already

    def stop(done, _):
        if done == 48:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        _run(folder, "parts", progress=stop)
    assert _run(folder, "parts", engine="ray").resumed_at == 32  # what one engine has begun another one ends
    assert contents(folder / "parts") == contents(folder / "local")


@pytest.mark.long  # Ray takes a while to start
@needs_ray
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")  # Ray's own, of its settings
def test_as_many_actors_as_cores_of_which_one_dies(folder, two_cores):
    """Nothing else of the run needs a core; and another actor writes what the dead one had not."""
    expected = _run(folder, "local")
    killed = []

    def kill(done, _):
        if done >= 32 and not killed:
            named = [path.parent.name for path in pathlib.Path("/proc").glob("[0-9]*/cmdline") if _is_actor(path)]
            killed.extend(map(int, named[:1]))
            os.kill(killed[0], signal.SIGKILL)

    found = _run(folder, "ray", engine="ray", resources={"concurrency": 2}, progress=kill)
    assert killed
    assert (found.rows, found.rejected) == (expected.rows, expected.rejected)
    assert contents(folder / "ray") == contents(folder / "local")


def _is_actor(path):
    try:
        return path.read_bytes().startswith(b"ray::MapWorker")
    except OSError:  # it has ended
        return False


def test_what_cannot_be_divided_is_refused(folder, monkeypatch):
    x = np.load(folder / "x.npy")
    call = lambda **given: _run(folder, "out", engine="ray", **given)  # noqa: E731
    message_of(lambda: call(shard_size=None), OptionError, "needs shard_size")
    message_of(lambda: _run(folder, "out", resources={"num_gpus": 1}), OptionError, "resources", "engine='ray'")
    with dx.DeepExplain(mlp()) as de:
        live = de.explainer("deeplift")
    arguments = {"sink": folder / "out", "engine": "ray", **_SIZES}
    message_of(lambda: dx.explain_dataset(live, folder / "x.npy", **arguments), OptionError, "export it")
    message_of(lambda: dx.explain_dataset(folder / "served", x, **arguments), OptionError, "reads files")
    monkeypatch.setitem(__import__("sys").modules, "ray.data", None)
    message_of(call, DeepExplainError, "pip install 'deepexplain_tf[ray]'")
    message_of(packages.ray_data, DeepExplainError, "'local' needs nothing")
    assert not (folder / "out").exists()
