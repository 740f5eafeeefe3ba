"""Makes a folder of more or fewer classes from a folder of CIFAR-10's images, by links to them.

python benchmarks/class_folders.py SOURCE TARGET --classes 100

Up to ten classes, they are the first ones of the source. More are the ten, each shared out by brightness: `cat 0` are
the darkest tenth of the cats, where a hundred are asked for.
"""

import argparse
from pathlib import Path

from PIL import Image, ImageStat

SPLITS = ("train", "test")


def brightness(file: Path) -> float:
    """Return the mean of an image's pixels, 0 to 255."""
    with Image.open(file) as image:
        return float(ImageStat.Stat(image.convert("L")).mean[0])


def make(source: Path, target: Path, classes: int) -> int:
    """Link the images, and return how many there are."""
    count = 0
    for split in SPLITS:
        for place in sorted(folder for folder in (source / split).iterdir() if folder.is_dir())[: min(classes, 10)]:
            parts = max(classes // 10, 1)
            files = sorted(place.iterdir(), key=brightness) if parts > 1 else sorted(place.iterdir())
            for number in range(parts):
                folder = target / split / (f"{place.name} {number}" if parts > 1 else place.name)
                folder.mkdir(parents=True)
                share = files[number * len(files) // parts : (number + 1) * len(files) // parts]
                for file in share:
                    (folder / file.name).symlink_to(file.absolute())
                count += len(share)
    return count


def main() -> None:
    """Read the options, link, and print the number of images."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", type=Path)
    parser.add_argument("target", type=Path)
    parser.add_argument("--classes", type=int, required=True, help="2 to 10, or a multiple of 10")
    options = parser.parse_args()
    print(f"{make(options.source, options.target, options.classes):,} images in {options.target}")


if __name__ == "__main__":
    main()
