"""Ops that compute other numbers when they are run again, such as random ones."""

from collections.abc import Collection, Iterable

from deepexplain_tf.graph.activity import analyse
from deepexplain_tf.graph.ir import Node, Value, topological_order

# Ops with a state: each run draws, counts or takes something new.
_DRAWN = """
    AllCandidateSampler FixedUnigramCandidateSampler LearnedUnigramCandidateSampler LogUniformCandidateSampler
    Multinomial NonDeterministicInts ParameterizedTruncatedNormal RandomCrop RandomGamma RandomPoisson RandomPoissonV2
    RandomShuffle RandomStandardNormal RandomUniform RandomUniformInt RngReadAndSkip SampleDistortedBoundingBox
    SampleDistortedBoundingBoxV2 StatefulRandomBinomial StatefulStandardNormal StatefulStandardNormalV2
    StatefulTruncatedNormal StatefulUniform StatefulUniformFullInt StatefulUniformInt
    ThreadUnsafeUnigramCandidateSampler Timestamp TruncatedNormal UniformCandidateSampler
    IteratorGetNext IteratorGetNextAsOptional IteratorGetNextSync QueueDequeueManyV2 QueueDequeueUpToV2 QueueDequeueV2
    RecordInput
"""
DRAWN = frozenset(_DRAWN.split())

# Ops whose numbers follow from a seed and a shape: the same for all examples, unless one of these depends on them.
_SEEDED = """
    RandomIndexShuffle StatelessMultinomial StatelessParameterizedTruncatedNormal StatelessRandomBinomial
    StatelessRandomGammaV2 StatelessRandomGammaV3 StatelessRandomNormal StatelessRandomNormalV2 StatelessRandomPoisson
    StatelessRandomUniform StatelessRandomUniformFullInt StatelessRandomUniformFullIntV2 StatelessRandomUniformInt
    StatelessRandomUniformIntV2 StatelessRandomUniformV2 StatelessSampleDistortedBoundingBox StatelessShuffle
    StatelessTruncatedNormal StatelessTruncatedNormalV2
"""
SEEDED = frozenset(_SEEDED.split())


def find_draw(given: Collection[Value], outputs: Iterable[Value], numbered: Collection[Value] = ()) -> Node | None:
    """Returns the first op whose numbers an example has by chance: another batch or another run gives it others.

    Args:
      given: the values that differ between examples or runs.
      outputs: the outputs of the program; loops and branches inside it are entered.
      numbered: values that number the draws; an op that depends on one draws the same for all examples.
    """
    outputs = tuple(outputs)
    activity, known = analyse(given, outputs, dependence="anything"), analyse(numbered, outputs)
    for node in topological_order(outputs):
        if node.type in DRAWN or (node.type in SEEDED and activity.inputs(node) and not known.inputs(node)):
            return node
        for program in node.bodies.values():
            inside = activity.varying_arguments(node, program) if node.inputs else []
            found = find_draw(inside, program.outputs)
            if found is not None:
                return found
    return None
