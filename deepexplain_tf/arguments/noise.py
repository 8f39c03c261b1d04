"""Noise around a method, or a model's own, as the user describes it."""

import contextlib
import dataclasses

from deepexplain_tf.arguments.options import is_int, is_real, require, require_seed

OF_MODEL = "model"
KINDS = ("smoothgrad", "smoothgrad_sq", "vargrad", OF_MODEL)
_STDEV = "10%"
_MAX_SAMPLES = 100_000


@dataclasses.dataclass(frozen=True)
class Noise:
    """What `noise` returns; see there.

    Attributes:
      kind: one of `KINDS`.
      stdev: a number, in the unit of the explained tensors, or a text such as `"10%"`, the default; None for `"model"`.
      n_samples: the number of samples.
      seed: a seed of its own, or None.
    """

    kind: str
    stdev: float | str | None
    n_samples: int
    seed: int | None

    def __post_init__(self) -> None:
        known = isinstance(self.kind, str) and self.kind in KINDS
        require(known, "kind", f"one of {', '.join(map(repr, KINDS))}", self.kind)
        if self.kind == OF_MODEL:
            require(self.stdev is None, "stdev", "left out for 'model', whose noise is the model's own", self.stdev)
        else:
            object.__setattr__(self, "stdev", _STDEV if self.stdev is None else self.stdev)
            valid = is_real(self.size) and self.size > 0
            require(valid, "stdev", "a number > 0, or a text such as '10%'", self.stdev)
        least = 2 if self.kind == "vargrad" else 1
        valid = is_int(self.n_samples) and least <= self.n_samples <= _MAX_SAMPLES
        require(valid, "n_samples", f"a whole number in {least} … {_MAX_SAMPLES} for {self.kind}", self.n_samples)
        require_seed(self.seed)

    @property
    def relative(self) -> bool:
        """Whether the standard deviation is relative to the range of each example."""
        return isinstance(self.stdev, str)

    @property
    def size(self) -> float:
        """The standard deviation, as a number or as a part of the range; NaN for None and a text of no percentage."""
        if isinstance(self.stdev, str):
            with contextlib.suppress(ValueError):
                if self.stdev.endswith("%"):
                    return float(self.stdev[:-1]) / 100
        elif self.stdev is not None:
            return self.stdev
        return float("nan")


def noise(kind: str, stdev: float | str | None = None, n_samples: int = 50, seed: int | None = None) -> Noise:
    """Describes noise around a method, or a model's own, for `noise=` of `DeepExplain.explain` and `explainer`.

    With φ the attributions of any method, and εₖ standard normal in the shape of an example:

    - `"smoothgrad"`: (1/n) Σₖ φ(x + σ·εₖ), in the unit of φ;
    - `"smoothgrad_sq"`: (1/n) Σₖ φ(x + σ·εₖ)², in the square of that unit;
    - `"vargrad"`: (1/n) Σₖ (φ(x + σ·εₖ) − mean φ)², in the square of that unit.

    With φₖ those of a model that is random (Monte-Carlo dropout, `GaussianNoise`, a variational autoencoder, random
    weights), at its k-th draw:

    - `"model"`: (1/n) Σₖ φₖ(x), in the unit of φ.

    Gaussian noise is added to the explained tensors, inputs or outputs of layers, which must be floats (to the inputs
    of the model, where a method's path is theirs, as that of `layer_conductance`); baselines stay as they are. All
    examples of a call share the εₖ, so that neither the batch nor the order of examples changes a number. `outputs` are
    those at x, without noise. The sum of `"smoothgrad"` around a complete method is that of the mean of F(x + σ·εₖ),
    with which `completeness_gap` compares it; the squares promise no sum. `standard_error` is that of the mean over the
    samples, NaN for a single one, and None for `"vargrad"`.

    With `"model"`, each uniform or normal random op of the model draws by number from the seed: all examples of a call
    share the k-th draw, and what is drawn for all rows at once, as random weights are, stays one draw. `outputs` and
    `baseline_outputs` are means over the draws, to whose difference attributions of a complete method add up. Other
    random ops, and ops inside loops, are refused by name. A model with several units needs `target=`.

    Args:
      kind: `"smoothgrad"`, `"smoothgrad_sq"`, `"vargrad"` or `"model"`.
      stdev: σ > 0, in the unit of the explained tensors; or a percentage such as `"10%"` of the range max − min of each
        example, for each explained tensor by itself; None is `"10%"`. It is left out for `"model"`.
      n_samples: the number n of samples, 1 … 100,000, and at least 2 for `"vargrad"`.
      seed: the seed of the noise alone; None takes that of the call.

    Raises:
      OptionError: a value out of range.

    References:
      Smilkov, Thorat, Kim, Viégas, Wattenberg, *SmoothGrad: Removing Noise by Adding Noise*, 2017,
      https://arxiv.org/abs/1706.03825. Hooker, Erhan, Kindermans, Kim, *A Benchmark for Interpretability Methods in
      Deep Neural Networks*, NeurIPS 2019, https://arxiv.org/abs/1806.10758 (squares). Adebayo, Gilmer, Goodfellow, Kim,
      *Local Explanation Methods for Deep Neural Networks Lack Sensitivity to Parameter Values*, ICLR workshop 2018,
      https://arxiv.org/abs/1810.03307 (VarGrad). Gal, Ghahramani, *Dropout as a Bayesian Approximation*, ICML 2016,
      https://arxiv.org/abs/1506.02142 (Monte-Carlo dropout).
    """
    return Noise(kind, stdev, n_samples, seed)
