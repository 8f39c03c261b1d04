"""Mutations of files as such: bytes of all of them; SavedModel folders; what Keras' archives hold."""

from collections.abc import Callable
import json
import pathlib
import shutil
from typing import Any
import zipfile

import h5py
import numpy as np

from tests.fuzzing.table import EVERY, FILES, FOLDERS, GRAPHS, Random, graph_of, of_files, one_of, opened

_ARCHIVE, _HDF5 = FILES


def _some(path: pathlib.Path, random: Random) -> pathlib.Path:
    return one_of(random, sorted(item for item in path.rglob("*") if item.is_file())) if path.is_dir() else path


@of_files(*EVERY)
def truncated(path: pathlib.Path, random: Random) -> None:
    file = _some(path, random)
    file.write_bytes(file.read_bytes()[: int(random.integers(0, file.stat().st_size or 1))])


@of_files(*EVERY)
def flipped_bytes(path: pathlib.Path, random: Random) -> None:
    file = _some(path, random)
    array = np.frombuffer(file.read_bytes(), np.uint8).copy()
    if array.size:
        array[random.integers(0, array.size, random.integers(1, 9))] ^= random.integers(1, 256, dtype=np.uint8)
    file.write_bytes(array.tobytes())


@of_files(*EVERY)
def inserted_bytes(path: pathlib.Path, random: Random) -> None:
    file = _some(path, random)
    data, place = file.read_bytes(), int(random.integers(0, file.stat().st_size + 1))
    file.write_bytes(data[:place] + random.bytes(int(random.integers(1, 40))) + data[place:])


@of_files(*EVERY)
def cut_out(path: pathlib.Path, random: Random) -> None:
    file = _some(path, random)
    data = file.read_bytes()
    first, last = sorted(int(n) for n in random.integers(0, len(data) + 1, 2))
    file.write_bytes(data[:first] + data[min(last, first + 64) :])


@of_files(*EVERY)
def garbage(path: pathlib.Path, random: Random) -> None:
    _some(path, random).write_bytes(random.bytes(int(random.integers(0, 600))))


@of_files(*EVERY)
def emptied(path: pathlib.Path, random: Random) -> None:
    _some(path, random).write_bytes(b"")


@of_files(*EVERY)
def removed(path: pathlib.Path, random: Random) -> None:
    _some(path, random).unlink()


@of_files(*GRAPHS, *FILES)
def folder_in_its_place(path: pathlib.Path, random: Random) -> None:
    del random
    path.unlink()
    path.mkdir()


@of_files(*EVERY)
def another_kind_of_file(path: pathlib.Path, random: Random) -> None:
    """The file of another model under this one's name."""
    others = [item for item in path.parent.parent.glob("originals/**/*") if item.is_file()]
    _some(path, random).write_bytes(one_of(random, sorted(others)).read_bytes())


@of_files(*GRAPHS, *FOLDERS)
def not_utf8(path: pathlib.Path, random: Random) -> None:
    place, message = opened(path)
    name = one_of(random, graph_of(message).node).name.encode()
    place.write_bytes(place.read_bytes().replace(name, b"\xff" + name[1:]))


# --- SavedModel folders -------------------------------------------------------------------------------------


@of_files(*FOLDERS)
def empty_folder(path: pathlib.Path, random: Random) -> None:
    del random
    shutil.rmtree(path)
    path.mkdir()


@of_files(*FOLDERS)
def deleted_index(path: pathlib.Path, random: Random) -> None:
    del random
    (path / "variables" / "variables.index").unlink()


@of_files(*FOLDERS)
def deleted_shard(path: pathlib.Path, random: Random) -> None:
    del random
    next((path / "variables").glob("*.data-*")).unlink()


@of_files(*FOLDERS)
def swapped_shard(path: pathlib.Path, random: Random) -> None:
    """The numbers of another model with the same variables, which the checksums of the index tell apart."""
    del random
    shard = next((path / "variables").glob("*.data-*"))
    shutil.copy(path.parent.parent / "originals" / "saved_other" / "variables" / shard.name, shard)


@of_files(*FOLDERS)
def flipped_shard(path: pathlib.Path, random: Random) -> None:
    flipped_bytes(next((path / "variables").glob("*.data-*")), random)


@of_files(*FOLDERS, neutral=True)
def changed_fingerprint(path: pathlib.Path, random: Random) -> None:
    file = path / "fingerprint.pb"
    if random.random() < 0.3:
        file.unlink()
    else:
        file.write_bytes(random.bytes(int(random.integers(0, 100))))


@of_files(*FOLDERS, neutral=True)
def additional_files(path: pathlib.Path, random: Random) -> None:
    for name in ("keras_metadata.pb", "notes.txt", "assets/words.txt", "variables/variables.data-00001-of-00002"):
        (path / name).parent.mkdir(exist_ok=True)
        (path / name).write_bytes(random.bytes(40))


@of_files(*FOLDERS)
def variables_are_a_file(path: pathlib.Path, random: Random) -> None:
    shutil.rmtree(path / "variables")
    (path / "variables").write_bytes(random.bytes(9))


# --- Keras' archives ----------------------------------------------------------------------------------------


def _repacked(path: pathlib.Path, change: Callable[[dict[str, bytes]], None]) -> None:
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    change(parts)
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in parts.items():
            archive.writestr(name, data)


@of_files(_ARCHIVE, neutral=True)
def repacked(path: pathlib.Path, random: Random) -> None:
    _repacked(path, lambda parts: parts.update({"notes.txt": random.bytes(20)}))


@of_files(_ARCHIVE)
def damaged_part(path: pathlib.Path, random: Random) -> None:
    """One file of the archive is gone, cut, garbage, or JSON of another kind."""

    def change(parts: dict[str, bytes]) -> None:
        name = one_of(random, sorted(parts))
        data = parts.pop(name)
        made = [
            None,
            b"",
            data[: int(random.integers(len(data)))],
            random.bytes(80),
            b"null",
            b"[]",
            b"{}",
            b"7",
            b'""',
        ]
        made += [b"[" * 100_000, data + b"x"]
        chosen = one_of(random, made)
        if chosen is not None:
            parts[name] = chosen

    _repacked(path, change)


@of_files(_ARCHIVE)
def weights_of_another_model(path: pathlib.Path, random: Random) -> None:
    del random
    with zipfile.ZipFile(path.parent.parent / "originals" / "model_wide.keras") as other:
        weights = other.read("model.weights.h5")
    _repacked(path, lambda parts: parts.update({"model.weights.h5": weights}))


_VALUES = (None, "", "no_such", -1, 0, 2.5, True, [], {}, [None, 3], {"class_name": "Dense"}, 10**7, 2**40, "é", "relu")


def _change_json(tree: Any, random: Random) -> None:
    """Replaces, removes or adds one thing somewhere in a tree of dicts and lists."""
    places = []

    def collect(node: Any) -> None:
        keys = list(node) if isinstance(node, dict) else list(range(len(node))) if isinstance(node, list) else []
        for key in keys:
            places.append((node, key))
            collect(node[key])

    collect(tree)
    node, key = one_of(random, places)
    if random.random() < 0.25:
        del node[key]
    else:
        node[key] = one_of(random, _VALUES)


@of_files(_ARCHIVE)
def wrong_config(path: pathlib.Path, random: Random) -> None:
    def change(parts: dict[str, bytes]) -> None:
        tree = json.loads(parts["config.json"])
        for _ in range(random.integers(1, 3)):
            _change_json(tree, random)
        parts["config.json"] = json.dumps(tree).encode()

    _repacked(path, change)


@of_files(_HDF5)
def wrong_model_config(path: pathlib.Path, random: Random) -> None:
    with h5py.File(path, "r+") as file:
        if random.random() < 0.2:
            del file.attrs["model_config"]
            return
        tree = json.loads(file.attrs["model_config"])
        _change_json(tree, random)
        file.attrs["model_config"] = json.dumps(tree) if random.random() < 0.9 else "no JSON"


@of_files(_HDF5)
def wrong_weights(path: pathlib.Path, random: Random) -> None:
    with h5py.File(path, "r+") as file:
        names: list[str] = []
        file.visititems(lambda name, item: names.append(name) if isinstance(item, h5py.Dataset) else None)
        name = one_of(random, names)
        shape = file[name].shape
        del file[name]
        numbers = random.normal(size=shape).astype(np.float32)
        made = [None, numbers[..., :1], numbers.astype(np.int8), numbers.astype("S"), numbers[None], np.float32(1)]
        made += [np.full(shape, np.nan, np.float32), numbers * 1e38]
        chosen = one_of(random, made)
        if chosen is not None:
            file[name] = chosen


@of_files(_HDF5)
def wrong_weight_names(path: pathlib.Path, random: Random) -> None:
    with h5py.File(path, "r+") as file:
        group = file["model_weights"]
        inside = one_of(random, [group, *group.values()])
        key = one_of(random, list(inside.attrs))
        values = [b"none", [], [b"none"], 3, "é", [b"none"] * 3]
        del inside.attrs[key]
        if random.random() < 0.7:
            inside.attrs[key] = one_of(random, values)
