"""Which type of matrix products is faster on this machine."""

import pathlib

import tensorflow as tf

# From Ampere on, GPUs of NVIDIA multiply bfloat16 in units of their own.
_CAPABILITY = (8, 0)
_PROCESSOR = pathlib.Path("/proc/cpuinfo")


def faster_precision() -> tuple[str, str]:
    """The faster type, and why.

    Returns:
        "bfloat16" or "float32", and the reason, to be printed.

    Example:
        >>> name, reason = faster_precision()
        >>> name in ("bfloat16", "float32"), len(reason) > 0
        (True, True)
    """
    gpus = tf.config.list_physical_devices("GPU")
    if gpus:
        return _of_gpus(gpus)
    if "amx_bf16" in _processor_flags():
        return "bfloat16", "the processor multiplies it by AMX"
    return "float32", "the processor has no AMX for bfloat16"


def _of_gpus(gpus: list[tf.config.PhysicalDevice]) -> tuple[str, str]:
    details = [tf.config.experimental.get_device_details(gpu) for gpu in gpus]
    lowest = min(each.get("compute_capability", (0, 0)) for each in details)
    shown = ".".join(map(str, lowest))
    if lowest >= _CAPABILITY:
        return "bfloat16", f"the GPU's compute capability is {shown}"
    return "float32", f"the GPU's compute capability is {shown}, under 8.0"


def _processor_flags() -> set[str]:
    """What Linux says that the processor can; nothing elsewhere."""
    if not _PROCESSOR.is_file():
        return set()
    lines = _PROCESSOR.read_text("utf-8").splitlines()
    return {
        flag
        for line in lines
        if line.startswith("flags")
        for flag in line.split()
    }
