"""Rules, by which one op passes attribution on, and composites, which say which op gets which rule."""

from deepexplain_tf.rules.base import RULES, Point, ordinary_gradient, single, twin
from deepexplain_tf.rules.composites import Composite
from deepexplain_tf.rules.coverage import Coverage

__all__ = ["Composite", "Coverage", "Point", "list_rules", "ordinary_gradient", "single", "twin"]


def list_rules() -> list[str]:
    """Returns the names of all rules, sorted."""
    return list(RULES)
