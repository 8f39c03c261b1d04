"""The words of `jobs/review_words.py`, coloured with shap: Explainer. Writes review_words.html."""

import pathlib

import keras
import numpy as np
import shap

from trained import trained

job = trained("review_words")
model = job["model"]
np.set_printoptions(legacy="1.25")  # shap 0.51 prints its colours as NumPy 1 did

model.layers[-1].activation = None
masker = shap.maskers.Text(r"\W+")
explainer = shap.Explainer(lambda texts: model.predict(keras.ops.convert_to_tensor(list(texts)))[:, 0], masker)
values = explainer(["The film was so lovely, but the music was quite awful."])
pathlib.Path("review_words.html").write_text(shap.plots.text(values[0], display=False))
