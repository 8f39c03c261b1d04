"""Mutations of what a SavedModel's protobuf holds beside its graph: signatures and objects."""

from collections.abc import Callable
import pathlib
from typing import Any

from tests.fuzzing.table import FOLDERS, Random, of_files, one_of, opened


def _of_meta_graph(change: Callable[[Any, Random], None]) -> Callable[..., None]:
    def on_disk(path: pathlib.Path, random: Random) -> None:
        place, message = opened(path)
        change(message, random)
        place.write_bytes(message.SerializeToString())

    on_disk.__name__ = change.__name__
    return of_files(*FOLDERS)(on_disk)


@_of_meta_graph
def wrong_meta_graphs(saved: Any, random: Random) -> None:
    change = random.integers(4)
    if change == 0:
        del saved.meta_graphs[:]
    elif change == 1:
        saved.meta_graphs.add().CopyFrom(saved.meta_graphs[0])
    elif change == 2:
        saved.meta_graphs[0].meta_info_def.tags[:] = ["train"]
    else:
        saved.meta_graphs[0].ClearField(
            one_of(random, ["graph_def", "object_graph_def", "signature_def", "meta_info_def"])
        )


@_of_meta_graph
def wrong_signature_def(saved: Any, random: Random) -> None:
    signature = saved.meta_graphs[0].signature_def["serving_default"]
    tensors = one_of(random, [signature.inputs, signature.outputs])
    key = one_of(random, sorted(tensors))
    change = random.integers(5)
    if change == 0:
        del tensors[key]
    elif change == 1:
        tensors[key].name = one_of(random, ["", "none:0", "x", ":", "saver_filename:0"])
    elif change == 2:
        tensors[key].dtype = one_of(random, [0, 2, 3, 7, 99])
    elif change == 3:
        tensors["another"].CopyFrom(tensors[key])
    else:
        del saved.meta_graphs[0].signature_def["serving_default"]


@_of_meta_graph
def wrong_object_graph(saved: Any, random: Random) -> None:
    objects = saved.meta_graphs[0].object_graph_def
    node = one_of(random, objects.nodes)
    change = random.integers(6)
    if change == 0:
        node.Clear()
    elif change == 1:
        for child in node.children:
            child.node_id = one_of(random, [0, -1, 10**6, *range(len(objects.nodes))])
    elif change == 2:
        objects.nodes[-1].user_object.identifier = "another"
    elif change == 3:
        del objects.nodes[int(random.integers(len(objects.nodes)))]
    elif change == 4:
        for name in sorted(objects.concrete_functions)[:1]:
            objects.concrete_functions[name].bound_inputs.extend([one_of(random, [0, 1, -1, 99])])
    else:
        for name in sorted(objects.concrete_functions)[: int(random.integers(1, 3))]:
            del objects.concrete_functions[name]


@_of_meta_graph
def wrong_variable(saved: Any, random: Random) -> None:
    nodes = saved.meta_graphs[0].object_graph_def.nodes
    variable = one_of(random, [node.variable for node in nodes if node.HasField("variable")])
    change = random.integers(3)
    if change == 0:
        variable.dtype = one_of(random, [0, 2, 3, 7, 99])
    elif change == 1:
        del variable.shape.dim[:]
        for size in one_of(random, [(), (3,), (2**20, 2**20), (2**62, 4), (-5,), (2, 2, 2, 4)]):
            variable.shape.dim.add(size=size)
    else:
        variable.shape.unknown_rank = True


@_of_meta_graph
def wrong_bound_inputs(saved: Any, random: Random) -> None:
    functions = saved.meta_graphs[0].object_graph_def.concrete_functions
    bound = functions[one_of(random, sorted(functions))].bound_inputs
    if len(bound) > 1 and random.random() < 0.5:
        bound[:] = list(bound)[::-1]
    elif bound:
        del bound[0]
