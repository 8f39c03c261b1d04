"""The table of mutations: what is done to the files of a model."""

from collections.abc import Callable
import dataclasses
import pathlib
from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2

Random = np.random.Generator

GRAPHS = ("conv.pb", "loop.pb")
FOLDERS = ("saved",)
FILES = ("model.keras", "model.h5")
EVERY = (*GRAPHS, *FOLDERS, *FILES)


class NotApplicable(Exception):
    """The model has nothing that the mutation could change."""


@dataclasses.dataclass(frozen=True)
class Mutation:
    """What is done to a model.

    Attributes:
      change: `(path, generator)`: changes the file or folder.
      models: those that it can be done to.
      neutral: whether the model must stay what it was.
    """

    change: Callable[[pathlib.Path, Random], None]
    models: tuple[str, ...]
    neutral: bool


MUTATIONS: dict[str, Mutation] = {}


def of_files(*models: str, neutral: bool = False) -> Callable[[Any], Any]:
    """Returns a decorator that adds a function of path and generator under its name."""

    def add(change: Callable[[pathlib.Path, Random], None]) -> Callable[[pathlib.Path, Random], None]:
        MUTATIONS[change.__name__] = Mutation(change, models, neutral)
        return change

    return add


def of_graphs(*models: str, neutral: bool = False) -> Callable[[Any], Any]:
    """Returns a decorator that adds a function of a GraphDef and a generator; SavedModels have one too."""

    def add(change: Callable[[Any, Random], None]) -> Callable[[Any, Random], None]:
        def on_disk(path: pathlib.Path, random: Random) -> None:
            place, message = opened(path)
            change(graph_of(message), random)
            place.write_bytes(message.SerializeToString())

        MUTATIONS[change.__name__] = Mutation(on_disk, models or (*GRAPHS, *FOLDERS), neutral)
        return change

    return add


def opened(path: pathlib.Path) -> tuple[pathlib.Path, Any]:
    """Returns the protobuf of a model, a GraphDef or a SavedModel, and its file."""
    if path.is_dir():
        place, message = path / "saved_model.pb", saved_model_pb2.SavedModel()
    else:
        place, message = path, tf.compat.v1.GraphDef()
    message.ParseFromString(place.read_bytes())
    return place, message


def graph_of(message: Any) -> Any:
    """Returns the GraphDef of a protobuf."""
    return message if isinstance(message, tf.compat.v1.GraphDef) else message.meta_graphs[0].graph_def


def one_of(random: Random, items: Any) -> Any:
    """Returns one of the items as it is."""
    items = list(items)
    if not items:
        raise NotApplicable
    return items[int(random.integers(len(items)))]
