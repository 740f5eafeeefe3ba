"""Train a ResNet-18 on CIFAR-10 and watch it live in the terminal."""

__version__ = "0.2.0"
