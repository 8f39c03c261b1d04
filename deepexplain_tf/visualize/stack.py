"""Pictures below each other."""

from collections.abc import Sequence

from PIL import Image

GAP = 6  # pixels


def stack(images: Sequence[Image.Image]) -> Image.Image:
    """Returns images below each other, centred on white."""
    width = max(image.width for image in images)
    page = Image.new("RGB", (width, sum(image.height + GAP for image in images)), "white")
    top = 0
    for image in images:
        page.paste(image, ((width - image.width) // 2, top))
        top += image.height + GAP
    return page
