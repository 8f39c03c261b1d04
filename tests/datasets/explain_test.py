import functools
import itertools

import keras
import numpy as np
import pytest
import tensorflow as tf

import deepexplain_tf as dx
from deepexplain_tf.datasets.explainers import Live
from deepexplain_tf.errors import DeepExplainError, InputError, OptionError, PathError, UnknownNameError
from tests.checks import in_turn, message_of
from tests.datasets.folders import columns, contents, manifest, rejected
from tests.models import filled, mlp

_X = np.random.default_rng(0).normal(size=(100, 4))
_SIZES = {"batch_size": 8, "shard_size": 24}


@functools.cache
def _default():
    with dx.DeepExplain(mlp("float64")) as de:
        return de.explainer("integrated_gradients")


def _explainer(method="integrated_gradients", model=None, **fixed):
    if (method, model, fixed) == ("integrated_gradients", None, {}):
        return _default()
    with dx.DeepExplain(mlp("float64") if model is None else model) as de:
        return de.explainer(method, **fixed)


def _images():
    return filled(keras.Sequential([keras.Input((4, 5, 2)), keras.layers.Flatten(), keras.layers.Dense(3)]))


@pytest.mark.parametrize("format", ["npz", "parquet"])
def test_all_rows_are_those_of_the_explainer(format, tmp_path):
    explainer = _explainer()
    finished = dx.explain_dataset(explainer, _X, tmp_path / "new" / "out", format=format, **_SIZES)
    expected, found = explainer(_X), columns(tmp_path / "new" / "out")
    np.testing.assert_array_equal(found["row"], np.arange(100))
    np.testing.assert_array_equal(found["target"], expected.target)
    for name in ("attributions", "outputs", "baseline_outputs", "completeness_gap"):
        assert found[name].dtype == np.float64
        np.testing.assert_allclose(found[name], getattr(expected, name), rtol=0, atol=1e-12)
    names = [f"shard-0000{number}.{format}" for number in range(5)]
    assert [file.name for file in finished.files] == names
    assert (finished.rows, finished.rejected, finished.resumed_at, finished.already) == (100, 0, 0, False)
    assert sorted(contents(finished.folder)) == ["manifest.json", *names]


def test_shapes_stand_in_the_metadata(tmp_path):
    x = np.random.default_rng(1).normal(size=(5, 4, 5, 2)).astype(np.float32)
    explainer = _explainer("deeplift", _images(), target=1)
    dx.explain_dataset(explainer, x, tmp_path)
    found = columns(tmp_path)
    assert "target" not in found
    assert manifest(tmp_path)["columns"]["attributions"] == {"dtype": "float32", "shape": [4, 5, 2]}
    np.testing.assert_allclose(found["attributions"], explainer(x).attributions, atol=1e-6)


def test_several_inputs_and_units(tmp_path):
    a, b = keras.Input((3,), name="a"), keras.Input((2,), name="b")
    model = filled(keras.Model({"a": a, "b": b}, keras.layers.Dense(2)(keras.layers.Concatenate()([a, b]))))
    x = {"b": _X[:, :2].astype(np.float32), "a": _X[:, :3].astype(np.float32)}
    explainer = _explainer("gradient_x_input", model, target="all")
    dx.explain_dataset(explainer, x, tmp_path, **_SIZES)
    found, expected = columns(tmp_path), explainer(x)
    assert found["outputs"].shape == (100, 2)
    for name in "ab":
        np.testing.assert_allclose(found[f"attributions_{name}"], expected.attributions[name], atol=1e-6)


@pytest.mark.parametrize("case", in_turn(itertools.product([3, 7, 12, 0, 2], ["npz", "parquet"]), 3))
def test_what_was_interrupted_goes_on_to_the_same_bytes(case, tmp_path, monkeypatch):
    after, format = case
    x = _X.copy()
    x[[5, 30, 31, 99], 1] = np.nan
    dx.explain_dataset(_explainer(), x, tmp_path / "whole", format=format, **_SIZES)
    explained, calls = Live.__call__, []

    def failing(self, inputs):
        if len(calls) == after:
            raise KeyboardInterrupt
        found = explained(self, inputs)  # or the call is refused, and comes again without a bad row
        calls.append(inputs)
        return found

    with monkeypatch.context() as patch:
        patch.setattr(Live, "__call__", failing)
        with pytest.raises(KeyboardInterrupt):
            dx.explain_dataset(_explainer(), x, tmp_path / "parts", format=format, **_SIZES)
    assert len(manifest(tmp_path / "parts")["shards"]) == after // 3
    finished = dx.explain_dataset(_explainer(), x, tmp_path / "parts", format=format, **_SIZES)
    assert finished.resumed_at == after // 3 * 24
    assert contents(tmp_path / "parts") == contents(tmp_path / "whole")


def test_a_finished_run_does_nothing(tmp_path, monkeypatch):
    dx.explain_dataset(_explainer(), _X, tmp_path, **_SIZES)
    before = contents(tmp_path)
    monkeypatch.setattr(Live, "__call__", lambda *_: pytest.fail("nothing is left to explain"))
    finished = dx.explain_dataset(_explainer(), _X, tmp_path, **_SIZES)
    assert finished.already and finished.rows == 100
    assert contents(tmp_path) == before


def _other_model():
    return filled(mlp("float64"), seed=5)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"source": _X[:99]}, ("source.arrays",)),
        ({"explainer": lambda: _explainer("deeplift")}, ("explainer", "deeplift")),
        ({"explainer": lambda: _explainer(n_steps=7)}, ("n_steps = 7",)),
        ({"explainer": lambda: _explainer(model=_other_model())}, ("model_sha256",)),
        ({"target": 2}, ("explainer.fixed.target = 2",)),
        ({"batch_size": 4}, ("options.batch_size = 4", "begun with 8")),
        ({"format": "npz"}, ("options.format = 'npz'", "'parquet'")),
    ],
)
def test_other_arguments_in_the_same_folder_are_named(change, words, tmp_path):
    arguments = {"explainer": _explainer, "source": _X, "sink": tmp_path, "format": "parquet", **_SIZES}

    def run(explainer, **rest):
        return dx.explain_dataset(explainer(), **rest)

    run(**arguments)
    message_of(lambda: run(**{**arguments, **change}), OptionError, "another folder", *words)


def test_a_bad_row_is_set_aside_and_changes_no_other(tmp_path):
    x = _X.astype(np.float32)
    bad = x.copy()
    bad[3, 0], bad[50, 2], bad[96:] = np.nan, np.inf, np.nan
    explainer = _explainer("integrated_gradients", mlp())
    finished = dx.explain_dataset(explainer, bad, tmp_path / "bad", **_SIZES)
    dx.explain_dataset(explainer, x, tmp_path / "good", **_SIZES)
    assert finished.rejected == 6
    assert list(rejected(tmp_path / "bad")) == [3, 50, 96, 97, 98, 99]
    assert all("must be finite" in reason for reason in rejected(tmp_path / "bad").values())
    found, expected = columns(tmp_path / "bad"), columns(tmp_path / "good")
    np.testing.assert_array_equal(found["row"], np.delete(np.arange(100), [3, 50, 96, 97, 98, 99]))
    for name in expected:
        assert found[name].tobytes() == expected[name][found["row"]].tobytes()


def test_a_number_that_the_model_refuses_is_a_bad_row(tmp_path):
    tokens = np.random.default_rng(0).integers(0, 9, (40, 3))
    layers = [keras.layers.Embedding(9, 2, name="words"), keras.layers.Flatten(), keras.layers.Dense(1)]
    with dx.DeepExplain(filled(keras.Sequential([keras.Input((3,), dtype="int32"), *layers])), layer="words") as de:
        explainer = de.explainer("gradient_x_input")
    wrong = tokens.copy()
    wrong[7, 1], wrong[20, 0] = 9, 2**40  # beyond the vocabulary, and beyond int32
    dx.explain_dataset(explainer, wrong, tmp_path, batch_size=8)
    assert list(rejected(tmp_path)) == [7, 20]
    found = columns(tmp_path)
    np.testing.assert_allclose(found["attributions"], explainer(tokens).attributions[found["row"]], atol=1e-6)


def test_an_output_that_is_not_finite_is_a_bad_row(tmp_path):
    x = np.array([[1.0], [0.0], [-2.0]])
    with dx.DeepExplain(lambda x: tf.math.log(x[:, 0])) as de:
        explainer = de.explainer("saliency")
    dx.explain_dataset(explainer, x, tmp_path)
    assert list(rejected(tmp_path)) == [1, 2]
    np.testing.assert_allclose(columns(tmp_path)["attributions"], [[1.0]])
    bad = lambda: dx.explain_dataset(explainer, x[1:], tmp_path / "bad")  # noqa: E731
    message_of(bad, InputError, "first 2 rows", "row 0", "output must be finite")


def test_the_number_of_bad_rows_is_limited(tmp_path):
    x = _X.copy()
    x[[1, 60, 80]] = np.nan
    call = lambda most: dx.explain_dataset(_explainer(), x, tmp_path, max_rejected=most, **_SIZES)  # noqa: E731
    message_of(lambda: call(1), InputError, "at most 1 rows", "row 60")
    assert len(manifest(tmp_path)["shards"]) == 2
    assert call(3).resumed_at == 48  # the limit is no part of what was begun


def test_a_first_batch_without_a_good_row_is_an_error(tmp_path):
    x = _X.copy()
    x[:8] = np.nan
    call = lambda **more: dx.explain_dataset(_explainer(), x, tmp_path, **more, **_SIZES)  # noqa: E731
    message_of(call, InputError, "first 8 rows", "row 0", "finite")
    assert call(max_rejected=8).rows == 92  # where nothing is whole, other arguments may follow
    wide = message_of(lambda: dx.explain_dataset(_explainer(), _X[:, :3], tmp_path / "wide"), InputError, "shape")
    assert "[100, 3]" in wide or "[1, 3]" in wide or "[3]" in wide


@pytest.mark.parametrize("method", in_turn(["shapley_sampling", "rise", "saliency"], 3))
def test_draws_depend_on_no_batch(method, tmp_path):
    x = _X[:, :4]
    noise = {"noise": dx.noise("smoothgrad", n_samples=5)} if method == "saliency" else {"n_samples": 8}
    for size in (5, 16):
        explainer = _explainer(method, **noise)
        dx.explain_dataset(explainer, x[:40], tmp_path / str(size), batch_size=size)
    found, other = columns(tmp_path / "5"), columns(tmp_path / "16")
    np.testing.assert_allclose(found["attributions"], other["attributions"], rtol=0, atol=1e-12)
    np.testing.assert_allclose(found["attributions"], explainer(x[:40], seed=0).attributions, rtol=0, atol=1e-12)
    dx.explain_dataset(explainer, x[:40], tmp_path / "seed", seed=1)
    assert np.abs(columns(tmp_path / "seed")["attributions"] - found["attributions"]).max() > 1e-3


@pytest.mark.parametrize("fixed", [{"target": [0, 1] * 4}, {"baseline": _X[:8]}])
def test_arguments_with_a_row_for_each_example_are_refused(fixed, tmp_path):
    call = lambda: dx.explain_dataset(_explainer(**fixed), _X, tmp_path, batch_size=8)  # noqa: E731
    message_of(call, OptionError, "a row for each example")


def test_one_baseline_is_allowed(tmp_path):
    explainer = _explainer("deeplift", baseline=_X[0], target=1)
    dx.explain_dataset(explainer, _X, tmp_path, **_SIZES)
    np.testing.assert_allclose(columns(tmp_path)["attributions"], explainer(_X).attributions, rtol=0, atol=1e-12)


def test_a_run_that_was_stopped_behind_its_last_shard_ends(tmp_path):
    x = _X[:48]
    dx.explain_dataset(_explainer(), x, tmp_path, **_SIZES)
    whole = contents(tmp_path)
    text = whole["manifest.json"].decode()
    (tmp_path / "manifest.json").write_text(text.replace('"finished": true', '"finished": false'))
    finished = dx.explain_dataset(_explainer(), x, tmp_path, **_SIZES)
    assert not finished.already and finished.resumed_at == 48
    assert contents(tmp_path) == whole


def test_an_empty_data_set_is_an_error(tmp_path):
    empty = tf.data.Dataset.from_tensor_slices(_X[:0])
    message_of(lambda: dx.explain_dataset(_explainer(), empty, tmp_path), InputError, "must hold a row")


def test_the_size_of_a_shard_that_is_left_open(tmp_path, monkeypatch):
    monkeypatch.setattr("deepexplain_tf.datasets.shards._BYTES", 2000)
    dx.explain_dataset(_explainer(), _X, tmp_path, batch_size=8)
    # A row has an int64, an int32 and seven float64: 68 bytes, of which 2000 hold 29, and 24 are whole batches.
    assert [entry["read"] for entry in manifest(tmp_path)["shards"]] == [24, 24, 24, 24, 4]


def test_progress_is_told(tmp_path):
    told = []
    dx.explain_dataset(_explainer(), _X[:20], tmp_path, batch_size=8, progress=lambda *step: told.append(step))
    assert told == [(0, 20), (8, 20), (16, 20), (20, 20)]


def test_a_bar(tmp_path, capsys):
    dx.explain_dataset(_explainer(), _X[:20], tmp_path, batch_size=8, progress=True)
    assert "20/20" in capsys.readouterr().err


def _served(folder, **fixed):
    _explainer("integrated_gradients", mlp(), **fixed).export(folder)
    return folder


def test_an_exported_explainer(tmp_path):
    x = _X.astype(np.float32)
    served = _served(tmp_path / "served", target=1, baseline=None)
    dx.explain_dataset(served, x, tmp_path / "out", **_SIZES)
    found, expected = columns(tmp_path / "out"), _explainer(model=mlp(), target=1)(x)
    for name in ("attributions", "outputs", "baseline_outputs", "completeness_gap"):
        np.testing.assert_allclose(found[name], getattr(expected, name), atol=1e-6)
    message_of(lambda: dx.explain_dataset(served, x, tmp_path / "b", target=1), OptionError, "target is part")
    message_of(lambda: dx.explain_dataset(served, x, tmp_path / "b", seed=1), OptionError, "seed is part")


def test_draws_of_another_export_without_a_seed_are_others(tmp_path):
    x = _X.astype(np.float32)
    for name in ("one", "other"):
        _explainer("shapley_sampling", mlp(), target=1, baseline=None, n_samples=4).export(tmp_path / name)
    dx.explain_dataset(tmp_path / "one", x, tmp_path / "out", **_SIZES)
    again = lambda name: dx.explain_dataset(tmp_path / name, x, tmp_path / "out", **_SIZES)  # noqa: E731
    assert again("one").already
    message_of(lambda: again("other"), OptionError, "graph_sha256")


def test_an_exported_explainer_with_an_open_target_and_baseline(tmp_path):
    x = _X.astype(np.float32)
    served = _served(tmp_path / "served")
    message_of(lambda: dx.explain_dataset(served, x, tmp_path / "out"), OptionError, "target must be a whole number")
    dx.explain_dataset(str(served), x, tmp_path / "out", target=2, **_SIZES)
    expected = _explainer(model=mlp(), target=2)(x)
    np.testing.assert_allclose(columns(tmp_path / "out")["attributions"], expected.attributions, atol=1e-6)


def test_errors_before_any_work(tmp_path):
    explainer = _explainer()
    for arguments, kind, words in [
        ({"engine": "spark"}, OptionError, ("engine must be 'local' or 'ray'", "spark")),
        ({"batch_size": 0}, OptionError, ("batch_size",)),
        ({"batch_size": 8, "shard_size": 12}, OptionError, ("multiple of batch_size, 8", "12")),
        ({"max_rejected": -1}, OptionError, ("max_rejected",)),
        ({"progress": 3}, OptionError, ("progress",)),
        ({"seed": -1}, OptionError, ("seed",)),
        ({"format": "csv"}, UnknownNameError, ("csv", "npz", "parquet")),
        ({"columns": ["a"]}, OptionError, ("'columns'", "'arrays'")),
        ({"source": 3}, TypeError, ("a source must be",)),
        ({"source": "none.npy"}, FileNotFoundError, ("none.npy",)),
        ({"source": _X[:0]}, InputError, ("rows",)),
        ({"explainer": mlp()}, TypeError, ("de.explainer",)),
        ({"explainer": "nowhere"}, FileNotFoundError, ("nowhere",)),
        ({"explainer": str(tmp_path)}, InputError, ("export",)),
    ]:
        given = {"explainer": explainer, "source": _X, "sink": tmp_path / "out", **arguments}
        message_of(lambda given=given: dx.explain_dataset(**given), kind, *words)
        assert not (tmp_path / "out").exists()


def test_folders_that_are_none_of_a_run(tmp_path):
    (tmp_path / "file").write_text("x")
    for sink in (tmp_path, tmp_path / "file", tmp_path / "file" / "out"):
        message_of(lambda sink=sink: dx.explain_dataset(_explainer(), _X, sink), PathError, "a sink must be")
    (tmp_path / "damaged").mkdir()
    (tmp_path / "damaged" / "manifest.json").write_text("{")
    message_of(lambda: dx.explain_dataset(_explainer(), _X, tmp_path / "damaged"), DeepExplainError, "manifest")


def test_the_error_of_a_model_ends_the_run_and_shards_stay(tmp_path, monkeypatch):
    explained, calls = Live.__call__, []

    def failing(self, inputs):
        calls.append(inputs)
        if len(calls) > 4:
            raise DeepExplainError("the device is gone")
        return explained(self, inputs)

    monkeypatch.setattr(Live, "__call__", failing)
    message_of(lambda: dx.explain_dataset(_explainer(), _X, tmp_path, **_SIZES), DeepExplainError, "the device is gone")
    assert len(manifest(tmp_path)["shards"]) == 1
