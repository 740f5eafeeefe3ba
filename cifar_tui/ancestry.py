"""Where a run's first weights come from, when they are those of a checkpoint of another run."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Ancestor:
    """The checkpoint that a run went on from."""

    run: str
    """The name of its run; empty for a file of no run of ours."""
    checkpoint: str
    """The name of its file."""
    sha256: str
    """Hexadecimal digest of that file, and of the copy that the run keeps."""
    epoch: int = 0
    """The epoch it ended, or was in; 0 where that is not known."""
    synthetic: bool = False
    """Whether it, or one of its own ancestors, was trained on pictures drawn by the program."""

    def to_record(self) -> dict[str, object]:
        """The ancestor as plain data for JSON."""
        return dataclasses.asdict(self)

    @classmethod
    def from_record(cls, record: Mapping[str, object]) -> "Ancestor":
        """The ancestor a record was made from. Raises ValueError on anything else."""
        kinds = {field.name: field.type for field in dataclasses.fields(cls)}
        if record.keys() != kinds.keys() or any(type(record[name]) is not kind for name, kind in kinds.items()):
            raise ValueError(f"an ancestor cannot be {record!r:.80}")
        # Each value was checked against its field's type above; the checker cannot follow that.
        return cls(**record)  # type: ignore[arg-type]
