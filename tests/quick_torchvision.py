"""torchvision as the program imports it: without torch's compiler, which takes each process seconds."""

from cifar_tui.engine.data.published import torchvision_datasets

datasets = torchvision_datasets()

import torchvision  # noqa: E402
from torchvision.datasets import CIFAR10, CIFAR100, MNIST, FashionMNIST  # noqa: E402

__all__ = ["CIFAR10", "CIFAR100", "MNIST", "FashionMNIST", "datasets", "torchvision"]
