"""The names of zipfile that its documentation does not promise are there; each with what depends on it."""

import io
import zipfile

import numpy as np


def test_an_archive_tells_where_its_directory_begins_and_the_raw_names_in_it() -> None:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("a/b", b"weights")
    with zipfile.ZipFile(content) as archive:
        (entry,) = archive.infolist()
        end = entry.header_offset + zipfile.sizeFileHeader + len("a/b") + len(b"weights")  # type: ignore[attr-defined]
        assert archive.start_dir == end, "files that lie in the directory would not be noticed"
        assert entry.orig_filename == "a/b", "two names that differ only after a NUL would pass for one"


def test_numpy_writes_the_header_of_an_array_alone() -> None:
    head = io.BytesIO()
    np.lib.format.write_array_header_1_0(head, {"descr": "|u1", "fortran_order": False, "shape": (2, 3)})
    whole = io.BytesIO()
    np.save(whole, np.zeros((2, 3), np.uint8))
    assert whole.getvalue().startswith(head.getvalue()), "a cache of images would be decoded anew at every start"
