"""The options of all methods, for type checkers; `examples/options_of_methods.py` writes this file."""

from typing import Any, TypedDict


class Options(TypedDict, total=False):
    """The options of all methods by name; `describe` tells which method takes which, and what they mean."""

    # of lime
    alpha: float
    # of grad_cam, grad_cam_plus_plus, guided_grad_cam, hires_cam, layer_cam, neuron_conductance, score_cam
    at: str | None
    # of deeplift, expected_gradients, integrated_gradients, integrated_hessians, shapley_sampling
    background: Any
    # of lrp
    composite: Any
    # of epsilon_lrp
    epsilon: float
    # of guided_ig
    fraction: float
    # of blur_ig, integrated_gradients
    gap_tolerance: float | None
    # of rise
    grid: Any
    # of integrated_hessians, kernel_shap, lime, occlusion, rise, shapley_sampling
    groups: Any
    # of deeplift
    hypothetical: bool
    # of lime
    kernel_width: float
    # of guided_ig
    max_dist: float
    # of blur_ig
    max_sigma: Any
    # of blur_ig, integrated_gradients
    max_steps: int | None
    # of expected_gradients, kernel_shap, lime, rise, shapley_sampling
    n_samples: int
    # of blur_ig, guided_ig, idgi, integrated_gradients, integrated_hessians, internal_influence, layer_conductance,
    # neuron_conductance
    n_steps: int | None
    # of neuron_conductance
    neuron: Any
    # of occlusion
    normalise: str
    # of idgi, integrated_gradients
    path: Any
    # of rise
    probability: float
    # of blur_ig, integrated_gradients, internal_influence, layer_conductance, neuron_conductance
    quadrature: str
    # of deeplift
    rule: str
    # of expected_gradients
    sampling: str
    # of saliency
    signed: bool
    # of blur_ig
    sqrt: bool
    # of occlusion
    strides: Any
    # of blur_ig, integrated_gradients
    tolerance: float | None
    # of grad_cam, grad_cam_plus_plus, hires_cam, layer_cam, score_cam
    upsample: bool
    # of occlusion
    window_shape: Any
