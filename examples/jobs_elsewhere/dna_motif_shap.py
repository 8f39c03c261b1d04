"""The picture of `jobs/dna_motif.py`, drawn with shap: GradientExplainer. Writes dna_motif.png.

DeepExplainer has no rule for the maximum over all positions.
"""

import keras
import logomaker
from matplotlib import pyplot as plt
import pandas as pd
import shap

from trained import trained

job = trained("dna_motif")
model, x = job["model"], job["x"]

logits = keras.Model(model.inputs, model.layers[-2].output)
scores = shap.GradientExplainer(logits, 0 * x[:1]).shap_values(x[-1:])[0, ..., 0]
logomaker.Logo(pd.DataFrame(scores, columns=list("ACGT")))
plt.savefig("dna_motif.png")
