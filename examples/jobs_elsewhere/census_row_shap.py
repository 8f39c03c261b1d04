"""The pictures of `jobs/census_row.py`, drawn with shap: KernelExplainer. Writes census_row.png and census.png."""

from matplotlib import pyplot as plt
import numpy as np
import pandas as pd
import shap

from trained import trained

job = trained("census_row")
model, table = job["model"], job["table"]

model.layers[-1].activation = None


def _predict(rows: np.ndarray) -> np.ndarray:
    columns = pd.DataFrame(rows, columns=table.columns).astype(table.dtypes)
    return model.predict({name: column.to_numpy() for name, column in columns.items()}, verbose=0)[:, 0]


baseline = pd.DataFrame({"age": [44.0], "hours": [35.0], "job": [""]})
values = shap.KernelExplainer(_predict, baseline)(table[:100])
shap.plots.bar(values[0], show=False)
plt.savefig("census_row.png", bbox_inches="tight")
plt.clf()
shap.plots.beeswarm(values, show=False)
plt.savefig("census.png", bbox_inches="tight")
