"""ONNX Runtime: finding it, choosing an execution provider, and saying honestly which one is in use."""

import contextlib
import ctypes
import io
import os
import sys
import threading
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from platformdirs import user_cache_path

from gantool.errors import DeviceError, ModelError, described, reason
from gantool.values import is_whole

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
_GPUS = (*_AUTOMATIC, "migraphx", "coreml")  # what "gpu" stands for, the best first
_NUMBERED = ("cuda", "tensorrt", "directml", "migraphx")
_CHOICES = f"auto, gpu, {', '.join(PROVIDERS)} (with an index as in cuda:1)"
_FATAL = 4
"""ONNX Runtime's highest level of logging."""
_TRIAL = "upscale-x2"
_lock, _preloaded = threading.Lock(), False
_PACKAGES = ("onnxruntime", "onnxruntime-gpu", "onnxruntime-directml", "onnxruntime-openvino")


def import_onnxruntime() -> Any:
    """The onnxruntime module. Raises DeviceError if it is not installed.

    Nothing imports it in another way, because its telemetry has to be off before it is loaded: it would keep a device
    id and a queue of uploads in the home, and look its maker's host up.
    """
    os.environ["ORT_DISABLE_TELEMETRY"] = os.environ.get("ORT_DISABLE_TELEMETRY") or "1"  # an empty one counts for none
    first = "onnxruntime" not in sys.modules
    try:
        import onnxruntime
    except ImportError as error:
        raise DeviceError(
            f"ONNX Runtime cannot be imported ({error}); install it with "
            f"`pip install 'gantool[cpu]'` or `pip install 'gantool[gpu]'`"
        ) from error
    if first:  # whoever loaded it before may want its log; for us failures come back as exceptions
        onnxruntime.set_default_logger_severity(_FATAL)
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


def automatic() -> str:
    """What "auto" tries first. Raises DeviceError if ONNX Runtime is not installed."""
    there = available()
    return next((name for name in _AUTOMATIC if name in there), "cpu")


def open_session(model: Path, device: str = "auto", threads: int = 0, data: bytes | None = None) -> tuple[Any, str]:
    """An inference session and the name of the device that it really runs on.

    Args:
        device: "auto", "gpu" (the best that is no CPU), or a name of `PROVIDERS`, with an index such as "cuda:1" where
            there are several.
        threads: CPU threads; 0 takes all cores.
        data: what the file would hold, where the model was made of another kind of file.

    Raises:
        DeviceError: a device that was asked for by name cannot be had, or that many threads.
        ModelError: the file is no ONNX model, is damaged, or takes more memory than there is.
    """
    ort = import_onnxruntime()
    _check_threads(threads)
    name, _, index = str(device).partition(":")
    tried = {"auto": [*_AUTOMATIC, "cpu"], "gpu": [*_GPUS]}.get(name)
    if tried is None or (index and name == "auto"):
        return _open(ort, model, device, threads, data), device
    reasons = []
    for each in (each for each in tried if each in available()):
        wanted = f"{each}:{index}" if index else each
        try:
            return _open(ort, model, wanted, threads, data), wanted
        except DeviceError as error:
            reasons.append(str(error))  # the provider is there but cannot start; the next may
    found = "; ".join(reasons) or "none was found that this ONNX Runtime can use"
    raise DeviceError(f"no GPU can be used: {found}; `gantool doctor` says more, the device cpu does without")


def unused_gpu() -> str | None:
    """Why an NVIDIA GPU that is in this machine is not used by "auto", and what to do; None where there is none, or it
    is used. Raises DeviceError if ONNX Runtime is not installed."""
    from gantool import library

    ort, offered = import_onnxruntime(), available()
    if not _present("cuda") or "directml" in offered:
        return None
    cure = "pip install 'gantool[gpu]' brings it"
    if "cuda" not in offered:
        reason = "the ONNX Runtime that is installed knows the CPU alone"
        cure = "pip uninstall -y onnxruntime && pip install 'gantool[gpu]' brings another"
    else:
        try:
            _open(ort, library.find(_TRIAL), "cuda", 1)
            return None
        except DeviceError as error:
            missing = _missing_library(ort)
            reason = f"{missing} is missing" if missing else str(error)
            cure = cure if missing else "gantool doctor says more"
    return f"an NVIDIA GPU is here but not used ({reason}); {cure}; choose the device cpu to hide this"


def _check_threads(threads: object) -> None:
    most = max(64, 4 * (os.cpu_count() or 1))
    if not is_whole(threads, 0, most):
        raise DeviceError(f"threads are a whole number from 0 (all cores) to {most}, not {described(threads)}")


def _open(ort: Any, model: Path, device: str, threads: int, data: bytes | None = None) -> Any:
    name, _, index = str(device).partition(":")
    provider = PROVIDERS.get(name)
    if provider is None or (index and not (index.isdecimal() and len(index) < 4 and name in _NUMBERED)):
        raise DeviceError(f"unknown device '{device}'; choose {_CHOICES}")
    if provider not in ort.get_available_providers():
        cure = "; `pip install 'gantool[gpu]'` brings one" if name in ("cuda", "tensorrt") else ""
        raise DeviceError(
            f"device '{name}' needs an ONNX Runtime that has it{cure}; here are: auto, {', '.join(available())}"
        )
    if not _present(name):
        raise DeviceError(f"no {name} device was found on this machine; here are: auto, {', '.join(available())}")
    options = ort.SessionOptions()
    options.intra_op_num_threads = int(threads)
    # Windows at borders differ in shape, and the arena would keep the memory of each: twice the peak for 10 % of speed.
    options.enable_cpu_mem_arena = options.enable_mem_pattern = False
    options.log_severity_level = _FATAL
    chosen: list[Any] = [(provider, _settings(name, index))] if name != "cpu" else []
    if name in ("cuda", "tensorrt"):
        _preload(ort)
    try:
        session = _session(ort, model, data, options, [*chosen, "CPUExecutionProvider"])
    except Exception as error:
        if name != "cpu" and _opens_on_cpu(ort, model, data):
            raise DeviceError(f"device '{device}' cannot be started: {reason(error)}") from error
        if out_of_memory(error):
            raise ModelError(f"not enough memory to open {model}; free some") from error
        raise ModelError(f"{model} is not a whole ONNX model: {reason(error)}") from error
    if session.get_providers()[0] != provider:
        missing = _missing_library(ort) if name == "cuda" else None
        cure = f": {missing} is missing; `pip install 'gantool[gpu]'` brings it" if missing else ""
        raise DeviceError(f"device '{device}' cannot be started{cure or '; `gantool doctor` says what was found'}")
    return session


def _settings(name: str, index: str) -> dict[str, Any]:
    """What a provider is told; those that compile a model keep what they made in the user's cache."""
    cache = Path(user_cache_path("gantool", appauthor=False)) / name
    own: dict[str, dict[str, Any]] = {
        "cuda": {
            "cudnn_conv_algo_search": "HEURISTIC",  # the default tries every algorithm at each new tile shape
            "use_tf32": 0,  # its 10 bits would break the parity that export has checked
        },
        "tensorrt": {
            "trt_engine_cache_enable": True,
            "trt_engine_cache_path": str(cache),
            "trt_timing_cache_enable": True,
            "trt_timing_cache_path": str(cache),
        },
        "openvino": {"device_type": "CPU", "cache_dir": str(cache)},
        "coreml": {"ModelFormat": "MLProgram", "ModelCacheDirectory": str(cache)},
    }
    if str(cache) in own.get(name, {}).values():
        with contextlib.suppress(OSError):  # where there is no home, it is compiled again each time
            cache.mkdir(parents=True, exist_ok=True)
    return ({"device_id": int(index or 0)} if name in _NUMBERED else {}) | own.get(name, {})


def _session(ort: Any, model: Path, data: bytes | None, options: Any, providers: list[Any]) -> Any:
    spelt = str(model).isprintable() or str(model).isascii()
    source = data or (str(model) if spelt else model.read_bytes())  # it takes no name that is not Unicode
    # Its fallback would tell of itself on stdout, where a picture may be going.
    session = ort.InferenceSession(source, options, providers=providers, enable_fallback=0)
    for port in (*session.get_inputs(), *session.get_overridable_initializers(), *session.get_outputs()):
        _ = port.name, port.type, port.shape  # a name of a damaged file cannot be decoded, which shows only when read
    return session


def _preload(ort: Any) -> None:
    """Load the CUDA libraries that pip has installed, once."""
    global _preloaded
    with _lock:
        if not _preloaded and hasattr(ort, "preload_dlls"):
            # It prints what it misses, and raises where it finds a CUDA of another age.
            with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(Exception):
                ort.preload_dlls()
        _preloaded = True


def _missing_library(ort: Any) -> str | None:
    """The library of CUDA or cuDNN for want of which ONNX Runtime, which has tried, could not load what runs on it."""
    folder = Path(ort.__file__).parent / "capi"
    windows = sys.platform == "win32"
    try:
        ctypes.CDLL(str(folder / ("onnxruntime_providers_cuda.dll" if windows else "libonnxruntime_providers_cuda.so")))
    except OSError as error:
        library, said, _ = str(error).partition(": cannot open shared object file")
        if said:
            return library
        return "a library of CUDA or cuDNN" if windows else None
    return None


def out_of_memory(error: Exception) -> bool:
    """Whether ONNX Runtime (or numpy) gave up for want of memory."""
    text = str(error).lower()
    return isinstance(error, MemoryError) or "allocate" in text or "out of memory" in text or "bad_alloc" in text


def _opens_on_cpu(ort: Any, model: Path, data: bytes | None) -> bool:
    try:
        _session(ort, model, data, ort.SessionOptions(), ["CPUExecutionProvider"])
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
