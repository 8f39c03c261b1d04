"""Forms canonical groups: a nonlinearity written as several ops becomes one scalar function.

A group is the smallest single-entry region of element-wise ops around a nonlinearity in which the value
branches: `x * sigmoid(x)`, GELU with Erf or Tanh, hard swish, mish. Constant factors and biases at its ends
stay outside, as linear ops.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
import dataclasses

from deepexplain_tf.graph.activity import Activity, analyse
from deepexplain_tf.graph.ir import GROUP, Node, Program, Value, arguments_for, rewrite, rewrite_program
from deepexplain_tf.graph.kinds import BRANCHES, ELEMENTWISE, LOOPS, Kind, kind_of


@dataclasses.dataclass(frozen=True)
class _Region:
    """The element-wise ops between one entry and one exit."""

    entry: Value
    exit: Node
    members: frozenset[Node]


def form_groups(program: Program, explained: Collection[Value]) -> Program:
    """Returns the program in which each canonical group is one node of type `"Group"`.

    Args:
      program: any program.
      explained: the explained inputs, on which the groups depend.
    """
    activity = analyse(explained, program.outputs)
    chosen = {region.exit: region for region in _choose(activity)}
    current: dict[Value, Value] = {}

    def transform(node: Node, inputs: tuple[Value, ...]) -> Sequence[Value] | None:
        if node in chosen:
            return _group(chosen[node], current).outputs()
        if node.type in LOOPS | BRANCHES and activity.is_active(node):
            bodies = {
                name: form_groups(body, activity.varying_arguments(node, body)) for name, body in node.bodies.items()
            }
            return dataclasses.replace(node, inputs=inputs, bodies=bodies).outputs()
        return None

    return rewrite_program(program, transform, current)


def _choose(activity: Activity) -> list[_Region]:
    """Returns disjoint regions: the smallest one around each nonlinearity, none inside another."""
    smallest: dict[Node, _Region] = {}
    for region in _regions(activity):
        for node in region.members:
            known = smallest.get(node)
            if not _affine(node, activity) and (known is None or len(region.members) < len(known.members)):
                smallest[node] = region
    chosen: list[_Region] = []
    taken: set[Node] = set()
    for region in sorted(set(smallest.values()), key=lambda region: -len(region.members)):
        if not taken & region.members:
            chosen.append(region)
            taken |= region.members
    return chosen


def _regions(activity: Activity) -> Iterator[_Region]:
    """Yields a region for each op where branches of one value meet again."""
    parent: dict[Value, Value] = {}
    depth: dict[Value, int] = {}
    for node in activity.nodes:
        varying = list(dict.fromkeys(node.inputs[position] for position in activity.inputs(node)))
        if not varying or not _elementwise(node):
            continue
        entry = _meeting(varying, parent, depth)
        if entry is None:
            continue
        for value in node.outputs():
            parent[value] = entry
            depth[value] = depth.get(entry, 0) + 1
        branches = len(varying) > 1 or not all(value.differentiable for value in varying)
        if branches and len(node.specs) == 1 and node.output().differentiable:
            while not entry.differentiable and entry in parent:
                entry = parent[entry]
            if entry.differentiable:
                yield _Region(entry, node, _between(entry, node, activity))


def _meeting(values: Sequence[Value], parent: dict[Value, Value], depth: dict[Value, int]) -> Value | None:
    """Returns the nearest value of which all `values` are scalar functions, None if there is none."""
    first, *others = values
    for second in others:
        while first != second:
            deeper = first if depth.get(first, 0) >= depth.get(second, 0) else second
            if deeper not in parent:
                return None
            if deeper == first:
                first = parent[first]
            else:
                second = parent[second]
    return first


def _between(entry: Value, exit: Node, activity: Activity) -> frozenset[Node]:
    members = {exit}
    stack = [exit]
    while stack:
        node = stack.pop()
        for position in activity.inputs(node):
            value = node.inputs[position]
            if value != entry and value.node not in members:
                members.add(value.node)
                stack.append(value.node)
    return frozenset(members)


def _elementwise(node: Node) -> bool:
    return node.type in ELEMENTWISE or kind_of(node, (0,)) in (Kind.ACTIVATION, Kind.FUNCTION)


def _affine(node: Node, activity: Activity) -> bool:
    """Whether an op adds no nonlinearity of its own to a region: it is linear, or a product of the region's values."""
    active = activity.inputs(node)
    return node.output().differentiable and kind_of(node, active) in (Kind.LINEAR, Kind.PRODUCT)


def _group(region: _Region, current: Mapping[Value, Value]) -> Node:
    """Makes the node of a group; its first input is the region's entry, the others are the constants that it reads."""
    operands = dict.fromkeys([region.entry])
    for node in region.members:
        operands.update(dict.fromkeys(value for value in node.inputs if value.node not in region.members))
    arguments = dict(zip(operands, arguments_for(operands), strict=True))
    inside = rewrite([region.exit.output()], lambda *_: None, dict(arguments))
    body = Program(tuple(arguments.values()), (inside[region.exit.output()],))
    inputs = tuple(current[value] for value in operands)
    return Node(region.exit.name, GROUP, inputs, region.exit.specs, device=region.exit.device, bodies={"body": body})
