"""The data sets that have a name, each described once; torchvision has their addresses and checksums."""

from pathlib import Path

from cifar_tui.dataclass import dataclass
from cifar_tui.files.home_path import in_home

SYNTHETIC = "synthetic"
"""Name of the images that are drawn by the program."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedDataSet:
    """A published data set, as far as it can be known without torchvision."""

    name: str
    """Its name after `--data`."""
    title: str
    """Its name, for people."""
    torchvision: str
    """Name of its class in torchvision.datasets, which has the addresses and checksums of its files."""
    folder: str
    """Folder of the files that are read, below the data folder, as torchvision has it."""
    archive: str = ""
    """Name of the archive that they are unpacked from; empty where they are downloaded one by one."""
    first_file: str
    """Name of one of these files, by which their folder is recognized."""
    version: str = "Python"
    """Version of the data set that is read."""
    other_versions: tuple[tuple[str, str], ...] = ()
    """Files and folders of other versions, each with the version's name."""
    megabytes: int
    """Room that the downloads and what is unpacked from them need."""
    classes: int
    """Number of its classes."""
    side: int = 32
    """Side of its images in pixels; smaller ones are padded with black."""
    mean: tuple[float, float, float]
    """Mean of each channel of its training images, 0 to 1, as it is widely used."""
    std: tuple[float, float, float]
    """Standard deviation of each channel."""
    mirrored: bool = True
    """False where a mirrored image is no image of its class."""

    @property
    def mirror_variable(self) -> str:
        """Name of the environment variable that holds another address of its archive, or of its files' folder."""
        return f"CIFAR_TUI_{self.name.upper().replace('-', '_')}_URL"

    def is_in(self, folder: Path) -> bool:
        """Return True where a folder holds its files, packed or not, or is their own folder. Raises OSError."""
        packed = self.archive and (folder / self.archive).exists()
        return bool(packed) or (folder / self.folder).exists() or (folder / self.first_file).is_file()

    def is_in_another_version(self, folder: Path) -> bool:
        """Return True where a folder holds another version of it, which cannot be read. Raises OSError."""
        return any((folder / name).exists() for name, _ in self.other_versions)


_NAMED = (
    NamedDataSet(
        name="cifar10",
        title="CIFAR-10",
        torchvision="CIFAR10",
        folder="cifar-10-batches-py",
        archive="cifar-10-python.tar.gz",
        first_file="data_batch_1",
        other_versions=(
            ("cifar-10-batches-bin", "binary"),
            ("cifar-10-binary.tar.gz", "binary"),
            ("data_batch_1.bin", "binary"),
            ("cifar-10-batches-mat", "Matlab"),
            ("cifar-10-matlab.tar.gz", "Matlab"),
            ("data_batch_1.mat", "Matlab"),
        ),
        megabytes=400,
        classes=10,
        mean=(0.4914, 0.4822, 0.4465),
        std=(0.2470, 0.2435, 0.2616),
    ),
    NamedDataSet(
        name="cifar100",
        title="CIFAR-100",
        torchvision="CIFAR100",
        folder="cifar-100-python",
        archive="cifar-100-python.tar.gz",
        first_file="train",
        other_versions=(
            ("cifar-100-binary", "binary"),
            ("cifar-100-binary.tar.gz", "binary"),
            ("train.bin", "binary"),
            ("cifar-100-matlab", "Matlab"),
            ("cifar-100-matlab.tar.gz", "Matlab"),
            ("train.mat", "Matlab"),
        ),
        megabytes=400,
        classes=100,
        mean=(0.5071, 0.4865, 0.4409),
        std=(0.2673, 0.2564, 0.2762),
    ),
    NamedDataSet(
        name="mnist",
        title="MNIST",
        torchvision="MNIST",
        folder="MNIST/raw",
        first_file="train-images-idx3-ubyte.gz",
        version=".gz",
        other_versions=(
            ("MNIST/raw/train-images-idx3-ubyte", "unpacked"),
            ("train-images-idx3-ubyte", "unpacked"),
            ("mnist.npz", "Keras"),
        ),
        megabytes=12,
        classes=10,
        side=28,
        mean=(0.1307, 0.1307, 0.1307),
        std=(0.3081, 0.3081, 0.3081),
        mirrored=False,
    ),
    NamedDataSet(
        name="fashion-mnist",
        title="Fashion-MNIST",
        torchvision="FashionMNIST",
        folder="FashionMNIST/raw",
        first_file="train-images-idx3-ubyte.gz",
        version=".gz",
        other_versions=(
            ("FashionMNIST/raw/train-images-idx3-ubyte", "unpacked"),
            ("train-images-idx3-ubyte", "unpacked"),
        ),
        megabytes=31,
        classes=10,
        side=28,
        mean=(0.2860, 0.2860, 0.2860),
        std=(0.3530, 0.3530, 0.3530),
    ),
)

DATA_SETS = {one.name: one for one in _NAMED}
"""The named data sets, in the order they are listed."""
DEFAULT = DATA_SETS["cifar10"]
"""The data set of a run whose person names none; images without a name are normalized like its own."""
DATA_NAMES = (*DATA_SETS, SYNTHETIC)
"""Names that `--data` takes; anything else is a folder."""


_NO_DASHES = str.maketrans("", "", "-_ ")


def meant_name(typed: str) -> str:
    """Return the name of data that is meant by another spelling of it; empty for none."""
    simplified = typed.casefold().translate(_NO_DASHES)
    return next((name for name in DATA_NAMES if name.translate(_NO_DASHES) == simplified), "")


def held_by(folder: Path, wanted: str = "") -> NamedDataSet | None:
    """Return the data set whose files a folder holds: `wanted` where it may be that; None for none. Raises OSError."""
    candidates = sorted(DATA_SETS.values(), key=lambda one: one.name != wanted)
    found = (one for one in candidates if one.is_in(folder))
    return next(found, None) or next((one for one in candidates if one.is_in_another_version(folder)), None)


def absolute_source(data: str) -> str:
    """Return a name of data as it is, and a folder's path absolute."""
    return data if data in DATA_NAMES else str(in_home(data).absolute())
