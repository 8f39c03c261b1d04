import json

import pytest

from deepexplain_tf.demo import packages
from tests.examples.scripts import run

_missing = packages.missing()


@pytest.mark.long  # tests/strings_test.py and tests/readme_test.py explain texts
def test_words_of_a_verdict(tmp_path):
    picture = tmp_path / "interactions.png"
    lines = run("explain_text.py", "--sentence=the plot was awful", f"--interactions={picture}").splitlines()
    contributions = {line.split()[0]: float(line.split()[1]) for line in lines[3:-1]}
    assert picture.is_file() and lines[-1].startswith("wrote")
    assert list(contributions) == ["the", "plot", "was", "awful"]
    assert min(contributions, key=contributions.get) == "awful"


@pytest.mark.long  # tests/examples/benchmark_test.py measures too
def test_costs():
    flags = ("--calls=2", "--ready=", "--check=", "--baselines=3")
    header, _, row, _, _, last = run("cost.py", "--ratio=cnn", *flags).splitlines()
    assert header.split()[0] == "network"
    name, xla, plain, ours, ratio = row.split()
    assert (name, xla) == ("cnn", "no")
    assert min(float(plain), float(ours), float(ratio)) > 0
    name, examples, baselines, *_, gap, off = last.split()
    assert (name, examples, baselines) == ("small", "64", "3")
    assert max(float(gap), float(off)) < 1e-4


@pytest.mark.long  # tests/engine and tests/conformance freeze
def test_what_frozen_weights_gain():
    header, _, *rows = run("frozen.py", "--calls=1", "--models=mlp").splitlines()
    assert header.split()[:2] == ["model", "method"]
    assert [row.split()[1] for row in rows] == ["gradient_x_input", "epsilon_lrp", "deeplift"]


@pytest.mark.long  # three fresh processes
def test_what_a_cache_of_compilations_gains():
    _, _, *rows = run("compilation_cache.py", "--length=64").splitlines()
    assert [row.split()[-1] for row in rows] == ["True"] * 3


@pytest.mark.long  # a training; tests/derivatives_test.py has one
def test_a_classifier_learns_not_to_use_a_feature():
    _, _, free, paid = run("train_with_prior.py", "--modes=graph", "--epochs=4").splitlines()
    assert float(free.split()[-1].strip("%")) > 40
    assert float(paid.split()[-1].strip("%")) < 5
    assert float(paid.split()[-2].strip("%")) > float(free.split()[-2].strip("%")) - 1


@pytest.mark.long  # tests/derivatives_test.py does the same with smaller networks
def test_derivatives_of_attributions():
    _, _, *rows = run("derivatives.py").splitlines()
    found = [float(number) for row in rows for number in row.split()[1:] if number != "–"]
    assert len(found) >= 100
    assert max(found) <= 1e-6


@pytest.mark.long  # tests/metrics has the metric
def test_cost_of_sensitivity_n():
    flags = ("--examples=2", "--sizes=2", "--subsets=2", "--methods=1", "--chunks=4,5", "--pairs=1")
    header, _, ours, bare = run("cost_of_sensitivity_n.py", *flags).splitlines()
    assert header.split() == ["what", "seconds", "ratio"]
    assert ours.startswith("sensitivity_n of 1 attributions")
    assert bare.startswith("10 forward passes")
    assert float(ours.split()[-1]) > 0


@pytest.mark.long  # tests/sanity_test.py measures the same
def test_a_method_that_stays_the_same_and_one_that_changes(tmp_path):
    flags = ("--networks=digits", "--methods=guided_backprop,gradient_x_input", "--draws=1")
    out = run("sanity.py", *flags, f"--out={tmp_path / 'sanity.md'}")
    changes, stays = out.splitlines()[-2:]
    assert changes.split()[:2] == ["gradient_x_input", "changes"]
    assert stays.split()[:3] == ["guided_backprop", "†", "stays"]
    assert "| guided_backprop † | stays |" in (tmp_path / "sanity.md").read_text("utf-8")


@pytest.mark.long  # tests/demo and tests/cli explain and draw the demo's pictures
@pytest.mark.skipif(bool(_missing), reason=f"the demo's packages are not installed: {_missing}")
def test_photo(tmp_path):
    out = run("explain_image.py", f"--out={tmp_path / 'coffee.png'}", "--method=saliency")
    assert "saliency, target=967" in out
    assert (tmp_path / "coffee.png").is_file()


@pytest.mark.long  # tests/export/saved_model_test.py runs exported explainers in a bare process too
def test_exported_elsewhere(tmp_path):
    out = run(
        "export_and_serve.py",
        "--models=tabular",
        "--methods=deeplift",
        "--sizes=1",
        "--noshow",
        f"--out={tmp_path / 'f'}",
    )
    (row,) = json.loads((tmp_path / "f").read_text("utf-8"))
    assert row["difference"] <= 1e-5 and 0 < row["MB"] <= row["own MB"] + 5
    assert out.splitlines()[2].split()[:2] == ["tabular", "deeplift"]


@pytest.mark.long  # tests/datasets runs explain_dataset
def test_a_data_set_beside_a_loop():
    header, _, row = run("cost_of_batch.py", "--rows=2000", "--method=gradient_x_input", "--runs=1").splitlines()
    assert header.split()[0] == "rows"
    count, bare, ours, ratio, grown, peak = row.split()
    assert count == "2000" and min(float(bare), float(ours), float(ratio)) > 0 and 0 <= float(grown) < 500 < float(peak)
