"""The picture of `jobs/two_answers.py`, drawn with captum: DeepLift. Writes two_answers.png."""

from captum.attr import DeepLift, visualization
from matplotlib import pyplot as plt
from torch import nn

from trained import trained
from twins import channels_first, in_torch

job = trained("two_answers")
model, labels, x = job["model"], job["labels"], channels_first(job["x"])
seen = in_torch(model.layers[:3])
heads = {"digit": in_torch([model.get_layer("digit")]), "even": in_torch([model.layers[3], model.get_layer("even")])}

figure, axes = plt.subplots(1, 3, figsize=(8, 3.5))
figure.suptitle(f"a {labels[-1]}")
axes[0].imshow(x[-1, 0], cmap="gray")
for ax, (name, head) in zip(axes[1:], heads.items(), strict=True):
    network = nn.Sequential(seen, head)
    scores = DeepLift(network).attribute(x[-1:], target=network(x[-1:]).argmax())[0].detach().permute(1, 2, 0).numpy()
    options = {"sign": "all", "plt_fig_axis": (figure, ax), "title": name, "show_colorbar": True, "use_pyplot": False}
    visualization.visualize_image_attr(scores, **options)
figure.savefig("two_answers.png")
