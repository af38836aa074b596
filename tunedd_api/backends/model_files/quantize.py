"""
Makes the embedder twice as fast, once, at set-up: simplifies its graph and computes with int8 weights.

The file that can be fetched stores int8 weights but turns them into floats on every run. They are folded into
plain weights and then quantised with one scale per channel; with one scale per matrix the vectors suffer
(cosine to the original .95 instead of .995). Runs in a process of its own, so that its memory comes back.
"""

import shutil
import sys
from pathlib import Path
from subprocess import DEVNULL

import anyio

from tunedd_api.backends.model_files.machine import needs_reduced_range
from tunedd_api.backends.model_files.onnx_graph import simplify
from tunedd_api.backends.model_files.placement import settle
from tunedd_api.errors import SetupError


class CannotQuantise(SetupError):
    """The embedding model could not be prepared."""


async def quantize(source: Path, target: Path) -> None:
    """Writes the quantised model, whole or not at all. Raises CannotQuantise."""
    command = [sys.executable, "-m", __name__, str(source), str(target)]
    done = await anyio.run_process(command, check=False, stdin=DEVNULL, stdout=DEVNULL)
    if done.returncode != 0:
        reason = (done.stderr.decode(errors="replace").strip().splitlines() or ["no reason given"])[-1]
        hint = " Install: pip install 'tunedd-api[embedded]'" if "ModuleNotFoundError" in reason else ""
        raise CannotQuantise(f"The embedding model could not be prepared: {reason}.{hint}")


def simplify_and_quantize(source: Path, target: Path) -> None:
    import onnx
    from onnxruntime.quantization import QuantType, quantize_dynamic

    model = onnx.load(source)
    simplify(model)
    folder = target.with_suffix(".unfinished")
    shutil.rmtree(folder, ignore_errors=True)  # Of a process that was killed.
    folder.mkdir()
    try:
        onnx.save(model, folder / "simple.onnx")
        quantize_dynamic(
            folder / "simple.onnx",
            folder / "quantised.onnx",
            per_channel=True,
            reduce_range=needs_reduced_range(),
            weight_type=QuantType.QInt8,
        )
        settle(folder / "quantised.onnx", target)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    simplify_and_quantize(Path(sys.argv[1]), Path(sys.argv[2]))
