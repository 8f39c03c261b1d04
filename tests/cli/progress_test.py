import time

from deepexplain_tf.cli import progress


def test_quick_work_shows_nothing(capsys):
    with progress.bar(2, "quick") as bar:
        bar.update(2)
    assert capsys.readouterr().err.strip() == ""


def test_one_long_step_is_seen_to_run(monkeypatch, capsys):
    monkeypatch.setattr(progress, "_DELAY", 0.05)
    monkeypatch.setattr(progress, "_REDRAW", 0.05)
    with progress.bar(1, "slow"):
        time.sleep(0.3)
    assert capsys.readouterr().err.count("slow") >= 2
