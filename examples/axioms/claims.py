"""The paper's own statements that the program should find again: method, axiom, whether it holds."""

from axioms.axioms import axioms

CLAIMS = (
    ("saliency", "Sensitivity (a)", False),
    ("gradient_x_input", "Sensitivity (a)", False),
    ("guided_backprop", "Sensitivity (a)", False),
    ("deconvnet", "Sensitivity (a)", False),
    ("deeplift", "Sensitivity (a)", True),
    ("deeplift", "Implementation invariance", False),
    ("lrp", "Implementation invariance", False),
    ("saliency", "Implementation invariance", True),
    *(("integrated_gradients", axiom.name, True) for axiom in axioms()),
)
