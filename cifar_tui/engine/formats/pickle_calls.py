"""Names what a pickle wants to call, without looking any of it up."""

import itertools
from collections.abc import Iterable, Iterator
from pickletools import OpcodeInfo, genops

from cifar_tui.text import safe_text

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
LEGACY_START = b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19."
"""First bytes of files that torch wrote before version 1.6, or writes without its zip format."""
LEGACY_PICKLES = 5
MOST_INSTRUCTIONS = 100_000
"""Looked at in one pickle. A ResNet-152 with Adam's state has 72,000; ours 3,000."""
STRINGS = ("BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8", "UNICODE", "BINSTRING", "SHORT_BINSTRING", "STRING")
PUTS = ("BINPUT", "LONG_BINPUT", "PUT")
GETS = ("BINGET", "LONG_BINGET", "GET")
Step = tuple[OpcodeInfo, object, int | None]


def unwanted_call(steps: Iterable[Step]) -> str:
    """Return the purpose of the first unwanted function or class, as the rest of a sentence; empty without one."""
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
        if called and called not in WANTED:
            return _wish(called)
    return ""


def unwanted_call_in_stream(content: bytes) -> str:
    """The same for whole pickles one after another, as the format before the zip has them."""
    start = 0
    for _ in range(LEGACY_PICKLES):
        steps = list(itertools.islice(_until_broken(content[start:]), MOST_INSTRUCTIONS))
        if not steps or steps[-1][0].name != "STOP":
            return ""
        call = unwanted_call(steps)
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
