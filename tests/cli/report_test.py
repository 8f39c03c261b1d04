"""Tests of `deepexplain report`."""

import numpy as np
from PIL import Image
import pytest

from deepexplain_tf.cli import main as cli
from deepexplain_tf.explanation import Explanation

R = np.random.default_rng(0)


@pytest.fixture
def files(tmp_path):
    for name, method in (("a", "deeplift"), ("b", "saliency"), ("c", "saliency")):
        e = Explanation(
            attributions=R.normal(size=(2, 8, 8, 3)), inputs=R.random((2, 8, 8, 3)), outputs=np.ones(2), method=method
        )
        e.save(tmp_path / f"{name}.npz")
    Explanation(attributions=np.ones((2, 3)), outputs=np.ones(2), method="deeplift").save(tmp_path / "table.npz")
    return tmp_path


def _run(*arguments):
    return cli.main(["report", *arguments])


def test_saved_explanations_become_tabs(files, capsys):
    given = ",".join(str(files / f"{name}.npz") for name in "abc")
    assert _run(f"--input={given}", f"--out={files / 'why.html'}", "--title=Why <so>?") == 0
    text = (files / "why.html").read_text()
    assert [text.count(f">{tab}</button>") for tab in ("deeplift", "saliency", "saliency (c)")] == [2, 2, 2]
    assert "<title>Why &lt;so&gt;?</title>" in text
    assert capsys.readouterr().out == f"wrote {files / 'why.html'}\n"


def test_photos_are_shown_in_the_place_of_the_inputs(files):
    (files / "photos").mkdir()
    for number in range(2):
        Image.new("RGB", (32, 32), (250, 10 * number, 0)).save(files / "photos" / f"{number}.png")
    plain, shown = files / "plain.html", files / "shown.html"
    assert _run(f"--input={files / 'a.npz'}", f"--out={plain}") == 0
    assert _run(f"--input={files / 'a.npz'}", f"--images={files / 'photos'}", f"--out={shown}", "--most=1") == 0
    assert plain.read_text() != shown.read_text()
    assert "The first 1 of 2 examples" in shown.read_text()


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["--input=none.npz"], 1, "no file none.npz"),
        (["--input=a.npz,table.npz", "--images=a.npz"], 1, ""),
        (["--input=table.npz", "--images=photo.png"], 1, "inputs that are pictures"),
        (["--input=a.npz", "--most=0"], 2, "--most must be at least 1"),
        ([], 2, "--input"),
    ],
    ids=str,
)
def test_what_is_refused(files, monkeypatch, capsys, arguments, code, words):
    monkeypatch.chdir(files)
    Image.new("RGB", (4, 4)).save("photo.png")
    assert _run(*arguments, "--out=why.html") == code
    assert words in capsys.readouterr().err
    assert not (files / "why.html").exists()
