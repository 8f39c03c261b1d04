"""Attribution methods, each registered once in its own file; an import line in this file makes a method known."""

from deepexplain_tf.methods.base import METHODS, Method
from deepexplain_tf.methods.blur_ig import BlurIG
from deepexplain_tf.methods.deconvnet import DeconvNet
from deepexplain_tf.methods.deeplift import DeepLIFT
from deepexplain_tf.methods.epsilon_lrp import EpsilonLRP
from deepexplain_tf.methods.expected_gradients import ExpectedGradients
from deepexplain_tf.methods.grad_cam import GradCAM
from deepexplain_tf.methods.grad_cam_plus_plus import GradCAMPlusPlus
from deepexplain_tf.methods.gradient_x_input import GradientXInput
from deepexplain_tf.methods.guided_backprop import GuidedBackprop
from deepexplain_tf.methods.guided_grad_cam import GuidedGradCAM
from deepexplain_tf.methods.guided_ig import GuidedIG
from deepexplain_tf.methods.hires_cam import HiResCAM
from deepexplain_tf.methods.idgi import IDGI
from deepexplain_tf.methods.integrated_gradients import IntegratedGradients
from deepexplain_tf.methods.integrated_hessians import IntegratedHessians
from deepexplain_tf.methods.internal_influence import InternalInfluence
from deepexplain_tf.methods.kernel_shap import KernelSHAP
from deepexplain_tf.methods.layer_cam import LayerCAM
from deepexplain_tf.methods.layer_conductance import LayerConductance
from deepexplain_tf.methods.layout import Layout
from deepexplain_tf.methods.lime import LIME
from deepexplain_tf.methods.lrp import LRP
from deepexplain_tf.methods.make import make
from deepexplain_tf.methods.neuron_conductance import NeuronConductance
from deepexplain_tf.methods.occlusion import Occlusion
from deepexplain_tf.methods.rise import RISE
from deepexplain_tf.methods.saliency import Saliency
from deepexplain_tf.methods.score_cam import ScoreCAM
from deepexplain_tf.methods.shapley_sampling import ShapleySampling

__all__ = [
    "IDGI",
    "LIME",
    "LRP",
    "RISE",
    "BlurIG",
    "DeconvNet",
    "DeepLIFT",
    "EpsilonLRP",
    "ExpectedGradients",
    "GradCAM",
    "GradCAMPlusPlus",
    "GradientXInput",
    "GuidedBackprop",
    "GuidedGradCAM",
    "GuidedIG",
    "HiResCAM",
    "IntegratedGradients",
    "IntegratedHessians",
    "InternalInfluence",
    "KernelSHAP",
    "LayerCAM",
    "LayerConductance",
    "Layout",
    "Method",
    "NeuronConductance",
    "Occlusion",
    "Saliency",
    "ScoreCAM",
    "ShapleySampling",
    "list_methods",
    "make",
]


def list_methods() -> list[str]:
    """Returns the registered names of the methods, sorted and without aliases."""
    return list(METHODS)
