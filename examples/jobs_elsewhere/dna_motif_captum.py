"""The picture of `jobs/dna_motif.py`, drawn with captum: DeepLift. Writes dna_motif.png."""

from captum.attr import DeepLift
import logomaker
from matplotlib import pyplot as plt
import pandas as pd

from trained import trained
from twins import channels_first, in_torch

job = trained("dna_motif")
network, x = in_torch(job["model"].layers), channels_first(job["x"])

scores = DeepLift(network).attribute(x[-1:])[0].T.detach().numpy()
logomaker.Logo(pd.DataFrame(scores, columns=list("ACGT")))
plt.savefig("dna_motif.png")
