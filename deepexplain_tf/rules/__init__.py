"""Rules: how one op passes attribution on, and the composites that say which op is given which rule."""

from deepexplain_tf.rules.base import RULES, Point, ordinary_gradient, single, twin
from deepexplain_tf.rules.composites import Composite
from deepexplain_tf.rules.coverage import Coverage

__all__ = ["Composite", "Coverage", "Point", "list_rules", "ordinary_gradient", "single", "twin"]


def list_rules() -> list[str]:
    """Returns the names of the rules."""
    return list(RULES)
