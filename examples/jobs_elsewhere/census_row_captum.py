"""The pictures of `jobs/census_row.py`, drawn with captum: ShapleyValues. Writes census_row.png and census.png."""

from captum.attr import ShapleyValues
from matplotlib import pyplot as plt
import pandas as pd
import torch

from trained import trained
from twins import encoded_rows, in_torch

job = trained("census_row")
random, table, space, network = job["random"], job["table"], job["space"], in_torch(job["model"].layers[-2:])

rows = encoded_rows(space, table[:100])
baseline = encoded_rows(space, pd.DataFrame({"age": [44.0], "hours": [35.0], "job": [""]}))
groups = torch.tensor([[0, 1, 2, 2, 2, 2]])
scores = ShapleyValues(network).attribute(rows, baseline, target=0, feature_mask=groups)[:, :3].detach().numpy()
named = [f"{name} = {value}" for name, value in table.iloc[0].items()]
pd.Series(scores[0], named).sort_values(key=abs).plot.barh()
plt.savefig("census_row.png", bbox_inches="tight")
plt.clf()
for n, name in enumerate(table):
    heights = n + random.uniform(-0.2, 0.2, 100)
    points = plt.scatter(scores[:, n], heights, c=table[name][:100].rank(pct=True), cmap="coolwarm")
plt.yticks(range(3), table.columns)
plt.colorbar(points, label="rank of the feature's value")
plt.savefig("census.png", bbox_inches="tight")
