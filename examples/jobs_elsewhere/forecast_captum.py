"""The picture of `jobs/forecast.py`, drawn with captum: IntegratedGradients. Writes forecast.png."""

from captum.attr import IntegratedGradients, visualization
from matplotlib import cm, pyplot as plt
import torch

from trained import trained
from twins import in_torch

job = trained("forecast")
network, x = in_torch(job["model"].layers), torch.tensor(job["x"])
vars(cm).setdefault("get_cmap", plt.get_cmap)  # captum 0.9.0 asks for what matplotlib 3.9 took away

scores = IntegratedGradients(network).attribute(x[-1:], target=5)[0].numpy()
options = {"sign": "all", "channel_labels": ["load", "temperature"], "show_colorbar": True, "use_pyplot": False}
figure, _ = visualization.visualize_timeseries_attr(scores, x[-1].numpy(), **options)
figure.savefig("forecast.png")
