import numpy as np

from deepexplain_tf.metrics import BaselineFigures, BaselineReport
from reproduce_baselines import Reported, _first, _section


def _figures(share, entropy):
    values = dict.fromkeys(("outputs", "saturation", "distance", "equal"), np.zeros(3))
    return BaselineFigures(share=np.full(3, share), entropy=np.full(3, entropy), **values)


def test_of_baselines_without_warnings_the_one_with_the_highest_entropy_is_first():
    report = BaselineReport(
        baselines={"sure": _figures(0.0, 0.1), "good": _figures(0.05, 0.8), "best": _figures(0.05, 0.95)}
    )
    one = Reported(report)
    assert _first([one, one]) == "best"
    assert (one.share("good"), one.entropy("sure")) == (0.05, 0.1)
    text = _section("rows", [one])
    assert "| best | 0.05 | 0.95 | 0 | 0 | 0 |" in text
    assert "- sure says something by itself" in text and text.endswith("**best**.\n")
