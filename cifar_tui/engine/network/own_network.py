"""Networks of people's own: runs the code that the command line has allowed, and checks what it makes.

The only place that runs code which is not part of this program; what may run is in runs/own_code.py.
"""

import contextlib
import linecache
import random
import sys
import traceback
from collections.abc import Iterator
from functools import cache
from types import ModuleType
from typing import Any

import numpy as np
import psutil
import torch
from torch import nn
from torch.nn.modules.module import register_module_parameter_registration_hook
from torch.nn.parameter import is_lazy

from cifar_tui.engine.network.device import is_out_of_memory
from cifar_tui.errors import BadInput
from cifar_tui.own_model import OwnModel
from cifar_tui.recipe import SIDE
from cifar_tui.runs.own_code import AllowedCode, allowed_code
from cifar_tui.system.container import memory_limit
from cifar_tui.text import counted, safe_text, size

COPIES = 3
"""Times a network's weights that training takes at least: they, their gradients and their momentum."""


class BadModel(BadInput):
    """Code of one's own cannot be used; the message names it, with the lines of it that failed where it did."""


def own_network(model: OwnModel, classes: int, seed: int, copies: int = 1) -> nn.Module:
    """Return the network that a function of people's own makes, on the CPU, its first weights fixed by the seed.

    So many `copies` of its weights have to fit the memory. Raises BadModel; BadInput where the code may not run.
    """
    code = allowed_code(model)
    with _seeded(seed):
        with _limited(code, copies * torch.float32.itemsize):
            network = _make(code, classes)
            if any(is_lazy(one) for one in (*network.parameters(), *network.buffers())):
                _materialise(code, network)
        _check_tensors(code, network)
    # Their code may view activations as it likes, which a layout of ours would not allow.
    network.register_forward_pre_hook(_plain_images)
    return network


def check_first_batch(
    model: OwnModel, network: nn.Module, classes: int, sides: tuple[int, ...] = (SIDE,), images: int = 2
) -> None:
    """Check that a network can be trained on a batch of images of these sides, and tested on one. Raises BadModel.

    Its statistics change.
    """
    code = allowed_code(model)
    with _seeded(0):
        for side in sides:
            hint = " (--sizes whole leaves them 32×32)" if side < SIDE else ""
            with _explained(code, f"failed in training on {counted(images, 'image')} of {side}×{side}{hint}"):
                logits = network.train()(torch.randn(images, 3, side, side))
            _check_logits(code, logits, images, classes)
            if not logits.requires_grad:
                raise BadModel(f"{code.model.name}: no loss reaches the weights, as if under torch.no_grad().")
            with _explained(code, "failed in its backward pass"):
                logits.sum().backward()
    check_test(model, network, classes)
    _check_tensors(code, network)


def check_test(model: OwnModel, network: nn.Module, classes: int) -> None:
    """Check that a network can be tested on one image. Raises BadModel."""
    code = allowed_code(model)
    with _seeded(0), torch.inference_mode(), _explained(code, "failed in testing one image"):
        logits = network.eval()(torch.randn(1, 3, SIDE, SIDE))
    network.train()
    _check_logits(code, logits, 1, classes)


def seed_step(model: OwnModel | None, seed: int, step: int, rank: int = 0) -> None:
    """Make what an own network draws in a step, as Dropout does, a function of (seed, step, rank)."""
    if model is not None:
        torch.manual_seed((seed * 1_000_003 + step * 4_099 + rank) % (1 << 63))


def _plain_images(_network: nn.Module, inputs: tuple[Any, ...]) -> tuple[Any, ...]:
    # Any: what a hook gets; the first is the images, and there is no other.
    return (inputs[0].contiguous(), *inputs[1:])


@cache
def _module(code: AllowedCode) -> ModuleType:
    """Run a file, once in a process."""
    module = ModuleType(f"own_network_{code.model.sha256[:12]}")
    module.__file__ = code.path
    # Standard output may be JSON, or a screen.
    module.__dict__["print"] = lambda *values, **options: print(*values, **{"file": sys.stderr, **options})
    lines = code.source.decode("utf-8", "replace").splitlines(keepends=True)
    linecache.cache[code.path] = (len(code.source), None, lines, code.path)
    # Dataclasses and torch.compile look a class's module up.
    sys.modules[module.__name__] = module
    exec(compile(code.source, code.path, "exec", dont_inherit=True), module.__dict__)
    return module


def _make(code: AllowedCode, classes: int) -> nn.Module:
    with _explained(code, "cannot be run"):
        function = getattr(_module(code), code.model.function, None)
    if not callable(function):
        raise BadModel(f"{safe_text(code.path, 200)} has no function {code.model.function}.")
    with _explained(code, "failed"):
        network = function(classes)
    if not isinstance(network, nn.Module):
        raise BadModel(
            f"{code.model.name} must return a torch.nn.Module, and returned {type(network).__name__}. "
            f"It is called with the number of classes, {classes}."
        )
    return network.to("cpu").train()


def _materialise(code: AllowedCode, network: nn.Module) -> None:
    """Give lazy layers their sizes by a first image; in a test, which leaves statistics alone."""
    with torch.no_grad(), _explained(code, "failed on its first image"):
        network.eval()(torch.zeros(1, 3, SIDE, SIDE))
    network.train()
    lazy = next((name for name, one in network.named_parameters() if is_lazy(one)), "")
    if lazy:
        raise BadModel(f"{code.model.name}: {safe_text(lazy, 80)} has no size after a first image: no layer used it.")


def _check_tensors(code: AllowedCode, network: nn.Module) -> None:
    """Raise BadModel unless the weights can be trained by float32 SGD, saved by name, and restored."""
    name, state = code.model.name, network.state_dict()
    weights = dict(network.named_parameters(remove_duplicate=False))
    if not any(weight.requires_grad for weight in weights.values()):
        raise BadModel(f"{name} has no parameters to train.")
    for key, weight in weights.items():
        if weight.dtype is not torch.float32:
            kind = str(weight.dtype).removeprefix("torch.")
            raise BadModel(f"{name}: parameter {safe_text(key, 80)} is {kind}: only float32 can be trained.")
    for key, tensor in state.items():
        if not isinstance(tensor, torch.Tensor) or tensor.layout is not torch.strided or tensor.is_complex():
            raise BadModel(f"{name}: {safe_text(key, 80)} in its state_dict is no plain tensor and cannot be saved.")
        if tensor.is_floating_point() and not bool(torch.isfinite(tensor).all()):
            raise BadModel(
                f"{name}: {safe_text(key, 80)} holds NaN or infinite numbers; "
                "a mask is better registered with persistent=False."
            )
    if other := weights.keys() - state.keys():
        raise BadModel(f"{name}: parameter {safe_text(min(other), 80)} is missing in its state_dict.")


def _check_logits(code: AllowedCode, logits: object, images: int, classes: int) -> None:
    shown = counted(images, "image")
    wanted = f"{code.model.name} must return logits [{images}, {classes}] for {shown} of {classes} classes"
    if not isinstance(logits, torch.Tensor):
        raise BadModel(f"{wanted}, and its network returned {type(logits).__name__}.")
    if tuple(logits.shape) != (images, classes):
        raise BadModel(f"{wanted}, and its network returned {list(logits.shape)}.")
    if not logits.is_floating_point():
        raise BadModel(f"{wanted}, as floating-point numbers, not {str(logits.dtype).removeprefix('torch.')}.")
    if not bool(torch.isfinite(logits).all()):
        raise BadModel(f"{code.model.name}: the first logits of its network are NaN or infinite.")


@contextlib.contextmanager
def _explained(code: AllowedCode, what: str) -> Iterator[None]:
    """Raise BadModel with the lines of that file that an error came through, for its author, and none of ours."""
    try:
        yield
    except BadModel:
        raise
    except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever breaks in a stranger's code is theirs to read
        if is_out_of_memory(error) or "can't allocate memory" in str(error):
            raise BadModel(f"{code.model.name} {what}: the memory does not suffice for its network.") from None
        frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename == code.path]
        shown = [*traceback.format_list(frames), *traceback.format_exception_only(error)]
        missing = isinstance(error, ModuleNotFoundError)
        hint = "\nA file of one's own has to stand alone, beside packages that are installed." if missing else ""
        raise BadModel(f"{code.model.name} {what}:\n{''.join(shown).rstrip()}{hint}") from None


@contextlib.contextmanager
def _seeded(seed: int) -> Iterator[None]:
    """Draw by the seed in this block, and leave every generator and default of torch as it was."""
    of_python, of_numpy, dtype = random.getstate(), np.random.get_state(), torch.get_default_dtype()
    with torch.random.fork_rng(devices=[]), torch.enable_grad():
        torch.manual_seed(seed)
        random.seed(seed)
        np.random.seed(seed % (1 << 32))
        try:
            yield
        finally:
            torch.set_default_dtype(dtype)
            random.setstate(of_python)
            np.random.set_state(of_numpy)


@contextlib.contextmanager
def _limited(code: AllowedCode, bytes_each: int) -> Iterator[None]:
    """Raise BadModel as soon as the parameters made in this block would take more memory than there is."""
    room, numbers = _free_memory(), 0

    def count(_module: nn.Module, _name: str, weight: nn.Parameter) -> None:
        nonlocal numbers
        numbers += 0 if is_lazy(weight) else weight.numel()
        if numbers * bytes_each > room:
            raise BadModel(
                f"{code.model.name}: {numbers:,} parameters and more take {size(numbers * bytes_each)} "
                f"in training, and {size(room)} of memory are free."
            )

    hook = register_module_parameter_registration_hook(count)
    try:
        yield
    finally:
        hook.remove()


def _free_memory() -> int:
    """Return the bytes of memory that are free for this process."""
    limit, free = memory_limit(), int(psutil.virtual_memory().available)
    return free if limit is None else min(free, max(limit.total - limit.used, 0))
