"""The picture of `jobs/forecast.py`, drawn with shap: GradientExplainer. Writes forecast.png.

DeepExplainer has no rule for the loop of a GRU, and none of shap's plots shows series.
"""

from matplotlib import pyplot as plt
import shap

from trained import trained

job = trained("forecast")
model, x = job["model"], job["x"]

scores = shap.GradientExplainer(model, 0 * x[:1]).shap_values(x[-1:])[0, ..., 5]
limit = abs(scores).max()
figure, axes = plt.subplots(2, sharex=True)
for ax, name, past, row in zip(axes, ["load", "temperature"], x[-1].T, scores.T, strict=True):
    ax.plot(past, color="lightgray")
    drawn = ax.scatter(range(48), past, c=row, cmap="RdBu_r", vmin=-limit, vmax=limit)
    ax.set_ylabel(name)
figure.colorbar(drawn, ax=axes)
figure.savefig("forecast.png")
