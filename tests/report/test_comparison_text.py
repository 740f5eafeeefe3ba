import orjson
import pytest
from rich.cells import cell_len

from cifar_tui.report.comparison_text import class_change, comparison_lines, comparison_record, comparison_rows
from tests.tui.evaluation.test_many_classes import compared


@pytest.mark.parametrize("classes", [2, 10, 37, 100, 1_000])
def test_lines_name_the_classes_that_changed_most_and_fit_a_terminal(classes: int) -> None:
    lines = comparison_lines(compared(classes))
    assert max(map(cell_len, lines)) <= 80
    assert len(lines) < 45
    worst = min(range(classes), key=lambda label: class_change(compared(classes), label))
    assert any(line.startswith(compared(classes).classes[worst]) and line.endswith("-50.00") for line in lines)
    assert any(f"of {classes:,} became worse:" in line for line in lines) == (classes > 20)
    assert any("became better." in line for line in lines) == (classes > 20)


def test_rows_are_of_the_classes_wanted_in_their_order() -> None:
    rows = ["".join(words for words, _ in row) for row in comparison_rows(compared(100), labels=(7, 3))]
    assert [row[:8] for row in rows[-2:]] == ["horse 7 ", "cat 3   "]


def test_a_script_has_every_class() -> None:
    record = orjson.loads(orjson.dumps(comparison_record(compared(1_000))))
    assert len(record["checkpoints"][1]["class_accuracies"]) == 1_000
