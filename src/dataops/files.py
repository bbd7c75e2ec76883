"""Files that are written whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path


def write_whole(file: Path, text: str, durable: bool = False) -> None:
    """Writes a text file, whole or not at all: whoever reads it meanwhile sees the file as it was before.

    Args:
        file: in a folder that exists.
        text: its new content.
        durable: whether to wait until the content is on the disk.
    """
    part = file.with_name(f"{file.name}.part")
    part.write_text(text, encoding="utf-8")
    if durable:
        sync(part)
    os.replace(part, file)


def sync(path: Path) -> None:
    """Waits until a file or folder is on the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
