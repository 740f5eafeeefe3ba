import numpy as np
import pytest

from cifar_tui.engine.data.dataset import DataSet
from cifar_tui.engine.data.synthetic import CLASSES, draw_images
from cifar_tui.errors import StopRequested
from cifar_tui.events import Progressed


def drawn(train_images: int | None, test_images: int | None) -> DataSet:
    return draw_images(lambda progress: None, lambda: False, train_images, test_images)


@pytest.fixture(scope="module")
def whole() -> DataSet:
    return drawn(None, None)


@pytest.mark.parametrize("images", [10, 13, 200, 450])
def test_fewer_pictures_are_the_first_of_the_whole_and_balanced(whole: DataSet, images: int) -> None:
    part = drawn(images, 10)
    assert (part.train.pixels == whole.train.pixels[:images]).all()
    assert (part.test.pixels == whole.test.pixels[:10]).all()
    counts = np.bincount(part.train.labels, minlength=10)
    assert counts.tolist() == [images // 10 + (label < images % 10) for label in range(10)]


def test_more_than_there_is_draws_what_there_is(whole: DataSet) -> None:
    assert len(drawn(10, 5_000).test.labels) == len(whole.test.labels) == 2_000


def test_no_test_picture_is_a_training_picture(whole: DataSet) -> None:
    train = {picture.tobytes() for picture in whole.train.pixels}
    assert len(train) == 10_000
    assert not any(picture.tobytes() in train for picture in whole.test.pixels)


def test_classes_have_names_of_their_own() -> None:
    assert len(set(CLASSES)) == 10
    assert not set(CLASSES) & {"airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"}


def test_a_picture_is_not_near_its_classs_mean_picture(whole: DataSet) -> None:
    """Place, size, angle and colours differ, so that the nearest mean picture, or one pixel, tells nothing."""
    flat = whole.train.pixels.reshape(10_000, -1).astype(np.float32)
    means = np.stack([flat[whole.train.labels == label].mean(axis=0) for label in range(10)])
    seen = whole.test.pixels.reshape(2_000, -1).astype(np.float32)
    nearest = ((means**2).sum(axis=1) - 2 * seen @ means.T).argmin(axis=1)
    assert (nearest == whole.test.labels).mean() < 0.25


def test_progress_has_a_start_and_an_end_and_is_not_too_often() -> None:
    said: list[Progressed] = []
    draw_images(said.append, lambda: False, 1_000, 200)
    assert (said[0].done, said[0].total, said[0].unit) == (0, 1_200, "images")
    assert said[-1].done == said[-1].total
    assert len(said) <= 10 * said[-1].seconds + 3


def test_drawing_can_be_stopped() -> None:
    said: list[Progressed] = []
    with pytest.raises(StopRequested):
        draw_images(said.append, lambda: True)
    assert said[-1].done < 1_000
