"""`cifar-tui presets`."""

from cifar_tui.presets import PRESETS


def presets() -> None:
    """List the presets, each with what may honestly be expected of it."""
    rows = [("preset", "epochs", "batch", "rate", "for", "expected test accuracy")]
    for name, named in PRESETS.items():
        recipe = named.recipe
        numbers = (str(recipe.epochs), str(recipe.batch_size), f"{recipe.learning_rate:g}")
        rows.append((name, *numbers, named.summary, named.expectation))
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
    print("\nOn the official test set, last epoch, without test-time augmentation; smoke uses 2,000 training images.")
