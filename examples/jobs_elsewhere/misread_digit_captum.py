"""The picture of `jobs/misread_digit.py`, drawn with captum: DeepLift. Writes misread_digit.png."""

from captum.attr import DeepLift
from matplotlib import pyplot as plt

from trained import trained
from twins import channels_first, in_torch

job = trained("misread_digit")
labels, read, wrong = job["labels"], job["read"], job["wrong"]
network, x = in_torch(job["model"].layers), channels_first(job["x"])

explainer, digit, answers = DeepLift(network), x[[wrong]], (int(read[wrong]), int(labels[wrong]))
maps = {answer: explainer.attribute(digit, target=answer)[0, 0].detach() for answer in answers}
limit = max(scores.abs().max() for scores in maps.values())
figure, axes = plt.subplots(1, 3, figsize=(8, 3.5))
figure.suptitle(f"a {labels[wrong]}, read as {read[wrong]}")
axes[0].imshow(digit[0, 0], cmap="gray")
axes[0].set_title("input")
for ax, (answer, scores) in zip(axes[1:], maps.items(), strict=True):
    drawn = ax.imshow(scores, cmap="RdBu_r", vmin=-limit, vmax=limit)
    ax.set_title(f"for a {answer}")
figure.colorbar(drawn, ax=axes)
figure.savefig("misread_digit.png")
