"""Mutations of a GraphDef's functions, and of who calls them."""

from typing import Any

from tests.fuzzing.graphs import TYPES, attribute_of
from tests.fuzzing.table import GRAPHS, Random, of_graphs, one_of

_WITH_FUNCTIONS = ("loop.pb", "saved")


def _function(graph: Any, random: Random) -> Any:
    return one_of(random, graph.library.function)


@of_graphs(*_WITH_FUNCTIONS)
def missing_function(graph: Any, random: Random) -> None:
    del graph.library.function[int(random.integers(len(graph.library.function)))]


@of_graphs(*_WITH_FUNCTIONS)
def renamed_function(graph: Any, random: Random) -> None:
    _function(graph, random).signature.name = one_of(random, ["another", "", "Relu", "a b", "é"])


@of_graphs(*_WITH_FUNCTIONS)
def duplicate_function(graph: Any, random: Random) -> None:
    name = _function(graph, random).signature.name
    copy = graph.library.function.add()
    copy.CopyFrom(_function(graph, random))
    copy.signature.name = name


@of_graphs(*_WITH_FUNCTIONS)
def wrong_function(graph: Any, random: Random) -> None:
    """A call, loop or branch has another function, be it of a wrong signature."""
    node, key = attribute_of(graph, random, lambda attr: attr.HasField("func"))
    node.attr[key].func.name = one_of(random, ["none", "", "Relu", *(f.signature.name for f in graph.library.function)])


@of_graphs(*_WITH_FUNCTIONS)
def recursive_functions(graph: Any, random: Random) -> None:
    """One function calls itself, or two call each other."""
    one, other = _function(graph, random), _function(graph, random)
    for function, called in ((one, other), (other, one)):
        node = function.node_def.add(name=f"again_{called.signature.name}", op="StatefulPartitionedCall")
        node.attr["f"].func.name = called.signature.name
        for kind, arguments in (("Tin", called.signature.input_arg), ("Tout", called.signature.output_arg)):
            node.attr[kind].list.type.extend(argument.type for argument in arguments)
        node.input.extend(argument.name for argument in function.signature.input_arg[: len(called.signature.input_arg)])
        for key in list(function.ret)[:1]:
            function.ret[key] = f"{node.name}:output:0"


@of_graphs(*GRAPHS)
def doubling_functions(graph: Any, random: Random) -> None:
    """Forty functions, each of which calls the next twice, before the output."""
    depth = one_of(random, [3, 40, 60])
    for level in range(depth):
        function = graph.library.function.add()
        function.signature.name = f"level_{level}"
        function.signature.input_arg.add(name="a", type=1)
        function.signature.output_arg.add(name="b", type=1)
        read = "a"
        for number in range(2):
            node = function.node_def.add(name=f"call_{number}", input=[read])
            if level == depth - 1:
                node.op = "Neg"
                node.attr["T"].type = 1
                read = f"call_{number}:y:0"
            else:
                _calls(node, f"level_{level + 1}")
                read = f"call_{number}:output:0"
        function.ret["b"] = read
    end = next(node for node in graph.node if node.name == "y")
    _calls(graph.node.add(name="doubling", input=[end.input[0]]), "level_0")
    end.input[0] = "doubling"


def _calls(node: Any, name: str) -> None:
    node.op = "PartitionedCall"
    node.attr["f"].func.name = name
    node.attr["Tin"].list.type.append(1)
    node.attr["Tout"].list.type.append(1)


@of_graphs(*_WITH_FUNCTIONS)
def wrong_signature(graph: Any, random: Random) -> None:
    signature = _function(graph, random).signature
    arguments = signature.input_arg if random.random() < 0.5 else signature.output_arg
    number = int(random.integers(len(arguments))) if arguments else 0
    what = random.integers(6) if arguments else 1
    if what == 0:
        del arguments[number]
    elif what == 1:
        arguments.add(name="extra", type=1)
    elif what == 2:
        arguments[number].type = one_of(random, TYPES)
    elif what == 3:
        arguments[number].name = one_of(random, ["", "another", arguments[0].name])
    elif what == 4:
        arguments[number].number_attr = "N"
    else:
        arguments[number].is_ref = True


@of_graphs(*_WITH_FUNCTIONS)
def wrong_return(graph: Any, random: Random) -> None:
    function = one_of(random, [function for function in graph.library.function if function.ret])
    key = one_of(random, sorted(function.ret))
    names = [f"{n.name}:{part}:{i}" for n in function.node_def for part in ("y", "output", "z") for i in (0, 5)]
    if random.random() < 0.2:
        del function.ret[key]
    else:
        function.ret[key] = one_of(
            random, [*names, "", "none:0", ":", "x", *(a.name for a in function.signature.input_arg)]
        )
