"""The picture of `jobs/misread_digit.py`, drawn with shap: DeepExplainer. Writes misread_digit.png."""

from matplotlib import pyplot as plt
import shap

from trained import trained

job = trained("misread_digit")
model, x, labels, read, wrong = (job[name] for name in ("model", "x", "labels", "read", "wrong"))

values = shap.DeepExplainer(model, 0 * x[:1]).shap_values(x[[wrong]])
maps = {f"for a {answer}": values[..., answer] for answer in (read[wrong], labels[wrong])}
title = f"a {labels[wrong]}, read as {read[wrong]}"
shap.plots.image([*maps.values()], x[[wrong]], labels=[*maps], true_labels=[title], show=False)
plt.savefig("misread_digit.png")
