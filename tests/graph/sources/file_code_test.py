"""Code in Keras files, by their content: it is refused before a loader sees it, and never run."""

import json
import os
import pathlib
from typing import Any
import zipfile

import h5py
import keras
import numpy as np
import pytest

import deepexplain_tf as dx
from deepexplain_tf.errors import ModelError

pytestmark = pytest.mark.filterwarnings("ignore:You are saving your model as an HDF5 file")
L = keras.layers


def _marking() -> Any:
    return L.Lambda(lambda v: (__import__("pathlib").Path(__import__("os").environ["IT_RAN"]).touch(), v * 2.0)[1])


def _around(layer: Any, shape: tuple[int, ...] = (4,)) -> keras.Model:
    inputs = keras.Input(shape)
    return keras.Model(inputs, L.Dense(1)(L.Flatten()(layer(inputs))))


_MODELS = {
    "plain": lambda: _around(_marking()),
    "nested": lambda: _around(keras.Sequential([keras.Input((4,)), _marking()])),
    "wrapped": lambda: _around(L.TimeDistributed(_marking()), (3, 4)),
    "nested twice and wrapped": lambda: _around(L.TimeDistributed(_around(_around(_marking()))), (3, 4)),
}


@pytest.fixture
def mark(tmp_path: pathlib.Path, monkeypatch: Any) -> pathlib.Path:
    monkeypatch.setenv("IT_RAN", str(tmp_path / "it_ran"))
    return tmp_path / "it_ran"


def _refused(path: pathlib.Path, words: str) -> None:
    with pytest.raises(ModelError, match=words) as caught, dx.DeepExplain(path) as de:
        de.explain("saliency", np.ones((1, 4), np.float32), target=0)
    assert len(str(caught.value)) <= 500


@pytest.mark.parametrize("ending", [".keras", ".h5", ".hdf5"])
@pytest.mark.parametrize("name", _MODELS)
def test_the_code_of_a_lambda_is_not_run(name: str, ending: str, tmp_path: pathlib.Path, mark: pathlib.Path):
    path = tmp_path / f"net{ending}"
    _MODELS[name]().save(path)
    mark.unlink(missing_ok=True)
    _refused(path, r"no code.*net.*Lambda layer.*safe_mode=False")
    assert not mark.exists()


def _write(path: pathlib.Path, text: str | bytes) -> pathlib.Path:
    """Writes a file of a Keras model that has another configuration."""
    keras.Sequential([keras.Input((4,)), L.Dense(1, name="dense")]).save(path)
    if path.suffix == ".keras":
        with zipfile.ZipFile(path) as archive:
            files = {name: archive.read(name) for name in archive.namelist() if name != "config.json"}
        with zipfile.ZipFile(path, "w") as archive:
            for name, content in {**files, "config.json": text}.items():
                archive.writestr(name, content)
    else:
        with h5py.File(path, "r+") as file:
            del file.attrs["model_config"]
            file.attrs.create("model_config", text if isinstance(text, bytes) else text.encode())
    return path


def _with(layer: dict[str, Any]) -> str:
    layers = [{"class_name": "InputLayer", "config": {"batch_shape": [None, 4], "name": "x"}}, layer]
    return json.dumps({"class_name": "Sequential", "config": {"name": "net", "layers": layers}, "module": "keras"})


def _function(module: str, name: str) -> dict[str, Any]:
    function = {"module": module, "class_name": "function", "config": name, "registered_name": name}
    config = {"name": "it", "function": function, "arguments": {}}
    return {"class_name": "Lambda", "module": "keras.layers", "config": config, "registered_name": None}


# What stands for the code of Keras 2's lambdas, functions of other modules, and programs beside the file.
_REFUSED = {
    "a list": ({"class_name": "Lambda", "config": {"function": ["4wEAAAA=", None, None]}}, "Lambda layer"),
    "a type": (
        {"class_name": "Mine", "config": {"output_shape": "4wEAAAA=", "output_shape_type": "lambda"}},
        "Lambda layer",
    ),
    "os": (_function("os", "system"), "os.system"),
    "builtins": (_function("builtins", "eval"), "builtins.eval"),
    "a download": (_function("keras.utils", "get_file"), "keras.utils.get_file"),
    "a switch": (_function("keras.config", "enable_unsafe_deserialization"), "keras.config.enable"),
    "a class that is a function": (
        {"class_name": "func_load", "module": "keras.src.utils.python_utils", "config": {}},
        "func_load",
    ),
    "a program": ({"class_name": "TFSMLayer", "module": "keras.layers", "config": {"filepath": "/x"}}, "TFSMLayer"),
}


@pytest.mark.parametrize("ending", [".keras", ".h5"])
@pytest.mark.parametrize("name", _REFUSED)
def test_what_stands_for_code_is_refused(name: str, ending: str, tmp_path: pathlib.Path):
    layer, words = _REFUSED[name]
    _refused(_write(tmp_path / f"net{ending}", _with(layer)), rf"no code.*{words}.*safe_mode=False")


@pytest.mark.parametrize("ending", [".keras", ".h5"])
@pytest.mark.parametrize(
    "text",
    ["{", "[" * 200_000, '{"a":' * 200_000, "null", "[]", '{"class_name": {"a": 1}, "module": 3}', b"\xff\xfe\x01"],
    ids=["cut", "deep lists", "deep objects", "null", "empty", "wrong types", "no text"],
)
def test_a_configuration_that_is_none_is_a_model_error(text: Any, ending: str, tmp_path: pathlib.Path):
    if ending == ".h5" and len(text) > 60_000:
        text = text[:60_000]  # what an attribute of HDF5 may hold
    _refused(_write(tmp_path / f"net{ending}", text), "net.*must hold a model")


@keras.saving.register_keras_serializable("file_code_test")
def _doubled(x: Any) -> Any:
    return 2 * x


@pytest.mark.parametrize("ending", [".keras", ".h5"])
@pytest.mark.parametrize("function", [keras.ops.tanh, keras.activations.gelu, _doubled])
def test_a_function_that_is_known_by_its_name_is_called(function: Any, ending: str, tmp_path: pathlib.Path):
    model = _around(L.Lambda(function))
    model.save(tmp_path / f"net{ending}")
    x = np.linspace(-1, 1, 4, dtype=np.float32)[None]
    with dx.DeepExplain(tmp_path / f"net{ending}", output="model") as de:
        np.testing.assert_allclose(de.explain("saliency", x, target=0).outputs, model(x)[:, 0], rtol=1e-6)
    assert os.listdir(tmp_path) == [f"net{ending}"]
