"""Lets `python -m cifar_tui` stand for the `cifar-tui` command."""

from cifar_tui.cli import main

main()
