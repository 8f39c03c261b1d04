"""The words of `jobs/review_words.py`, coloured with captum: LayerIntegratedGradients. Writes review_words.html."""

import pathlib

from captum.attr import LayerIntegratedGradients, visualization

from trained import trained
from twins import encoded_words, in_torch, split_words

job = trained("review_words")
vectorise, network = job["vectorise"], in_torch(job["model"].layers[1:])

words = split_words("The film was so lovely, but the music was quite awful.")
tokens = encoded_words(vectorise, words)
scores = LayerIntegratedGradients(network, network[0]).attribute(tokens, 0 * tokens).sum(-1)[0].detach()
title = f"praise or blame: {network(tokens).item():+.2f}"
coloured = visualization.format_word_importances(words, scores / scores.abs().max())
pathlib.Path("review_words.html").write_text(f"<p>{title}</p><table><tr>{coloured}</tr></table>")
