"""The events of a journal in a file, a line each.

A line is a checksum and JSON. It is appended by one write and synced, so that several processes can append,
and a kill leaves at most a torn line, which is ignored.
"""

import json
import os
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path

from pipeline.files import unwritable, write_text
from pipeline.load.eventlogs.protocol import Event, EventLog
from pipeline.workers.threads import ThreadCall


class FileLog(EventLog):
    """A file of events; its folder has the journals of other loads too."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.place = str(path)

    def read(self) -> list[Event]:
        """Return the whole lines; none if the first of them is not the one that describes the load."""
        lines = list(self._lines())
        return lines if lines and "files" in lines[0] else []

    def append(self, event: Event) -> None:
        """Append a line; it is on disk when this returns. Greenlets continue meanwhile."""
        ThreadCall(lambda: _append(self.path, event)).result()

    def replace(self, events: Sequence[Event]) -> None:
        """Write the file anew."""
        write_text(self.path, "".join(map(_line, events)))

    def remove(self) -> None:
        """Remove the file."""
        self.path.unlink(missing_ok=True)

    def hold(self, holder: str) -> None:
        """Do nothing: a lock of the task keeps out other runs that see this folder."""

    def others(self) -> Iterator[EventLog]:
        """Yield the other journals of the folder."""
        yield from (FileLog(path) for path in self.path.parent.glob("*.journal") if path != self.path)

    def _lines(self) -> Iterator[Event]:
        try:
            text = self.path.read_text(encoding="ascii", errors="replace")
        except FileNotFoundError:
            return
        except OSError as error:
            raise unwritable(self.path, error) from error
        for line in filter(None, text.split("\n")):
            checksum, _, content = line.partition(" ")
            if checksum == f"{zlib.crc32(content.encode()):08x}":
                yield json.loads(content)


def _line(event: Event) -> str:
    content = json.dumps(event, ensure_ascii=True)
    return f"\n{zlib.crc32(content.encode()):08x} {content}\n"


def _append(path: Path, event: Event) -> None:
    """Append in one write. A line begins with a line break, so that it does not join a torn one."""
    line = _line(event).encode()
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND)
        try:
            written = os.write(descriptor, line)
            if written < len(line):
                # After a short write on a full disk, writing the rest raises the error.
                os.write(descriptor, line[written:])
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise unwritable(path, error) from error
