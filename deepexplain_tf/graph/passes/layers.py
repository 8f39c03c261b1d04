"""Forms layers: a product with weights, the bias added to it and the scales on either side of it become one node.

A layer is `product(x, kernel) + bias`, where only x depends on what is explained. Scales and shifts for each channel,
such as batch normalisation in inference, are merged into kernel and bias; the merged weights are computed from the
model's variables when the program runs. Reshapes of the product in between, and zero padding before it, belong to the
layer.
"""

from collections.abc import Collection, Mapping, Sequence
import dataclasses

import tensorflow as tf

from deepexplain_tf.graph.activity import Activity, analyse
from deepexplain_tf.graph.ir import (
    CAPTURE,
    LAYER,
    Node,
    Program,
    Value,
    arguments_for,
    rewrite_program,
    topological_order,
)
from deepexplain_tf.graph.kinds import BRANCHES, LOOPS
from deepexplain_tf.graph.passes.fold import (
    BATCH_NORMS,
    channel_axes,
    channels_last,
    on_weights,
    per_channel,
    reshaped,
    scale_and_shift,
)
from deepexplain_tf.graph.passes.heads import Head, bias_of, head_of, kernel_axes
from deepexplain_tf.graph.passes.products import (
    arguments_behind,
    before_no_product,
    behind_products,
    given_to,
    is_product,
)
from deepexplain_tf.graph.signs import never_negative

_SUMS = ("AddV2", "Add", "BiasAdd", "Sub")
# What may stand between a product and its bias.
_KEEPS = ("Reshape", "Squeeze", "Identity", "EnsureShape", "BatchToSpaceND")


@dataclasses.dataclass(frozen=True)
class _Layer:
    """A layer while the program is rebuilt.

    Attributes:
      node: the product, with its inputs in the new program.
      x: the position of the input.
      input: the input of the layer, in the new program.
      kernel: the weights.
      head: what stands before the product.
      positive: whether the input is never negative.
      bias: the summand, or None.
      tail: reshapes of the product, from the first to the last, with their inputs in the new program.
      aligned: whether the last axis of the output is that of the kernel.
      first: whether no layer comes before it.
    """

    node: Node
    x: int
    input: Value
    kernel: Value
    head: Head
    positive: bool
    first: bool
    bias: Value | None = None
    tail: tuple[Node, ...] = ()
    aligned: bool = True

    @property
    def spec(self) -> tf.TensorSpec:
        return (self.tail[-1] if self.tail else self.node).specs[0]

    def reshaped(self, node: Node) -> "_Layer | None":
        """Returns the layer with a reshape behind it, None behind a bias that cannot be reshaped too."""
        bias = self.bias
        if bias is not None:
            if node.type == "Reshape" or bias.shape.rank != self.spec.shape.rank:
                return None
            spec = tf.TensorSpec([1, *node.specs[0].shape[1:]], bias.dtype)
            bias = dataclasses.replace(node, inputs=(bias, *node.inputs[1:]), specs=(spec,)).output()
        same = self.spec.shape.rank and self.spec.shape[-1] == node.specs[0].shape[-1]
        return dataclasses.replace(self, tail=(*self.tail, node), bias=bias, aligned=self.aligned and bool(same))

    def scaled(self, scale: Value) -> "_Layer | None":
        """Returns the layer with each channel multiplied by a number, None if its kernel has no such axis."""
        usual = self.aligned and self.x == (2 if "BackpropInput" in self.node.type else 0)
        axes = channel_axes(self.node, self.kernel, self.spec.shape[-1]) if usual else None
        if axes is None:
            return None
        kernel, bias = on_weights("Mul", self.kernel, reshaped(scale, axes)), self.bias
        return dataclasses.replace(self, kernel=kernel, bias=None if bias is None else on_weights("Mul", bias, scale))

    def shifted(self, shift: Value) -> "_Layer":
        """Returns the layer with a summand more."""
        return dataclasses.replace(self, bias=shift if self.bias is None else on_weights("AddV2", self.bias, shift))


def form_layers(program: Program, explained: Collection[Value]) -> Program:
    """Returns the program in which each layer is one node of type `"Layer"`, whose inputs are x, kernel and bias.

    The bias is left out where there is none; what else the product reads comes last. The node's attributes: `path`,
    the path of the layer that owns the weights, such as `"encoder/dense"`, else the op's; `product`, the op type of the
    product; `bias`, whether there is one; `positive`, whether x is known to be never negative; `first` and `last`,
    whether no layer comes before or behind it (a layer inside a loop or branch is never the last).

    Args:
      program: any program.
      explained: the explained inputs, on which x depends and kernel and bias do not.
    """
    return _form(program, explained, frozenset(), {}, before_no_product(program, explained))


def _form(
    program: Program,
    explained: Collection[Value],
    behind: frozenset[Value],
    names: Mapping[Value, str],
    last: Collection[Node],
) -> Program:
    """Forms the layers of a program.

    Args:
      program: the program.
      explained: the inputs that depend on what is explained.
      behind: the inputs that layers before it have computed.
      names: the names of variables that inputs hold.
      last: the nodes behind which no product comes.
    """
    activity = analyse(explained, program.outputs)
    uses = program.uses()
    after = behind_products(program, explained, behind)
    layers: dict[Value, _Layer] = {}  # by the layer's output in the new program
    current: dict[Value, Value] = {}
    positive = never_negative(program)

    def transform(node: Node, inputs: tuple[Value, ...]) -> Sequence[Value] | None:
        if node.type in LOOPS | BRANCHES and activity.is_active(node):
            bodies = {}
            for name, body in node.bodies.items():
                varying, given = activity.varying_arguments(node, body), given_to(node, body)
                known = {argument: _variable(value, names) for argument, value in given}
                bodies[name] = _form(body, varying, arguments_behind(node, body, activity, after), known, ())
            return dataclasses.replace(node, inputs=inputs, bodies=bodies).outputs()
        position = _factor(node, activity)
        if position is not None:
            head = head_of(node, position, activity, uses, current)
            made = dataclasses.replace(node, inputs=inputs)
            layer: _Layer | None = _product(
                made, position, head, current[head.x], positive=head.x in positive, first=after.isdisjoint(node.inputs)
            )
        else:
            layer = _grown(node, inputs, activity, uses, layers)
        if layer is None:
            return None
        made = _node(layer, node, names, last=node in last)
        layers[made.output()] = layer
        return (made.output(), *node.outputs()[1:])  # of a batch normalisation, the others are not read

    return rewrite_program(program, transform, current)


def _variable(value: Value, names: Mapping[Value, str]) -> str:
    """Returns the name of a variable from which weights are computed, `""` if there is none."""
    for node in topological_order([value]):
        name = node.name if node.type == CAPTURE else names.get(node.output(), "") if node.specs else ""
        if name:
            return name
    return ""


def _factor(node: Node, activity: Activity) -> int | None:
    """Returns the position of the active factor of a product with weights, None for any other op."""
    if not is_product(node, activity) or len(node.specs) != 1:
        return None
    (x,) = activity.inputs(node)
    operands = _operands(node)
    return x if len(operands) == 2 and x in operands else None


def _product(node: Node, x: int, head: Head, value: Value, *, positive: bool, first: bool) -> _Layer:
    """Returns a product as a layer, with its head merged into kernel and bias."""
    kernel = node.inputs[sum(_operands(node)) - x]
    bias = None if head.shift is None else bias_of(node, head, kernel)
    axes = kernel_axes(node, head.x.shape[-1:])
    if head.scale is not None and axes is not None:
        kernel = on_weights("Mul", kernel, reshaped(head.scale, axes if head.scale.shape[0] != 1 else [1]))
    return _Layer(node, x, value, kernel, head, positive, first, bias)


def _grown(
    node: Node,
    inputs: tuple[Value, ...],
    activity: Activity,
    uses: Mapping[Value, int],
    layers: Mapping[Value, _Layer],
) -> _Layer | None:
    """Returns the layer before an op with the op merged into it, None for an op that cannot be merged."""
    active = activity.inputs(node)
    if node.gradient is not None or len(active) != 1 or uses[node.inputs[active[0]]] != 1:
        return None
    (position,) = active
    layer = layers.get(inputs[position])
    if layer is None or not layer.spec.shape.rank:
        return None
    if node.type in _KEEPS and position == 0:
        return layer.reshaped(dataclasses.replace(node, inputs=inputs))
    if node.output().shape.rank != layer.spec.shape.rank:
        return None
    if node.type in BATCH_NORMS:
        return _normalised(node, inputs, uses, layer) if position == 0 else None
    if len(node.inputs) != 2 or node.inputs[1 - position].shape.rank is None:
        return None
    operand = inputs[1 - position]
    if node.type == "Mul" and per_channel(operand, layer.spec):
        return layer.scaled(reshaped(operand, [layer.spec.shape[-1]]))
    if node.type not in _SUMS or not _broadcasts(operand, layer) or (node.type == "Sub" and position == 1):
        return None
    if not channels_last(node):
        return None
    return layer.shifted(on_weights("Neg", operand) if node.type == "Sub" else operand)


def _normalised(node: Node, inputs: tuple[Value, ...], uses: Mapping[Value, int], layer: _Layer) -> _Layer | None:
    plain = not node.attrs["is_training"].b and channels_last(node)
    if not plain or any(uses[value] for value in node.outputs()[1:]):
        return None
    scale, shift = scale_and_shift(node, inputs)
    grown = layer.scaled(scale)
    return grown and grown.shifted(shift)


def _broadcasts(value: Value, layer: _Layer) -> bool:
    """Whether a value is a bias: it has a known shape, which broadcasts to that of an example's outputs."""
    shape, example = value.shape, layer.spec.shape[1:]
    if not shape.is_fully_defined() or shape.rank > layer.spec.shape.rank:
        return False
    given = shape.as_list()[-example.rank :] if example.rank else []
    extra = shape.as_list()[: shape.rank - len(given)]
    known = example.as_list()[example.rank - len(given) :] if example.rank else []
    return all(size == 1 for size in extra) and all(a in (1, b) for a, b in zip(given, known, strict=True))


def _node(layer: _Layer, node: Node, names: Mapping[Value, str], *, last: bool) -> Node:
    """Returns the node of a layer that ends with `node`."""
    product, kernel = layer.node, sum(_operands(layer.node)) - layer.x
    operands = [layer.input, layer.kernel, *([] if layer.bias is None else [layer.bias])]
    others = [value for n, value in enumerate(product.inputs) if n not in (layer.x, kernel)] + layer.head.others
    others += [value for part in layer.tail for value in part.inputs[1:]]
    inputs = (*operands, *dict.fromkeys(others))
    arguments = arguments_for(inputs)
    known = dict(zip(inputs[len(operands) :], arguments[len(operands) :], strict=True))
    places = {layer.x: layer.head.of(arguments[0], known), kernel: arguments[1]}
    read = [places[n] if n in places else known[value] for n, value in enumerate(product.inputs)]
    value = dataclasses.replace(product, inputs=tuple(read)).output()
    for part in layer.tail:
        value = dataclasses.replace(part, inputs=(value, *(known[other] for other in part.inputs[1:]))).output()
    output = value if layer.bias is None else on_weights("AddV2", value, arguments[2])
    path = _variable(product.inputs[kernel], names).rpartition("/")[0]
    attrs = {
        "path": path or product.name,
        "product": product.type,
        "bias": layer.bias is not None,
        "positive": layer.positive,
        "first": layer.first,
        "last": last,
    }
    bodies = {"body": Program(arguments, (output,)), "product": Program(arguments, (value,))}
    return Node(product.name, LAYER, inputs, node.specs[:1], attrs, bodies=bodies)


def _operands(node: Node) -> list[int]:
    """Returns the positions of a product's factors."""
    return [number for number, value in enumerate(node.inputs) if value.dtype == node.output().dtype]
