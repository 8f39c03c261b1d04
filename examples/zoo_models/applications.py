"""Every member of `keras.applications`, with random weights and small inputs."""

import functools
from typing import Any

import keras

from zoo_models.base import add, images

# The smallest and a middle network of each family (all, where it has one or two); then the others.
_MAIN = """
    VGG16 VGG19 ResNet50 ResNet101 ResNet50V2 ResNet101V2 DenseNet121 DenseNet169 InceptionV3 InceptionResNetV2
    Xception MobileNet MobileNetV2 MobileNetV3Small MobileNetV3Large NASNetMobile NASNetLarge EfficientNetB0
    EfficientNetB3 EfficientNetV2B0 EfficientNetV2S ConvNeXtTiny ConvNeXtBase
"""
_OTHERS = """
    ResNet152 ResNet152V2 DenseNet201 EfficientNetB1 EfficientNetB2 EfficientNetB4 EfficientNetB5 EfficientNetB6
    EfficientNetB7 EfficientNetV2B1 EfficientNetV2B2 EfficientNetV2B3 EfficientNetV2M EfficientNetV2L ConvNeXtSmall
    ConvNeXtLarge ConvNeXtXLarge
"""
# The smallest pictures that these networks take.
_SIZES = {"InceptionV3": 75, "InceptionResNetV2": 75, "Xception": 71}
_SIZE = 32
_TAKE_PIXELS = ("MobileNetV3", "EfficientNet", "ConvNeXt")  # 0..255; the others take about −1..1


def _build(name: str, size: int) -> Any:
    return getattr(keras.applications, name)(weights=None, input_shape=(size, size, 3))


for _name in (*_MAIN.split(), *_OTHERS.split()):
    _size = _SIZES.get(_name, _SIZE)
    _draw = images(_size, pixels=_name.startswith(_TAKE_PIXELS))
    _part = "main" if _name in _MAIN.split() else "all"
    add(_name, _draw, part=_part)(functools.partial(_build, _name, _size))
