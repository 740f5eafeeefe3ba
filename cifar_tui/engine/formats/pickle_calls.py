"""Names what a pickle wants to call, without looking any of it up."""

import itertools
import re
import sys
from collections.abc import Iterable, Iterator
from pickletools import OpcodeInfo, genops

from cifar_tui.text import safe_text

PLAIN_TYPES = (
    *("set", "frozenset", "complex", "bytearray", "bytes", "slice", "range", "xrange", "object"),
    *("list", "dict", "tuple", "int", "float", "str", "bool"),
)
DTYPES = (
    *("float32", "float64", "float16", "bfloat16", "int64", "int32", "int16", "int8", "uint8", "bool"),
    *("complex64", "complex128", "contiguous_format", "channels_last", "preserve_format"),
)
WANTED = frozenset(
    [
        "collections.OrderedDict",
        "torch._utils._rebuild_tensor_v2",
        *(
            f"torch.{kind}Storage"
            for kind in ("Float", "Double", "Half", "BFloat16", "Long", "Int", "Short", "Char", "Byte", "Bool")
        ),
    ]
)
"""All that a network's state_dict needs."""
INERT = frozenset(
    [
        *(f"collections.{name}" for name in ("Counter", "defaultdict", "deque")),
        *(f"{module}.{name}" for module in ("builtins", "__builtin__") for name in PLAIN_TYPES),
        *(f"datetime.{name}" for name in ("date", "datetime", "time", "timedelta", "timezone")),
        *(f"pathlib{inner}.{name}Path" for inner in ("", "._local") for name in ("Posix", "Windows", "PurePosix", "")),
        *(f"numpy.{core}.multiarray.{name}" for core in ("core", "_core") for name in ("scalar", "_reconstruct")),
        *("numpy.dtype", "numpy.ndarray", "argparse.Namespace", "types.SimpleNamespace", "_codecs.encode"),
        *("torch.device", "torch.Size", "torch._utils._rebuild_parameter"),
        *(f"torch.{name}" for name in DTYPES),
    ]
)
"""Names that stand beside the weights of public checkpoints; none is looked up, imported or built."""
OWN_NAME = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)+", re.ASCII)
LIBRARIES = frozenset(
    ["torch", "torchvision", "numpy", "scipy", "__builtin__", "copy_reg", "nt", *sys.stdlib_module_names]
)
"""Modules of whose names only those above are passed over; a trainer's own classes and enums always are."""
LEGACY_START = b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19."
"""First bytes of files that torch wrote before version 1.6, or writes without its zip format."""
LEGACY_PICKLES = 5
MOST_INSTRUCTIONS = 100_000
"""Looked at in one pickle. A ResNet-152 with Adam's state has 72,000; ours 3,000."""
STRINGS = ("BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8", "UNICODE", "BINSTRING", "SHORT_BINSTRING", "STRING")
PUTS = ("BINPUT", "LONG_BINPUT", "PUT")
GETS = ("BINGET", "LONG_BINGET", "GET")
Step = tuple[OpcodeInfo, object, int | None]


def is_inert(name: str) -> bool:
    """Return True for a name that a file may hold beside its weights: it is passed over, whatever it is."""
    if name in INERT:
        return True
    module = name.split(".")[0]
    return OWN_NAME.fullmatch(name) is not None and (module == "__main__" or module not in LIBRARIES)


def unwanted_call(steps: Iterable[Step], *, strict: bool = False) -> str:
    """Return the purpose of the first unwanted function or class, as the rest of a sentence; empty without one.

    `strict` wants nothing beside the weights, either.
    """
    strings: list[str] = []
    memo: dict[object, str] = {}
    for operation, argument, _ in steps:
        name = operation.name
        called = ""
        if name in STRINGS:
            strings.append(str(argument))
        elif name == "MEMOIZE":
            memo[len(memo)] = strings[-1] if strings else ""
        elif name in PUTS:
            memo[argument] = strings[-1] if strings else ""
        elif name in GETS:
            strings.append(memo.get(argument, ""))
        elif name in ("GLOBAL", "INST"):
            called = str(argument).replace(" ", ".")
        elif name == "STACK_GLOBAL":
            called = ".".join(strings[-2:])
        elif name in ("EXT1", "EXT2", "EXT4"):
            called = f"copyreg extension {argument}"
        if called and called not in WANTED and (strict or not is_inert(called)):
            return _wish(called)
    return ""


def unwanted_call_in_stream(content: bytes) -> str:
    """The same for whole pickles one after another, as the format before the zip has them."""
    start = 0
    for _ in range(LEGACY_PICKLES):
        steps = list(itertools.islice(_until_broken(content[start:]), MOST_INSTRUCTIONS))
        if not steps or steps[-1][0].name != "STOP":
            return ""
        call = unwanted_call(steps, strict=True)
        if call:
            return call
        start += (steps[-1][2] or 0) + 1
    return ""


def _until_broken(content: bytes) -> Iterator[Step]:
    try:
        yield from genops(content)
    except (ValueError, OverflowError):
        return


def _wish(called: str) -> str:
    """Return the purpose of a name in a file, in words."""
    shown = safe_text(called, 100)
    module = called.split(".")[0]
    if module in ("numpy", "numpy._core"):
        return f"the file stores a number with {shown}: save it as float(…) or int(…)"
    if called.startswith("torch._utils._rebuild_parameter"):
        return f"the file uses {shown}: save net.state_dict(), which holds plain tensors"
    if called.startswith(("torch._utils._rebuild", "torch._tensor.")) or called.endswith("Storage"):
        return f"the file holds tensors of an unsupported kind ({shown})"
    return f"the file wants to run {shown}"
