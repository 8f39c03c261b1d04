import os

import pytest

from deepexplain_tf.cli import output


def test_files_appear_at_the_end_and_replace_older_ones(tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    (out / "a.txt").write_text("old")
    (out / "mine.txt").write_text("mine")
    with output.staged(str(out)) as stage:
        (stage / "a.txt").write_text("new")
        (stage / "b.txt").write_text("new")
        assert (out / "a.txt").read_text() == "old"
        assert not (out / "b.txt").exists()
    assert {name: (out / name).read_text() for name in sorted(os.listdir(out))} == {
        "a.txt": "new",
        "b.txt": "new",
        "mine.txt": "mine",
    }


def test_a_failure_leaves_nothing_behind(tmp_path):
    with pytest.raises(ValueError, match="half way"), output.staged(str(tmp_path / "new" / "out")) as stage:
        (stage / "a.txt").write_text("half")
        raise ValueError("half way")
    assert os.listdir(tmp_path) == []


def test_a_failure_leaves_older_files_as_they_were(tmp_path):
    (tmp_path / "a.txt").write_text("old")
    with pytest.raises(ValueError, match="half way"), output.staged(str(tmp_path)) as stage:
        (stage / "a.txt").write_text("half")
        raise ValueError("half way")
    assert os.listdir(tmp_path) == ["a.txt"]
    assert (tmp_path / "a.txt").read_text() == "old"


def test_a_file_is_no_folder(tmp_path):
    (tmp_path / "out").write_text("x")
    with pytest.raises(NotADirectoryError, match="--out"), output.staged(str(tmp_path / "out")):
        pass


def test_a_folder_in_the_way_stops_all_files(tmp_path):
    (tmp_path / "b.txt").mkdir()
    with pytest.raises(IsADirectoryError, match=r"b\.txt"), output.staged(str(tmp_path)) as stage:
        (stage / "a.txt").write_text("a")
        (stage / "b.txt").write_text("b")
    assert os.listdir(tmp_path) == ["b.txt"]


def test_files_can_be_read_by_others_as_usual(tmp_path):
    (tmp_path / "plain").write_text("x")
    with output.staged(str(tmp_path / "out")) as stage:
        (stage / "a.txt").write_text("a")
    assert (tmp_path / "out" / "a.txt").stat().st_mode == (tmp_path / "plain").stat().st_mode
