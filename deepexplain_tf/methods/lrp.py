"""Layer-wise relevance propagation."""

from collections.abc import Sequence
import dataclasses
from typing import Any, ClassVar

import tensorflow as tf

from deepexplain_tf.methods.base import METHODS, Method, Result, TensorData
from deepexplain_tf.objective.chunks import Chunks
from deepexplain_tf.objective.scope import Scope
from deepexplain_tf.rules.composites import Composite
from deepexplain_tf.rules.relevance.composites import INSENSITIVE, read_composite, relevance


@METHODS.register("lrp")
@dataclasses.dataclass(frozen=True)
class LRP(Method):
    """Relevance, which flows back from the target layer by layer: each op hands that of its outputs to its inputs.

    In units of the target. Begins with the target itself (with weights w of the outputs y, with w·y). A layer is a
    product with weights, with the bias added to it and the batch normalisation behind it merged into its weights.
    `completeness_gap` is Σ relevance − target: what biases and stabilizers have absorbed.

    By each named composite but `"epsilon"`, relevance may hardly depend on what the last layers have learned (Sixt et
    al., *When Explanations Lie*, ICML 2020, https://arxiv.org/abs/1912.09818): where the last one is randomised, its
    ranks correlate with those before, up to the sign, by 0.99 to 1.00 for `"deep_taylor"` and `"excitation_backprop"`,
    and for the others by about 0.5 on photos and 0.97 to 1.00 on digits (`examples/sanity.py`).

    Attributes:
      composite: which rule each layer and op gets: a name (`"epsilon"`, `"epsilon_plus"`, `"epsilon_plus_flat"`,
        `"epsilon_gamma_box"`, `"epsilon_alpha2_beta1"`, `"epsilon_alpha2_beta1_flat"`, `"deep_taylor"`,
        `"excitation_backprop"`, `"attn_lrp"`, `"cp_lrp"`), or a list of (selector, rule), of which the first that
        selects an op counts. A selector is a kind (`"convolution"`, `"dense"`, `"product"`, …), an op type, a glob of
        layer names, `"first"` or `"last"`; rules are those of `dx.rules`, such as `dx.rules.gamma(0.25)`.

    References:
      Bach et al., PLOS ONE 2015, https://doi.org/10.1371/journal.pone.0130140. Montavon et al., *Layer-Wise Relevance
      Propagation: An Overview*, 2019, https://doi.org/10.1007/978-3-030-28954-6_10. Achtibat et al., *AttnLRP*, ICML
      2024, https://arxiv.org/abs/2402.05602.
    """

    conserves: ClassVar[bool] = True
    remedy: ClassVar[str] = "a larger ε, or another composite, may help"
    graph_options: ClassVar[tuple[str, ...]] = ("selected",)
    composite: Any = "epsilon_plus"

    def __post_init__(self) -> None:
        read_composite(self.composite)

    @property
    def one_pass(self) -> bool:
        return False  # an audit tells what ops lose of a change, and relevance is none

    @property
    def insensitive(self) -> bool:
        return isinstance(self.composite, str) and self.composite in INSENSITIVE

    @property
    def selected(self) -> tuple[tuple[str, Any], ...]:
        """The (selector, rule) pairs of the composite."""
        return read_composite(self.composite)

    @property
    def override_map(self) -> Composite:
        return relevance(self.selected, required=not isinstance(self.composite, str))

    def attribute(
        self, scope: Scope, baseline: Sequence[tf.Tensor], data: TensorData, composite: Composite, chunks: Chunks
    ) -> Result:
        target, found = scope.relevance(scope.explained, composite)
        return {"attributions": found, "outputs": target}
