"""The with-block around a model, and a method that is bound to the model."""

from deepexplain_tf.explain.deep_explain import DeepExplain, split_settings
from deepexplain_tf.explain.explainer import Explainer

__all__ = ["DeepExplain", "Explainer", "split_settings"]
