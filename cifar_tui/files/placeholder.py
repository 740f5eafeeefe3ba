"""Tells what lies in a file's place: a Git LFS pointer or a web page, by its first bytes."""

HEAD_BYTES = 512
"""Bytes that are looked at."""
LFS_POINTER = b"version https://git-lfs"
PAGE_STARTS = (b"<!doctype html", b"<html", b"<head", b"<?xml")


def describe_placeholder(head: bytes) -> str:
    """Return what a file is that begins like this, and what to do, as part of a sentence; empty for anything else."""
    if head.startswith(LFS_POINTER):
        return "it is a Git LFS pointer: git lfs pull gets the file"
    if head.removeprefix(b"\xef\xbb\xbf").lstrip().lower().startswith(PAGE_STARTS):
        return "it is a web page: download the file again"
    return ""
