"""A pseudo-terminal: what a command prints on it, and what a person sees in the end."""

import fcntl
import os
import pty
import re
import struct
import subprocess
import termios
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

WIDTH = 110


@dataclass(frozen=True)
class Typed:
    """A command that has ended: its exit code, and all that it printed."""

    code: int
    printed: str

    @property
    def lines(self) -> list[str]:
        """What is on the screen in the end, without colours."""
        return re.sub(r"\x1b\[[\d;]*m", "", seen(self.printed)).split("\n")


def typed(
    command: Sequence[str], folder: Path, environment: Mapping[str, str], *, width: int = WIDTH
) -> Typed:
    """Run a command on a terminal to its end."""
    control, terminal = pty.openpty()
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 50, width, 0, 0))
    printed = bytearray()
    with subprocess.Popen(
        command,
        cwd=folder,
        env={**_without_size(environment), "TERM": "xterm-256color"},
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
    ) as running:
        os.close(terminal)
        try:
            while part := os.read(control, 65_536):
                printed += part
        except OSError:  # Linux ends the reading so, once no process has the terminal any more.
            pass
        finally:
            os.close(control)
    return Typed(code=running.returncode, printed=printed.decode())


def _without_size(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the variables but those that would hide the size of the terminal."""
    return {name: value for name, value in environment.items() if name not in {"COLUMNS", "LINES"}}


def seen(printed: str) -> str:
    """Return what is on the screen at the end: progress bars are drawn over themselves, line by line."""
    lines, row = [""], 0
    for found in re.finditer(
        r"\x1b\[(\d*)A|\x1b\[2K|\x1b\[\?25[lh]|\r|\n|[^\x1b\r\n]+|\x1b\[[\d;]*m", printed
    ):
        part = found.group()
        if part == "\n":
            row += 1
            lines += [""] * (row == len(lines))
        elif part.endswith("A") and part.startswith("\x1b"):
            row -= int(found.group(1) or 1)
        elif part == "\x1b[2K":
            lines[row] = ""
        elif part != "\r" and not part.startswith("\x1b[?"):
            lines[row] += part
    return "\n".join(lines).strip("\n")
