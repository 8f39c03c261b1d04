"""The same networks in PyTorch, with the weights that Keras found, and their data, as a user of PyTorch has them.

Channels stand before positions, and classifiers end with logits: their softmax or sigmoid is left out.
"""

from collections.abc import Iterable, Sequence
import re
from typing import Any

import keras
import numpy as np
import pandas as pd
import torch
from torch import nn


class Permuted(nn.Module):
    """Changes the order of axes."""

    def __init__(self, *axes: int) -> None:
        super().__init__()
        self.axes = axes

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.permute(self.axes)


class LastState(nn.Module):
    """A GRU that returns its last state, as that of Keras does."""

    def __init__(self, channels: int, units: int) -> None:
        super().__init__()
        self.gru = nn.GRU(channels, units, batch_first=True)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.gru(x)[0][:, -1]


class Mean(nn.Module):
    """The mean over all positions, `[batch, positions, channels]` to `[batch, channels]`."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.mean(1)


def channels_first(x: np.ndarray) -> torch.Tensor:
    """Returns `[batch, ..., channels]` as a tensor `[batch, channels, ...]`."""
    return torch.tensor(np.moveaxis(x, -1, 1).copy())


def encoded_rows(space: keras.utils.FeatureSpace, table: pd.DataFrame) -> torch.Tensor:
    """Returns rows of a table as the dense layers read them: each number in a column, a category in several."""
    return torch.tensor(np.array(space({name: column.to_numpy() for name, column in table.items()})))


def split_words(text: str) -> list[str]:
    """Returns the words of a text."""
    return re.findall(r"\w+", text.lower())


def encoded_words(vectorise: keras.layers.TextVectorization, words: Sequence[str]) -> torch.Tensor:
    """Returns the numbers of words, padded as the network reads them, `[1, length]`."""
    return torch.tensor(np.array(vectorise([" ".join(words)])))


def in_torch(layers: Iterable[Any]) -> nn.Sequential:
    """Returns layers of Keras, one behind the other, as a network of PyTorch."""
    return nn.Sequential(*(module for layer in layers for module in _modules(layer))).eval()


def _modules(layer: Any) -> list[nn.Module]:
    weights = [torch.tensor(array) for array in layer.get_weights()]
    match type(layer).__name__:
        case "Dense":
            found = [_filled(nn.Linear(*weights[0].shape), weights[0].T, weights[1])]
        case "Conv1D" | "Conv2D":
            *size, channels, filters = weights[0].shape
            conv = (nn.Conv1d if len(size) == 1 else nn.Conv2d)(channels, filters, size)
            found = [_filled(conv, torch.movedim(weights[0], (-1, -2), (0, 1)), weights[1])]
        case "GRU":
            found = [_gru(*weights)]
        case "Embedding":
            found = [nn.Embedding.from_pretrained(weights[0])]
        case "GlobalAveragePooling1D":
            found = [Mean()]
        case "GlobalMaxPooling1D":
            found = [nn.MaxPool1d(layer.input.shape[1]), nn.Flatten()]
        case "Flatten":
            found = [Permuted(0, 2, 3, 1), nn.Flatten()]
        case "Activation" | "InputLayer":
            found = []
        case other:
            raise NotImplementedError(f"There is no twin of a layer {other}.")
    return [*found, nn.ReLU()] if getattr(layer, "activation", None) is keras.activations.relu else found


def _filled(module: Any, weight: torch.Tensor, bias: torch.Tensor) -> nn.Module:
    module.load_state_dict({"weight": weight, "bias": bias})
    return module


def _gru(kernel: torch.Tensor, recurrent: torch.Tensor, bias: torch.Tensor) -> nn.Module:
    """Returns a GRU; Keras has the gates update, reset, candidate, PyTorch reset before update."""
    units = len(recurrent)

    def ordered(weights: torch.Tensor) -> torch.Tensor:
        update, reset, candidate = weights.split(units, -1)
        return torch.cat([reset, update, candidate], -1).T

    module = LastState(len(kernel), units)
    arrays = {"weight_ih_l0": kernel, "weight_hh_l0": recurrent, "bias_ih_l0": bias[:1], "bias_hh_l0": bias[1:]}
    module.gru.load_state_dict({name: ordered(weights).squeeze(-1) for name, weights in arrays.items()})
    return module
