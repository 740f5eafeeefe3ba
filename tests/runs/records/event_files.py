"""Event files as TensorBoard itself reads them."""

import io
import warnings
from collections.abc import Sequence
from pathlib import Path

from PIL import Image

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # of what TensorBoard imports
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    from tensorboard.backend.event_processing.plugin_event_accumulator import EventAccumulator as PluginAccumulator
    from tensorboard.backend.event_processing.plugin_event_multiplexer import EventMultiplexer
    from tensorboard.plugins.hparams import plugin_data_pb2

ALL = {"scalars": 0, "images": 0, "tensors": 0}
ALL_OF_PLUGINS = {"scalars": 0, "images": 0}
"""Everything, where TensorBoard would keep a sample."""
Points = list[tuple[int, float]]
"""Steps with their values."""


class Boards:
    """What TensorBoard has read below a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        places = sorted({path.parent for path in folder.rglob("*tfevents*")})
        self._read = {str(place.relative_to(folder)): EventAccumulator(str(place), ALL).Reload() for place in places}
        self._shown = {
            str(place.relative_to(folder)): PluginAccumulator(
                str(place), {"tensors": 0}, tensor_size_guidance=ALL_OF_PLUGINS
            ).Reload()
            for place in places
        }
        """As the charts read them: it drops nothing at the first start of a session."""

    @property
    def names(self) -> list[str]:
        return list(self._read)

    def tags(self, board: str, kind: str = "scalars") -> set[str]:
        return set(self._read[board].Tags()[kind])

    def points(self, board: str, tag: str) -> Points:
        points = [(one.step, one.value) for one in self._read[board].Scalars(tag)]
        assert [one.step for one in self._shown[board].Tensors(tag)] == [step for step, _ in points]
        return points

    def steps(self, board: str, tag: str) -> list[int]:
        return [step for step, _ in self.points(board, tag)]

    def image_steps(self, board: str, tag: str) -> list[int]:
        steps = [one.step for one in self._read[board].Images(tag)]
        assert [one.step for one in self._shown[board].Tensors(tag)] == steps
        return steps

    def image(self, board: str, tag: str) -> Image.Image:
        (one,) = self._read[board].Images(tag)
        image = Image.open(io.BytesIO(one.encoded_image_string))
        image.load()
        assert image.size == (one.width, one.height)
        return image

    def everything(self) -> dict[tuple[str, str], Sequence[object]]:
        """Every chart and image, without the times at which they were written."""
        scalars = {(board, tag): self.points(board, tag) for board in self._read for tag in self.tags(board)}
        images = {
            (board, tag): [(one.step, one.encoded_image_string) for one in self._read[board].Images(tag)]
            for board in self._read
            for tag in self.tags(board, "images")
        }
        return {**scalars, **images}

    def hparams(self, board: str) -> dict[str, object]:
        """The values of the hparams tab, read as its plugin does."""
        content = EventMultiplexer().AddRunsFromDirectory(str(self._folder)).Reload()
        (found,) = (
            metadata.plugin_data.content
            for tag, metadata in content.AllSummaryMetadata()[board].items()
            if metadata.plugin_data.plugin_name == "hparams" and tag == "_hparams_/session_start_info"
        )
        values = plugin_data_pb2.HParamsPluginData.FromString(found).session_start_info.hparams
        return {name: getattr(value, value.WhichOneof("kind")) for name, value in values.items()}
