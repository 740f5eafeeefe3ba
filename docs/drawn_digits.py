"""Digits drawn with Pillow's font, as the four files of MNIST: a stand-in where MNIST itself cannot be downloaded.

python docs/drawn_digits.py FOLDER                          # draw 6,000 + 1,000 digits
python docs/drawn_digits.py FOLDER train --headless         # the program, which takes them for `--data mnist`

A digit is turned, slanted, scaled and shifted at random, blurred and made noisy. They are easier than written ones: an
accuracy on them says nothing of MNIST. The program calls them `drawn digits`, in its files and on the screen, too.
"""

import argparse
import dataclasses
import gzip
import hashlib
import struct
import sys
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from cifar_tui.data_sets import DATA_SETS

Images = npt.NDArray[np.uint8]

COUNTS = {"train": 6_000, "t10k": 1_000}
"""Digits of each split, by the beginning of its files' names."""
SIDE = 28
FOLDER = Path("MNIST") / "raw"
SEED = 0


def draw(digit: int, random: np.random.Generator) -> Images:
    """Return one digit, white on black, uint8 [28, 28]."""
    font = ImageFont.load_default(random.uniform(16, 26))
    image = Image.new("L", (SIDE, SIDE))
    place = tuple(SIDE / 2 + random.uniform(-3, 3, 2))
    ImageDraw.Draw(image).text(place, str(digit), 255, font, anchor="mm", stroke_width=int(random.integers(0, 2)))
    slant = random.uniform(-0.35, 0.35)
    image = image.transform(image.size, Image.Transform.AFFINE, (1, slant, -slant * SIDE / 2, 0, 1, 0))
    image = image.rotate(random.uniform(-25, 25), Image.Resampling.BILINEAR)
    image = image.filter(ImageFilter.GaussianBlur(random.uniform(0.3, 1.2)))
    noisy = np.asarray(image).astype(np.float64) + random.normal(0, 25, (SIDE, SIDE))
    return noisy.clip(0, 255).astype(np.uint8)


def idx(array: Images) -> bytes:
    """Return an array as a compressed IDX file of bytes."""
    header = struct.pack(f">{1 + array.ndim}I", 0x0800 + array.ndim, *array.shape)
    return gzip.compress(header + array.tobytes(), mtime=0)


def write(folder: Path) -> None:
    """Draw the digits and write the four files."""
    random, place = np.random.default_rng(SEED), folder / FOLDER
    place.mkdir(parents=True, exist_ok=True)
    for split, count in COUNTS.items():
        labels = random.integers(0, 10, count).astype(np.uint8)
        images = np.stack([draw(int(label), random) for label in labels])
        (place / f"{split}-images-idx3-ubyte.gz").write_bytes(idx(images))
        (place / f"{split}-labels-idx1-ubyte.gz").write_bytes(idx(labels))
    print(f"{sum(COUNTS.values()):,} digits in {place}")


def run(folder: Path, arguments: list[str]) -> None:
    """Run the program, which finds these files right and calls them what they are."""
    import torchvision.datasets

    from cifar_tui.cli import main as program

    found = sorted((folder / FOLDER).glob("*.gz"))
    resources = [(file.name, hashlib.md5(file.read_bytes(), usedforsecurity=False).hexdigest()) for file in found]
    torchvision.datasets.MNIST.resources = resources
    DATA_SETS["mnist"] = dataclasses.replace(DATA_SETS["mnist"], title="drawn digits")
    new = arguments[0] == "train" and "--resume" not in arguments  # a run that there is knows its data
    sys.argv = ["cifar-tui", *arguments, *(["--data", "mnist", "--data-dir", str(folder.absolute())] if new else [])]
    program()


def main() -> None:
    """Read the options, and draw or run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    options, arguments = parser.parse_known_args()
    if arguments:
        run(options.folder, arguments)
    else:
        write(options.folder)


if __name__ == "__main__":
    main()
