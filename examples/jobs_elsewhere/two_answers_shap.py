"""The picture of `jobs/two_answers.py`, drawn with shap: DeepExplainer. Writes two_answers.png.

It explains models of one output, so each output becomes a model of its own, without its softmax or sigmoid.
"""

import keras
from matplotlib import pyplot as plt
import shap

from trained import trained

job = trained("two_answers")
model, x, labels = job["model"], job["x"], job["labels"]

maps = []
for name in model.output_names:
    model.get_layer(name).activation = None
    part = keras.Model(model.input, model.get_layer(name).output)
    values = shap.DeepExplainer(part, 0 * x[:1]).shap_values(x[-1:])
    maps.append(values[..., part.predict(x[-1:]).argmax()])
shap.plots.image(maps, x[-1:], labels=model.output_names, true_labels=[f"a {labels[-1]}"], show=False)
plt.savefig("two_answers.png")
