import dataclasses
import json
import pathlib

import numpy as np
from PIL import Image
import pytest

from reproduce_sensitivity_n import EXPERIMENT
from reproductions import nets
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
)
from tests.examples.reproductions.archives import pack_digits
from tests.examples.scripts import quick_configuration, run

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


@pytest.mark.long  # the whole script; its parts have tests of their own
def test_the_script_explains_a_linear_net_exactly(tmp_path):
    pack_digits(tmp_path)
    out = {name: tmp_path / f"it.{name}" for name in ("png", "md", "json")}
    written = [f"--figure={out['png']}", f"--page={out['md']}", f"--out={out['json']}"]
    printed = run(
        "reproduce_sensitivity_n.py",
        quick_configuration("reproduce_sensitivity_n"),
        "--panels=linear",
        f"--data={tmp_path}",
        *written,
    )
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
