"""Follows a pickle's instructions on paper: what would be built is known, and nothing is imported, called or allocated.

Only what torch.save writes for plain tensors in dicts, lists and tuples is followed (pickle protocol 2);
harmless values of other kinds are passed over.
"""

import itertools
import math
import pickletools
from collections.abc import Callable, Mapping

import torch

from cifar_tui.engine.formats.pickle_calls import MOST_INSTRUCTIONS, is_inert, unwanted_call
from cifar_tui.engine.formats.pickle_values import Group, Named, Storage, as_content
from cifar_tui.engine.formats.stored_tensor import Content, PassedOver, StoredTensor
from cifar_tui.errors import CheckpointDamaged, refused
from cifar_tui.text import safe_text

LARGEST_NUMBER = 1 << 40
"""For sizes, strides and offsets."""

STORAGES = {
    "FloatStorage": torch.float32,
    "DoubleStorage": torch.float64,
    "HalfStorage": torch.float16,
    "BFloat16Storage": torch.bfloat16,
    "LongStorage": torch.int64,
    "IntStorage": torch.int32,
    "ShortStorage": torch.int16,
    "CharStorage": torch.int8,
    "ByteStorage": torch.uint8,
    "BoolStorage": torch.bool,
}
CONSTANTS = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False}
PLAIN = ("BININT", "BININT1", "BININT2", "LONG1", "BINFLOAT", "BINUNICODE")
MOST_DIMENSIONS = 8
REBUILD_ARGUMENTS = 6
"""Storage, offset, size, stride, whether it had a gradient, hooks."""


def scan(pickle: bytes, storages: Mapping[str, int]) -> tuple[Content, bool]:
    """Return the content that a pickle would load to, given each storage's bytes by key, and True if it is all of it.

    Raises CheckpointDamaged.
    """
    try:
        steps = list(itertools.islice(pickletools.genops(pickle), MOST_INSTRUCTIONS + 1))
    except (ValueError, OverflowError):
        raise CheckpointDamaged("The file is damaged: the description of its tensors is cut off.") from None
    call = unwanted_call(steps)
    if call:
        raise refused(call + _whole_network(pickle))
    if len(steps) > MOST_INSTRUCTIONS:
        raise refused(f"the file takes more than {MOST_INSTRUCTIONS:,} instructions to build")
    if steps[-1][2] != len(pickle) - 1:
        raise refused("the file hides something behind its tensors")
    try:
        interpreter = _PickleInterpreter(storages)
        content = as_content(interpreter.follow(steps))
        return content, not interpreter.left_out
    except (IndexError, KeyError, TypeError, ValueError, AttributeError):
        raise refused("the file builds its values in a way that torch.save does not") from None


def _whole_network(pickle: bytes) -> str:
    return " (if this is a whole network, save its state_dict() instead)" if b"ctorch.nn.modules." in pickle else ""


class _PickleInterpreter:
    """The stack and the memo of a pickle that is followed on paper."""

    def __init__(self, storages: Mapping[str, int]) -> None:
        self._storages = storages
        self._stack: list[object] = []
        self._below: list[list[object]] = []
        self._memo: dict[int, object] = {}
        self.left_out = False
        """True once a value was passed over."""
        self._does: dict[str, Callable[[], None]] = {
            "MARK": self._mark,
            "TUPLE": lambda: self._push_group("tuple", self._above_mark()),
            "TUPLE1": lambda: self._push_group("tuple", self._popped(1)),
            "TUPLE2": lambda: self._push_group("tuple", self._popped(2)),
            "TUPLE3": lambda: self._push_group("tuple", self._popped(3)),
            "EMPTY_TUPLE": lambda: self._push_group("tuple", []),
            "EMPTY_LIST": lambda: self._push_group("list", []),
            "EMPTY_DICT": lambda: self._push_group("dict", []),
            "APPEND": lambda: self._fill("list", self._popped(1)),
            "APPENDS": lambda: self._fill("list", self._above_mark()),
            "SETITEM": lambda: self._fill("dict", self._popped(2)),
            "SETITEMS": lambda: self._fill("dict", self._above_mark()),
            "BINPERSID": self._take_storage,
            "REDUCE": self._call,
            "BUILD": self._set_metadata,
            "NEWOBJ": self._make_instance,
        }

    def follow(self, steps: list[tuple[pickletools.OpcodeInfo, object, int | None]]) -> object:
        """Every instruction in turn. Returns what the pickle would become."""
        for operation, argument, _ in steps:
            name = operation.name
            if name in self._does:
                self._does[name]()
            elif name in PLAIN:
                self._stack.append(argument)
            elif name in CONSTANTS:
                self._stack.append(CONSTANTS[name])
            elif name == "GLOBAL":
                named = Named(str(argument).replace(" ", "."))
                self.left_out = self.left_out or is_inert(named.name)
                self._stack.append(named)
            elif name in ("BINPUT", "LONG_BINPUT"):
                self._memo[_whole(argument)] = self._stack[-1]
            elif name in ("BINGET", "LONG_BINGET"):
                self._remember(self._memo[_whole(argument)])
            elif name == "STOP":
                break
            elif name != "PROTO" or argument != 2:
                raise refused(
                    f"the file uses the pickle instruction {name}, which torch does not write by itself: "
                    "save it with torch.save(net.state_dict(), …)"
                )
        (result,) = self._popped(1)
        return result

    def _mark(self) -> None:
        self._below.append(self._stack)
        self._stack = []

    def _above_mark(self) -> list[object]:
        values, self._stack = self._stack, self._below.pop()
        return values

    def _popped(self, number: int) -> list[object]:
        values = self._stack[-number:]
        if len(values) != number:
            raise IndexError
        del self._stack[-number:]
        return values

    def _push_group(self, kind: str, values: list[object]) -> None:
        group = Group(kind, [])
        group.add(values)
        self._stack.append(group)

    def _fill(self, kind: str, values: list[object]) -> None:
        group = self._stack[-1]
        if isinstance(group, PassedOver):
            return
        if not isinstance(group, Group) or group.kind != kind or (kind == "dict" and len(values) % 2):
            raise TypeError
        if kind == "dict":
            plain = [isinstance(key, str | int | float | None) for key in values[::2]]
            self.left_out = self.left_out or not all(plain)
            values = [value for place, value in enumerate(values) if plain[place // 2]]
        group.add(values)

    def _remember(self, value: object) -> None:
        # What can still be filled is used once, so that nothing holds itself and every count stays true.
        if isinstance(value, Group) and value.kind != "tuple":
            value = self._pass_over(f"a {value.kind} that is held twice")
        self._stack.append(value)

    def _pass_over(self, name: str) -> PassedOver:
        self.left_out = True
        return PassedOver(name)

    def _make_instance(self) -> None:
        kind, _ = self._popped(2)
        if not isinstance(kind, Named) or not is_inert(kind.name):
            raise TypeError
        self._stack.append(self._pass_over(kind.name))

    def _take_storage(self) -> None:
        (place,) = self._popped(1)
        word, kind, key, device, numbers = _tuple(place)
        if not (isinstance(kind, Named) and word == "storage" and isinstance(key, str) and isinstance(device, str)):
            raise TypeError
        if device.split(":")[0] == "meta":
            raise refused("the file holds tensors without numbers (meta)")
        dtype = STORAGES[kind.name.removeprefix("torch.")]
        count = _whole(numbers)
        if self._storages.get(key) != count * dtype.itemsize:
            raise refused(f"tensor {safe_text(key, 20)} in the file does not have the size that it claims")
        self._stack.append(Storage(dtype, key, count))

    def _call(self) -> None:
        function, arguments = self._popped(2)
        if not isinstance(function, Named):
            raise TypeError
        values = _tuple(arguments)
        if function.name == "collections.OrderedDict" and not values:
            self._push_group("dict", [])
        elif function.name == "torch._utils._rebuild_tensor_v2" and len(values) == REBUILD_ARGUMENTS:
            self._stack.append(_tensor(values))
        elif function.name == "torch._utils._rebuild_parameter" and values and isinstance(values[0], StoredTensor):
            self.left_out = True  # it is read as the tensor that it is
            self._stack.append(values[0])
        elif is_inert(function.name):
            self._stack.append(self._pass_over(function.name))
        else:
            raise refused(f"the file calls {safe_text(function.name, 100)} in a way that torch.save does not")

    def _set_metadata(self) -> None:
        """A state_dict carries its layers' versions as an attribute; any other would hide the dict's own methods."""
        target, attributes = self._popped(2)
        if isinstance(target, PassedOver):
            self._stack.append(target)
            return
        if not (isinstance(target, Group) and isinstance(attributes, Group)):
            raise TypeError
        if target.kind != "dict" or attributes.kind != "dict" or attributes.values[::2] != ["_metadata"]:
            raise refused("the file changes how its values behave")
        self._stack.append(target)


def _tensor(values: list[object]) -> StoredTensor:
    storage, offset, size, stride, _, hooks = values
    if not isinstance(storage, Storage) or not isinstance(hooks, Group) or hooks.values:
        raise TypeError
    sizes, strides = [_whole(one) for one in _tuple(size)], [_whole(one) for one in _tuple(stride)]
    if len(sizes) != len(strides) or len(sizes) > MOST_DIMENSIONS:
        raise TypeError
    start = _whole(offset)
    last = start + sum((one - 1) * step for one, step in zip(sizes, strides, strict=True))
    if math.prod(sizes) and (math.prod(sizes) > storage.numbers or last >= storage.numbers):
        raise refused("the file holds a tensor larger than its numbers (expanded)")
    return StoredTensor(storage.dtype, tuple(sizes), storage.key, tuple(strides), start)


def _tuple(value: object) -> list[object]:
    if not isinstance(value, Group) or value.kind != "tuple":
        raise TypeError
    return value.values


def _whole(value: object) -> int:
    if type(value) is not int or not 0 <= value < LARGEST_NUMBER:
        raise TypeError
    return value
