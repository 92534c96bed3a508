"""ONNX Runtime: finding it, choosing an execution provider, and saying honestly which one is in use."""

import contextlib
import ctypes
import sys
import threading
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from gantool.errors import DeviceError, ModelError

PROVIDERS = {
    "cpu": "CPUExecutionProvider",
    "cuda": "CUDAExecutionProvider",
    "tensorrt": "TensorrtExecutionProvider",
    "directml": "DmlExecutionProvider",
    "coreml": "CoreMLExecutionProvider",
    "openvino": "OpenVINOExecutionProvider",
    "migraphx": "MIGraphXExecutionProvider",
}
"""Device names and the execution provider behind each."""

_AUTOMATIC = ("cuda", "directml")  # what "auto" tries before the CPU; the others need tuning to be worth it
_NUMBERED = ("cuda", "tensorrt", "directml", "migraphx")
_lock, _preloaded = threading.Lock(), False
_PACKAGES = ("onnxruntime", "onnxruntime-gpu", "onnxruntime-directml", "onnxruntime-openvino")


def import_onnxruntime() -> Any:
    """The onnxruntime module. Raises DeviceError if it is not installed."""
    try:
        import onnxruntime
    except ImportError as error:
        raise DeviceError(
            f"ONNX Runtime cannot be imported ({error}); install it with "
            f"`pip install 'gantool[cpu]'` or `pip install 'gantool[gpu]'`"
        ) from error
    return onnxruntime


def installed_packages() -> dict[str, str]:
    """The ONNX Runtime packages in this environment and their versions; more than one overwrite each other."""
    found = {}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def available() -> list[str]:
    """The devices that the installed ONNX Runtime offers here, the CPU last."""
    offered = import_onnxruntime().get_available_providers()
    return [
        name for name, provider in PROVIDERS.items() if provider in offered and _present(name) and name != "cpu"
    ] + ["cpu"]


def open_session(model: Path, device: str = "auto", threads: int = 0) -> tuple[Any, str]:
    """An inference session and the name of the device that it really runs on.

    Args:
        device: "auto", "cpu", or a name of `PROVIDERS`, with an index such as "cuda:1" where there are several.
        threads: CPU threads; 0 takes all cores.

    Raises:
        DeviceError: a device that was asked for by name cannot be had.
        ModelError: the file is no ONNX model, or is damaged.
    """
    ort = import_onnxruntime()
    if device == "auto":
        for name in available():
            if name == "cpu" or name in _AUTOMATIC:
                try:
                    return _open(ort, model, name, threads), name
                except DeviceError:
                    continue  # the provider is there but cannot start; "auto" promises only the best that works
    return _open(ort, model, device, threads), device


def _open(ort: Any, model: Path, device: str, threads: int) -> Any:
    name, _, index = device.partition(":")
    provider = PROVIDERS.get(name)
    if provider is None or (index and not (index.isdigit() and name in _NUMBERED)):
        raise DeviceError(
            f"unknown device '{device}'; choose auto, {', '.join(PROVIDERS)} (with an index as in cuda:1)"
        )
    if provider not in ort.get_available_providers():
        raise DeviceError(
            f"device '{name}' needs an ONNX Runtime that has it; here are: auto, {', '.join(available())}"
        )
    if not _present(name):
        raise DeviceError(f"no {name} device was found on this machine; here are: auto, {', '.join(available())}")
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    # Windows at borders differ in shape, and the arena would keep the memory of each: twice the peak for 10 % of speed.
    options.enable_cpu_mem_arena = options.enable_mem_pattern = False
    options.log_severity_level = 4  # failures come back as exceptions; its own log would only repeat them
    settings: dict[str, Any] = {"device_id": int(index or 0)} if name in _NUMBERED else {}
    if name == "cuda":
        settings["cudnn_conv_algo_search"] = "HEURISTIC"  # the default tries every algorithm at each new tile shape
        settings["use_tf32"] = 0  # its 10 bits would break the parity that export has checked
    chosen: list[Any] = [(provider, settings)] if name != "cpu" else []
    try:
        if name in ("cuda", "tensorrt"):
            _preload(ort)
        session = ort.InferenceSession(str(model), options, providers=[*chosen, "CPUExecutionProvider"])
    except Exception as error:
        if name != "cpu" and _opens_on_cpu(ort, model):
            raise DeviceError(f"device '{device}' cannot be started: {_first_line(error)}") from error
        raise ModelError(f"{model} is not a whole ONNX model: {_first_line(error)}") from error
    if session.get_providers()[0] != provider:
        raise DeviceError(f"device '{device}' cannot be started; `gantool doctor` says what was found")
    return session


def _preload(ort: Any) -> None:
    """Load the CUDA libraries that pip has installed, once."""
    global _preloaded
    with _lock:
        if not _preloaded and hasattr(ort, "preload_dlls"):
            # It prints what it misses to stdout, where a picture may be going.
            with contextlib.redirect_stdout(sys.stderr):
                ort.preload_dlls()
        _preloaded = True


def read_metadata(model: Path) -> dict[str, str]:
    """The key-value metadata of an ONNX file. Raises ModelError if it is none."""
    ort = import_onnxruntime()
    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 4
    try:
        session = ort.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
    except Exception as error:
        raise ModelError(f"{model} is not a whole ONNX model: {_first_line(error)}") from error
    return dict(session.get_modelmeta().custom_metadata_map)


def out_of_memory(error: Exception) -> bool:
    """Whether ONNX Runtime (or numpy) gave up for want of memory."""
    text = str(error).lower()
    return isinstance(error, MemoryError) or "allocate" in text or "out of memory" in text or "bad_alloc" in text


def _opens_on_cpu(ort: Any, model: Path) -> bool:
    try:
        ort.InferenceSession(str(model), providers=["CPUExecutionProvider"])
    except Exception:
        return False
    return True


def _present(device: str) -> bool:
    # onnxruntime-gpu lists CUDA on machines without a GPU, and trying it there prints errors: ask the driver first.
    if device not in ("cuda", "tensorrt"):
        return True
    try:
        driver = ctypes.CDLL("nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1")
        count = ctypes.c_int(0)
        return driver.cuInit(0) == 0 and driver.cuDeviceGetCount(ctypes.byref(count)) == 0 and count.value > 0
    except (OSError, AttributeError):
        return False


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
