"""The confusion matrix as a document: legible and small for any number of classes."""

import io
from xml.etree import ElementTree

import pytest
from PIL import Image

from cifar_tui.checkpoint_events import EvaluationDone
from cifar_tui.report.confusion import Confusion
from cifar_tui.report.confusion_svg import confusion_svg, shown_classes
from cifar_tui.runs.records.evaluation_images import draw_confusion

SVG = "{http://www.w3.org/2000/svg}"


def evaluation(classes: int) -> EvaluationDone:
    """Of each class 10 images: the last ones are confused with the next class, all others found but one."""
    rows = []
    for label in range(classes):
        wrong = 6 if label >= classes - 8 else 1
        rows.append({label: 10 - wrong, (label + 1) % classes: wrong})
    dense = tuple(tuple(row.get(one, 0) for one in range(classes)) for row in rows) if classes <= 20 else ()
    sparse = tuple(tuple(part for cell in row.items() for part in cell) for row in rows) if classes > 20 else ()
    hits = sum(row[label] for label, row in enumerate(rows))
    return EvaluationDone(
        checkpoint="net_003.pth",
        images=10 * classes,
        loss=1.0,
        accuracy=hits / (10 * classes),
        classes=tuple(f"<class & {label}>" for label in range(classes)),
        confusion=dense,
        sparse_confusion=sparse,
        seconds=1.0,
    )


def texts(document: str) -> list[str]:
    return ["".join(element.itertext()) for element in ElementTree.fromstring(document).iter(f"{SVG}text")]


@pytest.mark.parametrize("classes", [2, 10, 20])
def test_few_classes_are_all_drawn(classes: int) -> None:
    done = evaluation(classes)
    said = texts(confusion_svg(done))
    for name in done.classes:
        assert said.count(name) == 2, "beside its row and above its column"
    counts = [int(one) for one in said if one.isdecimal()]
    assert sum(counts) == done.images
    assert not any("others" in one for one in said)


@pytest.mark.parametrize("classes", [21, 37, 100, 1000])
def test_of_many_classes_the_most_confused_are_drawn_with_all_their_images(classes: int) -> None:
    done = evaluation(classes)
    shown = shown_classes(Confusion(done))
    document = confusion_svg(done)
    said = texts(document)
    assert len(shown) == 20
    assert set(range(classes - 8, classes)) <= set(shown)
    assert f"{classes - 20:,} others" in said
    assert sum(int(one) for one in said if one.isdecimal()) == 10 * 20
    assert f"<class & {classes - 8}> predicted as <class & {classes - 7}>: 6, 60.0 %" in said
    assert len(document) < 60_000


def test_a_network_that_confuses_nothing_is_drawn() -> None:
    rows = tuple((label, 5) for label in range(30))
    done = evaluation(30)
    perfect = EvaluationDone(
        checkpoint="net_001.pth",
        images=150,
        loss=0.0,
        accuracy=1.0,
        classes=done.classes,
        confusion=(),
        sparse_confusion=rows,
        seconds=1.0,
    )
    said = texts(confusion_svg(perfect))
    assert "No image was predicted as another class." in said
    assert "10 others" in said


@pytest.mark.parametrize("classes", [10, 37, 100, 1000])
def test_its_image_for_tensorboard_has_every_cell(classes: int) -> None:
    content, size = draw_confusion(evaluation(classes))
    image = Image.open(io.BytesIO(content))
    assert image.size == size
    assert max(size) < 1_200
    assert len(content) < 100_000
    inked = sum(count for count, colour in image.getcolors(1 << 20) or [] if colour != (255, 255, 255))
    cell = max(1, min(44, 880 // classes))
    assert inked >= 2 * classes * cell * cell * 0.9, "each class has two cells"
