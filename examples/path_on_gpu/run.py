"""How fast are compiled path integrals on a graphics card, relative to a loop of gradients?

    python examples/path_on_gpu/run.py --programs=programs --out=path_on_gpu.json

This script needs JAX but not TensorFlow: XLA compiles the programs of `export.py` for the device that JAX finds. It
prints for each work and precision (float32, or TensorFloat-32 where the device has it):

  ours         the library's program with the best number of gradients at once, and with the library's own choice
  loop         a Python loop over the steps: one compiled gradient of all examples at a time
  floor        one compiled loop over chunks of gradients of the best size
  ms           the median milliseconds of runs in turn (ours, loop, floor, …), from arguments on the device to results
  compile s    the seconds of XLA's compilation
  MB           the memory of the program beside its arguments, as XLA reports it
  difference   ‖attributions − TensorFlow's‖ / ‖TensorFlow's‖
"""

from collections.abc import Callable, Mapping, Sequence
import dataclasses
import json
import pathlib
import statistics
import time
from typing import Any

from absl import app, flags
import jax
from jax import lax
import jax.numpy as jnp
from jaxlib import _jax, xla_client
import numpy as np

from networks import NETWORKS, Network, Weights
from works import TARGET, drawn

_PROGRAMS = flags.DEFINE_string("programs", "programs", "The folder that export.py wrote.")
_WORKS = flags.DEFINE_list("works", None, "The works to run. Default: all in the folder.")
_PRECISIONS = flags.DEFINE_list("precisions", ["float32", "tf32"], "The precisions.")
_CHUNKS = flags.DEFINE_list(
    "chunks", ["16", "64", "256", "1024", "4096"], "The numbers of gradients at once to try for the floor."
)
_REPEATS = flags.DEFINE_integer("repeats", 20, "The number of timed runs of each program.", lower_bound=1)
_SECONDS = flags.DEFINE_float("seconds", 60.0, "The seconds for each work after which no new round of runs begins.")
_OUT = flags.DEFINE_string("out", None, "A JSON file to write with all figures.")


@dataclasses.dataclass
class Program:
    """A compiled program; `call()` returns attributions on the device."""

    name: str
    call: Callable[[], jax.Array]
    compile_seconds: float
    megabytes: float
    difference: float = float("nan")
    milliseconds: float = float("nan")

    def seconds(self) -> float:
        """Returns the seconds that a call takes."""
        start = time.perf_counter()
        self.call().block_until_ready()
        return time.perf_counter() - start


class Exported:
    """A work as `export.py` wrote it into a folder."""

    def __init__(self, folder: pathlib.Path):
        self.name = folder.name
        self.folder = folder
        described = json.loads((folder / "work.json").read_text("utf-8"))
        self.steps, self.chunk = described["steps"], described["chunk"]
        stored = dict(np.load(folder / "arrays.npz"))
        self.expected = stored.pop("expected")
        shapes: Mapping[str, list[int]] = described["parameters"]
        with jax.enable_x64(True):  # the nodes are float64
            self.parameters = {
                key: jax.device_put(stored[key] if key in stored else drawn(key, tuple(shape)))
                for key, shape in shapes.items()
            }
        self.weights = {key: array for key, array in self.parameters.items() if "/" in key}
        self.x = self.parameters["x"]

    def chunks(self, precision: str) -> list[int]:
        """Returns the chunk sizes of the exported programs."""
        return sorted(int(file.stem.split("_")[0]) for file in self.folder.glob(f"*_{precision}.hlo"))


def ours(work: Exported, chunk: int, precision: str) -> Program:
    """Compiles an exported program of the library."""
    hlo = (work.folder / f"{chunk}_{precision}.hlo").read_bytes()
    device = jax.devices()[0]
    start = time.perf_counter()
    stablehlo = _jax.mlir.hlo_to_stablehlo(hlo)
    options = xla_client.CompileOptions()
    compiled = device.client.compile_and_load(stablehlo, _jax.DeviceList((device,)), options)
    spent = time.perf_counter() - start
    arguments = list(work.parameters.values())

    def call() -> jax.Array:
        results = compiled.execute_sharded(arguments)
        return results.disassemble_into_single_device_arrays()[0][0]

    return Program(str(chunk), call, spent, _megabytes(compiled.get_compiled_memory_stats()))


def _megabytes(stats: Any) -> float:
    return (stats.temp_size_in_bytes + stats.output_size_in_bytes) / 1e6


def _compiled(function: Callable[..., jax.Array], *arguments: Any) -> tuple[Any, float, float]:
    start = time.perf_counter()
    compiled = jax.jit(function).lower(*arguments).compile()
    return compiled, time.perf_counter() - start, _megabytes(compiled.memory_analysis())


def loop(work: Exported, network: Network) -> Program:
    """Compiles one step of all examples, which Python calls for each node."""

    def step(weights: Weights, x: jax.Array, total: jax.Array, alpha: jax.Array, part: jax.Array) -> jax.Array:
        return total + part * _gradient(network, weights, alpha * x)

    nodes, parts = ([jnp.float32(value) for value in values] for values in _nodes(work))
    compiled, spent, megabytes = _compiled(step, work.weights, work.x, work.x, nodes[0], parts[0])

    def call() -> jax.Array:
        total = jnp.zeros_like(work.x)
        for alpha, part in zip(nodes, parts, strict=True):
            total = compiled(work.weights, work.x, total, alpha, part)
        return total * work.x

    call()
    return Program("steps", call, spent, megabytes)


def floor(work: Exported, network: Network, chunk: int) -> Program:
    """Compiles one loop over even chunks of gradients."""
    rows, features = work.x.shape[0], work.x.shape[1:]
    together = _divisor(rows, chunk)
    side = _divisor(work.steps, max(chunk // together, 1))

    def integral(weights: Weights, x: jax.Array, nodes: jax.Array, parts: jax.Array) -> jax.Array:
        def add(total: jax.Array, some: tuple[jax.Array, jax.Array]) -> tuple[jax.Array, None]:
            alpha = some[0].reshape(-1, *[1] * x.ndim)
            points = (alpha * x).reshape(-1, *features)
            gradient = _gradient(network, weights, points).reshape(-1, *x.shape)
            return total + jnp.tensordot(some[1], gradient, 1), None

        pairs = (nodes.reshape(-1, side), parts.reshape(-1, side))
        return x * lax.scan(add, jnp.zeros_like(x), pairs)[0]

    def attributions(weights: Weights, x: jax.Array, nodes: jax.Array, parts: jax.Array) -> jax.Array:
        blocks = x.reshape(-1, together, *features)
        return lax.map(lambda block: integral(weights, block, nodes, parts), blocks).reshape(x.shape)

    arguments = (work.weights, work.x, *map(jnp.float32, _nodes(work)))
    compiled, spent, megabytes = _compiled(attributions, *arguments)
    return Program(f"{network.__name__} {together * side}", lambda: compiled(*arguments), spent, megabytes)


def _nodes(work: Exported) -> list[np.ndarray]:
    return [np.asarray(work.parameters[key])[: work.steps] for key in ("nodes", "weights")]


def _gradient(network: Network, weights: Weights, points: jax.Array) -> jax.Array:
    return jax.grad(lambda x: network(weights, x)[:, TARGET].sum())(points)


def _divisor(number: int, most: int) -> int:
    return next(found for found in range(min(number, most), 0, -1) if number % found == 0)


def _tried(work: Exported, makers: Sequence[Callable[[], Program]]) -> list[tuple[float, Program]]:
    """Returns the programs that fit into the device's memory, compiled, with times of a short trial, fastest first."""
    found = []
    for make in makers:
        try:
            program = make()
            result = np.asarray(program.call())
        except jax.errors.JaxRuntimeError as error:
            if "RESOURCE_EXHAUSTED" not in str(error):
                raise
            print(f"{work.name}: the device has too little memory for {make}", flush=True)
            continue
        program.difference = float(np.linalg.norm(result - work.expected) / np.linalg.norm(work.expected))
        found.append((statistics.median(program.seconds() for _ in range(5)), program))
    return sorted(found, key=lambda pair: pair[0])


def _measure(work: Exported, precision: str) -> dict[str, Any]:
    networks = NETWORKS[work.name]
    sizes = sorted({min(int(chunk), work.x.shape[0] * work.steps) for chunk in _CHUNKS.value})
    library = _tried(work, [_Later(ours, work, chunk, precision) for chunk in work.chunks(precision)])
    floors = _tried(work, [_Later(floor, work, network, chunk) for network in networks for chunk in sizes])
    loops = _tried(work, [_Later(loop, work, network) for network in networks])
    sides = {"ours": library[0][1], "default": _named(library, str(work.chunk))}
    sides |= {"loop": loops[0][1], "floor": floors[0][1]}
    times: dict[str, list[float]] = {side: [] for side in sides}
    end = time.perf_counter() + _SECONDS.value
    for _ in range(_REPEATS.value):
        for side, program in sides.items():
            times[side].append(program.seconds())
        if time.perf_counter() > end:
            break
    for side, program in sides.items():
        program.milliseconds = statistics.median(times[side]) * 1e3
    return {
        "work": work.name,
        "precision": precision,
        "inputs": list(work.x.shape),
        "steps": work.steps,
        **{side: _figures(program) for side, program in sides.items()},
        "ours / loop": sides["ours"].milliseconds / sides["loop"].milliseconds,
        "ours / floor": sides["ours"].milliseconds / sides["floor"].milliseconds,
        "default / floor": sides["default"].milliseconds / sides["floor"].milliseconds,
        "tried": [_figures(program) | {"ms": spent * 1e3} for spent, program in (*library, *floors, *loops)],
    }


class _Later:
    """A function with its arguments, to be called later, that can be printed."""

    def __init__(self, make: Callable[..., Program], work: Exported, *arguments: Any):
        self._make, self._work, self._arguments = make, work, arguments

    def __call__(self) -> Program:
        return self._make(self._work, *self._arguments)

    def __str__(self) -> str:
        return f"{self._make.__name__} {' '.join(getattr(a, '__name__', str(a)) for a in self._arguments)}"


def _named(programs: Sequence[tuple[float, Program]], name: str) -> Program:
    return next(program for _, program in programs if program.name == name)


def _figures(program: Program) -> dict[str, Any]:
    return {
        "chunk": program.name,
        "ms": program.milliseconds,
        "compile s": program.compile_seconds,
        "MB": program.megabytes,
        "difference": program.difference,
    }


def _print(row: Mapping[str, Any]) -> None:
    print(f"\n{row['work']} {row['precision']}  {'×'.join(map(str, row['inputs']))} · {row['steps']}")
    for side in ("ours", "default", "loop", "floor"):
        found = row[side]
        print(
            f"  {side:8} {found['chunk']:22} {found['ms']:10.2f} ms {found['compile s']:8.1f} s "
            f"{found['MB']:10.0f} MB  {found['difference']:.1e}"
        )
    print("  " + "  ".join(f"{key} {row[key]:.3f}" for key in ("ours / loop", "ours / floor", "default / floor")))
    for found in row["tried"]:
        print(f"    tried {found['chunk']:22} {found['ms']:10.2f} ms {found['difference']:.1e}", flush=True)


def main(argv: Sequence[str]) -> None:
    """Measures each work and prints its figures."""
    del argv
    root = pathlib.Path(_PROGRAMS.value)
    names = _WORKS.value or sorted(file.parent.name for file in root.glob("*/work.json"))
    rows = []
    for precision in _PRECISIONS.value:
        jax.config.update("jax_default_matmul_precision", "highest" if precision == "float32" else None)
        for name in names:
            rows.append(_measure(Exported(root / name), precision))
            _print(rows[-1])
            if _OUT.value:
                device = jax.devices()[0]
                found = {"device": device.device_kind, "jax": jax.__version__, "rows": rows}
                pathlib.Path(_OUT.value).write_text(json.dumps(found, indent=1), "utf-8")


if __name__ == "__main__":
    app.run(main)
