"""Files that want something from whoever opens them: to run code, to fill the memory, to pass for a network."""

import os
import pickle
import zipfile
from argparse import Namespace
from collections import Counter, OrderedDict
from pathlib import Path

import numpy as np
import torch

from cifar_tui.engine.network.model import ResNet18
from tests.engine.formats.hostile_parts import (
    ESCAPE,
    WIDTH,
    Call,
    Hostile,
    as_file,
    claiming,
    doubled,
    holding,
    linked,
    one,
    overlapping,
    pickled,
    quantised,
    safetensors,
    saved,
    saved_pickle,
    sparse_file,
    system,
    tensor,
    text,
    touch,
    weights,
    whole_network,
    with_duplicate,
    zipped,
)

RUNS_SYSTEM = r"^Refused: the file wants to run (posix|os)\.system\. Nothing was executed\.$"
ODD = "holds tensors of an unsupported kind"

CODE = [
    Hostile("reduce.pth", "os.system by __reduce__", RUNS_SYSTEM, holding(touch)),
    Hostile("listed.pth", "the same in a list in a dict", RUNS_SYSTEM, holding(lambda c: {"net": [1, [touch(c)]]})),
    Hostile("among.pth", "the same among real weights", RUNS_SYSTEM, holding(lambda c: {**weights(), "x": touch(c)})),
    Hostile("old.pth", "the same in torch's old format", RUNS_SYSTEM, holding(touch, legacy=True)),
    Hostile("bare.pth", "a bare pickle", RUNS_SYSTEM, lambda p, c: as_file(p, pickle.dumps(touch(c), 2))),
    Hostile("new.pth", "a bare pickle, protocol 5", RUNS_SYSTEM, lambda p, c: as_file(p, pickle.dumps(touch(c), 5))),
    Hostile("ascii.pth", "a bare pickle, protocol 0", RUNS_SYSTEM, lambda p, c: as_file(p, pickle.dumps(touch(c), 0))),
    Hostile("global.pth", "os.system by name", RUNS_SYSTEM, pickled(lambda c: b"\x80\x02" + system(c) + b".")),
    Hostile("stack.pth", "names from the stack", RUNS_SYSTEM, pickled(lambda c: pickle.dumps(touch(c), 4))),
    Hostile(
        "memo.pth",
        "names from the memo",
        RUNS_SYSTEM,
        pickled(lambda c: b"\x80\x04" + text("system") + b"q\x07" + text("os") + b"h\x07\x93" + text(f"touch {c}") + b"\x85R."),
    ),
    Hostile("inst.pth", "INST", RUNS_SYSTEM, pickled(lambda c: b"(" + text(f"touch {c}") + b"ios\nsystem\n.")),
    Hostile(
        "eval.pth",
        "builtins.eval",
        r"wants to run builtins\.eval\.",
        pickled(lambda c: b"\x80\x02cbuiltins\neval\n" + text(f"open({str(c)!r}, 'w')") + b"\x85R."),
    ),
    Hostile(
        "setstate.pth",
        "__setstate__ by BUILD",
        r"wants to run torch\.nn\.modules\.module\.Module \(if this is a whole network",
        pickled(b"\x80\x02ctorch.nn.modules.module\nModule\n)\x81}b."),
    ),
    Hostile("network.pth", "a whole network", r"wants to run torch\.nn\.modules.* \(if this is a whole network", holding(whole_network)),
    Hostile(
        "attribute.pth",
        "a dict whose items() is another",
        "changes how its values behave",
        pickled(b"\x80\x02ccollections\nOrderedDict\n)R}" + text("items") + b"Nsb."),
    ),
    Hostile("counter.pth", "a Counter of code", RUNS_SYSTEM, holding(lambda c: {"net": weights(), "s": Call(Counter, touch(c))})),
    Hostile("set.pth", "a set of code", RUNS_SYSTEM, holding(lambda c: {"net": weights(), "s": Call(set, [touch(c)])})),
    Hostile("args.pth", "a Namespace with code", RUNS_SYSTEM, holding(lambda c: {"net": weights(), "a": Namespace(lr=touch(c))})),
    Hostile("scalar.pth", "a NumPy number of code", RUNS_SYSTEM, holding(lambda c: {"net": weights(), "acc": Call(np.dtype, touch(c))})),
    Hostile("enum.pth", "a trainer's class with code", RUNS_SYSTEM, holding(lambda c: {"net": weights(), "m": Call(Hostile, touch(c))})),
    Hostile(
        "popen.pth",
        "an instance of a class that starts a program",
        r"wants to run subprocess\.Popen\.",
        pickled(b"\x80\x02csubprocess\nPopen\n)\x81."),
    ),
    Hostile(
        "behind.pth",
        "a second pickle behind the first",
        "hides something behind",
        pickled(lambda c: saved_pickle(weights()) + b"\x80\x02" + system(c) + b"."),
    ),
    Hostile("twice.pth", "a second data.pkl", r"holds archive/data\.pkl twice", with_duplicate),
    Hostile("extension.pth", "a registered extension", "copyreg extension 7", pickled(b"\x80\x02\x82\x07)R.")),
    Hostile(
        "subclass.pth",
        "a tensor's subclass, which torch allows",
        ODD,
        pickled(b"\x80\x02ctorch._tensor\n_rebuild_from_type_v2\n)R."),
    ),
    Hostile("called.pth", "OrderedDict of something", "in a way that torch", pickled(b"\x80\x02ccollections\nOrderedDict\n]\x85R.")),
    Hostile("script.pth", "TorchScript", "TorchScript", lambda p, _: zipped(p, b"", more={"archive/constants.pkl": b""})),
]  # fmt: skip

BOMBS = [
    Hostile("expanded.pth", "one number as 2 GB", "expanded", holding(lambda _: {"a": torch.zeros(1).expand(2**29)})),
    Hostile("stride.pth", "the same by stride 0", "expanded", pickled(tensor(geometry=b"K\x00J\x00\x00\x00\x20\x85K\x00\x85"))),
    Hostile("outside.pth", "numbers from behind the file's", "expanded", pickled(tensor(geometry=b"M\x00\x40))"))),
    Hostile("larger.pth", "a storage larger than its bytes", "does not have the size that it claims", pickled(tensor("DoubleStorage"))),
    Hostile(
        "deflated.pth",
        "20 MB of zeros in 20 kB",
        "is compressed and may grow",
        lambda p, _: zipped(p, b"\x80\x02}.", more={"archive/data/1": bytes(20_000_000)}, compression=zipfile.ZIP_DEFLATED),
    ),
    Hostile("claims.pth", "4 bytes that claim to be 2 GB", "is damaged", claiming),
    Hostile("overlap.pth", "two entries in one place", "overlaps another", overlapping),
    Hostile("sparse.pth", "8 GB that are nowhere on the disk", "8.6 GB; checkpoints may have", sparse_file),
    Hostile("lists.pth", "10^12 values by doubling a list", "32 levels deep", holding(lambda _: doubled(list))),
    Hostile("tuples.pth", "the same with tuples", "more than 100,000 values", holding(lambda _: doubled(tuple))),
    Hostile("itself.pth", "a list in itself", "contains no weights of a network", pickled(b"\x80\x02]q\x00h\x00a.")),
    Hostile("deep.pth", "40,000 lists in each other", "32 levels deep", pickled(b"\x80\x02" + b"]" * 40_000 + b"a" * 39_999 + b".")),
    Hostile("deeper.pth", "a million of them", "100,000 instructions", pickled(b"\x80\x02" + b"]" * 10**6 + b"a" * (10**6 - 1) + b".")),
    Hostile("wide.pth", "a dict of 150,000 keys", "100,000 instructions", holding(lambda _: dict.fromkeys(range(150_000)))),
    Hostile("long.pth", "a description of 5 MB", "has 5.0 MB", pickled(b"\x80\x02" + text("x" * 5_000_000) + b".")),
    Hostile("heavy.pth", "ten networks' bytes beside a network", "far more than", holding(lambda _: {"net": weights(), "x": torch.zeros(500_000)})),
    Hostile("entries.pth", "20,000 entries", "is damaged", lambda p, _: zipped(p, b"\x80\x02}.", more={f"archive/data/{n}": b"" for n in range(1, 20_000)})),
]  # fmt: skip

ODD_TENSORS = [
    Hostile("coo.pth", "a sparse tensor", ODD, holding(lambda _: {**weights(), "fc.weight": torch.eye(3).to_sparse()})),
    Hostile("quantised.pth", "a quantised tensor", ODD, holding(lambda _: {**weights(), "fc.weight": quantised()})),
    Hostile("meta.pth", "a tensor without numbers", ODD, holding(lambda _: {"fc.weight": torch.zeros(3, device="meta")})),
    Hostile("place.pth", "the same by its place", "without numbers", pickled(tensor(device="meta"))),
    Hostile("complex.pth", "complex numbers", ODD, holding(lambda _: {"fc.weight": torch.zeros(3, dtype=torch.complex64)})),
    Hostile("parameter.pth", "parameters alone", "has no conv1.1.running_mean", holding(lambda _: dict(ResNet18(WIDTH).named_parameters()))),
    Hostile("object.pth", "an array of objects", "contains no weights of a network", holding(lambda _: {"net": np.array([{}], dtype=object)})),
    Hostile("shape.pth", "another shape", r"fc\.bias has another shape", holding(lambda _: {**weights(), "fc.bias": torch.zeros(1)})),
    Hostile("width.pth", "no channels", "other names", holding(lambda _: {**weights(), "conv1.0.weight": torch.zeros(0, 3, 3, 3)})),
    Hostile("nan.pth", "NaN among the weights", "NaN or infinite", holding(lambda _: {**weights(), "fc.bias": torch.full((10,), torch.nan)})),
    Hostile("keys.pth", "keys that are no names", "contains no weights of a network", holding(lambda _: {1: torch.zeros(1)})),
    Hostile("number.pth", "a lone number", "contains no weights of a network", holding(lambda _: 7)),
    Hostile("nothing.pth", "an empty dict", "contains no weights of a network", holding(lambda _: OrderedDict())),
]  # fmt: skip

PLACES = [
    Hostile("pipe.pth", "a pipe that never ends", "not a regular file", lambda p, _: os.mkfifo(p)),
    Hostile("zero.pth", "a device that never ends", "not a regular file", lambda *_: Path("/dev/zero")),
    Hostile("folder.pth", "a folder", "not a regular file", lambda p, _: p.mkdir()),
    Hostile("link.pth", "a link", "it is a link", linked),
    Hostile("gone.pth", "no file", "was deleted", lambda *_: None),
    Hostile("empty.pth", "no bytes", "it is empty", lambda p, _: as_file(p, b"")),
    Hostile("text.pth", "a text", "is not a checkpoint", lambda p, _: as_file(p, b"c'est un texte\n" * 99)),
    Hostile("plain.zip", "another zip", "is a zip archive of 1 file", lambda p, _: zipfile.ZipFile(p, "w").writestr("a/b", "c")),
    Hostile("legacy.pth", "weights in torch's old format", "Convert it", holding(lambda _: weights(), legacy=True)),
]  # fmt: skip

ARCHIVES = [
    Hostile("climbs.pth", "a name that climbs", r"archive/\.\./\.\./up, which", lambda p, _: zipped(p, b"\x80\x02}.", more={"archive/../../up": b""})),
    Hostile("root.pth", "an absolute name", "/etc/up, which", lambda p, _: zipped(p, b"\x80\x02}.", more={"/etc/up": b""})),
    Hostile("roots.pth", "two archives in one", r"other/data\.pkl, which", lambda p, _: zipped(p, b"\x80\x02}.", more={"other/data.pkl": b""})),
    Hostile("comment.pth", "something behind the archive", "is damaged", lambda p, _: as_file(p, saved(weights()) + b"more")),
    Hostile("before.pth", "an archive behind another", "is damaged", lambda p, _: as_file(p, saved({}) + saved(weights()))),
    Hostile("opposite.pth", "big-endian numbers", "big-endian", lambda p, _: zipped(p, b"\x80\x02}.", more={"archive/byteorder": b"big"})),
    Hostile("header.safetensors", "a header of 2^55 bytes", "is larger than that of any", safetensors(b"{}", length=1 << 55)),
    Hostile("cut.safetensors", "a header that is cut", "is damaged", safetensors(b"{}", b"", length=999)),
    Hostile("nested.safetensors", "a header of 100,000 brackets", "is damaged", safetensors(b'{"a":' + b"[" * 100_000)),
    Hostile("gap.safetensors", "a gap", "is damaged", safetensors({"a": one(offsets=(4, 8))}, bytes(8))),
    Hostile("overlap.safetensors", "tensors over each other", "is damaged", safetensors({"a": one(), "b": one()})),
    Hostile("large.safetensors", "a shape larger than its bytes", "is damaged", safetensors({"a": one(shape=(1 << 40,))})),
    Hostile("type.safetensors", "an unknown type", "is damaged", safetensors({"a": one(dtype="F4")})),
    Hostile("array.safetensors", "a shape of words", "is damaged", safetensors({"a": one(shape=["x"])})),
]  # fmt: skip

WORDS = [
    Hostile("key.pth", "escape codes in a key", "another kind", holding(lambda _: {ESCAPE: torch.zeros(1)})),
    Hostile("call.pth", "escape codes in a function's name", "wants to run", pickled(b"\x80\x02c\x1b[31m\x07name\nrun\n)R.")),
    Hostile("storage.pth", "escape codes in a storage's key", "does not have the size that it claims", pickled(tensor().replace(text("0"), text("\x1b[31m")))),
    Hostile("entry.pth", "escape codes in an entry", "which no checkpoint has", lambda p, _: zipped(p, b"\x80\x02}.", more={f"archive/{ESCAPE}": b""})),
    Hostile(f"{ESCAPE.replace('/', '')}.pth", "escape codes in its own name", "not a checkpoint", lambda p, _: as_file(p, b"words")),
    Hostile("surrogate.pth", "half a character in a key", "another kind", pickled(tensor().replace(b"X\x01\x00\x00\x00a", text("\ud800"), 1))),
    Hostile("weights.safetensors", "escape codes in safetensors", "another kind", safetensors({ESCAPE: one()})),
]  # fmt: skip

CORPUS = [*CODE, *BOMBS, *ODD_TENSORS, *PLACES, *ARCHIVES, *WORDS]
"""Every one of them."""
