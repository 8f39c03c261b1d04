import io
import re
import time

import pytest

from deepexplain_tf.cli import progress


class _Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def _at_once(monkeypatch):
    monkeypatch.setattr(progress, "_DELAY", 0.0)


def _steps(stream, names, seconds=0.01):
    with progress.bar(len(names), "working", stream) as step:
        for name in names:
            with step(name):
                time.sleep(seconds)
    return stream.getvalue()


@pytest.mark.parametrize("kind", [io.StringIO, _Terminal])
def test_quick_work_shows_nothing(kind):
    assert _steps(kind(), ["a", "b"]).strip() == ""


def test_the_standard_error_is_the_default(capsys, _at_once):
    with progress.bar(1, "working"):
        pass
    out, error = capsys.readouterr()
    assert (out, error) == ("", "working: 0.0 s\n")


def test_a_log_has_one_line_for_each_step_and_for_the_whole(_at_once):
    lines = _steps(io.StringIO(), ["a", "b"])
    assert re.sub(r"\d", "0", lines) == "working: a 0.0 s\nworking: b 0.0 s\nworking: 0.0 s\n"


def test_steps_that_ended_before_the_work_was_long_are_told(monkeypatch):
    monkeypatch.setattr(progress, "_DELAY", 0.025)
    assert _steps(io.StringIO(), "abc").count("\n") == 4


def test_steps_without_names_are_one_line_in_a_log(_at_once):
    assert _steps(io.StringIO(), [""] * 100).count("\n") == 1


def test_what_fails_is_not_told(_at_once):
    stream = io.StringIO()
    with pytest.raises(KeyError), progress.bar(1, "working", stream) as step, step("a"):
        raise KeyError
    assert stream.getvalue() == ""


def test_a_terminal_has_a_bar(_at_once):
    drawn = _steps(_Terminal(), ["a", "b"], seconds=0.15)  # tqdm draws ten times a second
    assert "\rworking:  50%" in drawn
    assert "a]" in drawn


def test_one_long_step_is_seen_to_run(monkeypatch):
    monkeypatch.setattr(progress, "_DELAY", 0.05)
    monkeypatch.setattr(progress, "_REDRAW", 0.05)
    terminal = _Terminal()
    with progress.bar(1, "slow", terminal):
        time.sleep(0.3)
    assert terminal.getvalue().count("slow") >= 2
