"""From texts to words and their scores, for models of text; stands on `explain` and knows Keras' layers for text."""

from deepexplain_tf.text.explain import explain

__all__ = ["explain"]
