import numpy as np
import pytest

from deepexplain_tf.datasets.rows import Shapes
from deepexplain_tf.datasets.sources import open_source
from deepexplain_tf.errors import InputError
from tests.checks import message_of

_X = np.random.default_rng(0).normal(size=(10, 3, 2)).astype(np.float32)
_Y = np.arange(10)


def _read(path, first, size=4):
    name, source = open_source(path, None, {})
    assert (name, source.count) == ("array_files", 10)
    return list(source.batches(first, size, Shapes(None)))


def _saved(kind, path):
    if kind == "npy":
        np.save(path / "x.npy", _X)
        return path / "x.npy", lambda inputs: (inputs, None)
    save = np.savez_compressed if kind == "compressed" else np.savez
    if kind == "one":
        save(path / "x.npz", _X)
        return path / "x.npz", lambda inputs: (inputs, None)
    if kind == "numbered":
        save(path / "x.npz", _X, _Y)
        return path / "x.npz", tuple
    save(path / "x.npz", y=_Y, x=np.asfortranarray(_X) if kind == "columns" else _X)
    return path / "x.npz", lambda inputs: (inputs["x"], inputs["y"])


@pytest.mark.parametrize("kind", ["npy", "one", "numbered", "named", "compressed", "columns"])
@pytest.mark.parametrize("first", [0, 4, 8])
def test_rows_from_any_batch_on(kind, first, tmp_path):
    path, both = _saved(kind, tmp_path)
    batches = _read(str(path), first)
    assert [(batch.first, batch.count) for batch in batches] == [(s, min(4, 10 - s)) for s in range(first, 10, 4)]
    for batch in batches:
        x, y = both(batch.inputs)
        np.testing.assert_array_equal(x, _X[batch.first : batch.first + 4])
        if y is not None:
            np.testing.assert_array_equal(y, _Y[batch.first : batch.first + 4])


def test_texts(tmp_path):
    np.save(tmp_path / "x.npy", np.array(["a", "bcd"] * 5))
    assert _read(tmp_path / "x.npy", 8)[0].inputs.tolist() == ["a", "bcd"]


def test_identities_differ(tmp_path):
    identities = []
    for number, x in enumerate((_X, _X, _X + 1, _X[:9])):
        (tmp_path / str(number)).mkdir()
        np.save(tmp_path / str(number) / "x.npy", x)
        identities.append(open_source(tmp_path / str(number) / "x.npy", None, {})[1].identity())
    assert identities[0] == identities[1]
    assert identities[0] not in identities[2:]


def test_files_that_are_none(tmp_path):
    (tmp_path / "x.npy").write_bytes(b"no array")
    (tmp_path / "x.npz").write_bytes(b"no archive")
    np.save(tmp_path / "objects.npy", np.array([{}, {}]))
    np.savez(tmp_path / "objects.npz", x=np.array([{}, {}]))
    np.savez(tmp_path / "empty.npz")
    for name in ("x.npy", "x.npz", "objects.npy", "objects.npz", "empty.npz"):
        message_of(lambda name=name: open_source(tmp_path / name, None, {}), InputError)


def test_a_damaged_archive(tmp_path):
    np.savez_compressed(tmp_path / "x.npz", np.random.default_rng(0).normal(size=(1000, 10)))
    data = bytearray((tmp_path / "x.npz").read_bytes())
    data[30_000:30_100] = bytes(100)
    (tmp_path / "x.npz").write_bytes(data)
    _, source = open_source(tmp_path / "x.npz", None, {})
    message_of(lambda: list(source.batches(0, 64, Shapes(None))), InputError, "x.npz")
