"""The public names, which `import deepexplain_tf` offers."""

from deepexplain_tf import visualize
from deepexplain_tf.errors import DeepExplainError, UnsupportedOpError
from deepexplain_tf.explain import DeepExplain, Explainer
from deepexplain_tf.explanation import Explanation, load
from deepexplain_tf.export.module import ExplainedModel, with_explanations
from deepexplain_tf.methods import list_methods
from deepexplain_tf.rules import list_rules

__all__ = [
    "DeepExplain",
    "DeepExplainError",
    "ExplainedModel",
    "Explainer",
    "Explanation",
    "UnsupportedOpError",
    "list_methods",
    "list_rules",
    "load",
    "visualize",
    "with_explanations",
]
