"""Makes .venv, the one thing that make needs before the project's own code can run.

Only the standard library, in a syntax that Python 3.6 still reads, so that an interpreter that is too old
gets one clear sentence instead of a SyntaxError: annotations with newer types stand in quotes.

The last act of an installation is to write .venv/.stamp. Its first line is the digest of everything that
requirements.txt's part was made from, its second that of requirements-dev.txt's part, once that is in.
A .venv without the right stamp is made anew, so that whatever ended an installation, the next one heals it.
"""

import argparse
import collections
import contextlib
import hashlib
import importlib.util
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

PROJECT = Path(__file__).resolve().parent
VENV = PROJECT / ".venv"
VENV_PYTHON = VENV / "bin" / "python"
STAMP = VENV / ".stamp"
LOCK = PROJECT / ".venv.lock"
OLDEST_PYTHON = (3, 11)
UNFINISHED = "unfinished"
PATIENCE_S = 5
# Enough for the cause to be seen above what pip adds when the build of a package fails.
TAIL_LINES = 12
# Settings of pip that would install elsewhere, something else or nothing, or hide what went wrong. Those
# that say where to download from stay.
UNWANTED = (
    "DRY_RUN",
    "EDITABLE",
    "NO_BUILD_ISOLATION",
    "PREFIX",
    "PYTHON",
    "QUIET",
    "REQUIREMENT",
    "ROOT",
    "TARGET",
)


class BootstrapError(Exception):
    """Something that the person at the keyboard can mend; the message says how."""


class Stopped(BaseException):
    """A signal, whose number is the only argument, asked this process to end."""


def check_interpreter(platform: str, version: "tuple[int, ...]") -> None:
    """Pass on Linux with Python 3.11 or newer.

    Raises:
        BootstrapError: anywhere else.
    """
    if not platform.startswith("linux") or version[:2] < OLDEST_PYTHON:
        found = ".".join(str(part) for part in version[:3])
        wanted = ".".join(str(part) for part in OLDEST_PYTHON)
        raise BootstrapError(
            f"this project runs on Linux with Python {wanted} or newer; {sys.executable} is Python {found} "
            f"on {platform}. Name another one: make PYTHON=/path/to/python{wanted} ..."
        )


def check_modules() -> None:
    """Pass when this Python can make a virtual environment with pip in it.

    Raises:
        BootstrapError: the distribution has left that part out.
    """
    absent = [name for name in ("venv", "ensurepip") if importlib.util.find_spec(name) is None]
    if absent:
        raise BootstrapError(
            f"{sys.executable} cannot make a virtual environment: it came without {' and '.join(absent)}. "
            "On Debian and Ubuntu that is in the package python3-venv. Or name another Python: "
            "make PYTHON=/path/to/python3 ..."
        )


def is_ready(*, dev: bool) -> bool:
    """Whether .venv is whole, and made from the files, the Python and the place that are there now."""
    wanted = (
        [_digest("requirements.txt"), _digest("requirements-dev.txt")]
        if dev
        else [_digest("requirements.txt")]
    )
    return _stamped()[: len(wanted)] == wanted and os.access(str(VENV_PYTHON), os.X_OK)


def build(*, dev: bool, lock: int) -> None:
    """Make .venv, or add the development requirements to one that is right but for them. Needs the lock.

    Raises:
        BootstrapError, Stopped: no .venv is left; but one that lacked only the development requirements
            stays, good for everything that does not need them.
    """
    plain = _digest("requirements.txt")
    adding = dev and _stamped() == [plain] and os.access(str(VENV_PYTHON), os.X_OK)
    check_modules()
    installed = False
    try:
        if adding:
            _stamp(plain, UNFINISHED)
        else:
            remove()
            # Not sys.executable: under an activated .venv that is a link within what was just removed.
            python = getattr(sys, "_base_executable", sys.executable)
            _run("making .venv", [python, "-m", "venv", str(VENV)], lock)
        wanted = "requirements-dev.txt" if dev else "requirements.txt"
        pip = [str(VENV_PYTHON), "-m", "pip", "--disable-pip-version-check", "--no-input"]
        # The files hold every version of the closure: nothing to resolve, `pip check` proves it.
        install = [*pip, "install", "--no-deps"]
        hashed = ["--require-hashes", "--requirement", str(PROJECT / wanted)]
        _run(f"installing {wanted}", install + hashed, lock)
        installed = True
        # Added beside a pipeline that may be running from here: the project is not installed twice.
        if not adding:
            # Built by the setuptools that came with a hash, if that is the one which pyproject.toml pins.
            editable = ["--no-build-isolation", "--check-build-dependencies", "--editable", str(PROJECT)]
            _run("installing the project", install + editable, lock)
        _run("checking that the versions agree", [*pip, "check"], lock)
        _stamp(plain, *([_digest("requirements-dev.txt")] if dev else []))
    except BaseException as error:
        _on_signals(_pass_over)
        if not adding:
            remove()
        elif isinstance(error, BootstrapError) and not installed:
            # Pip downloads before it installs, and undoes what it could not finish: nothing has changed.
            _stamp(plain)
        raise


def remove() -> None:
    """Remove .venv, if there is one. Needs the lock.

    Raises:
        BootstrapError: .venv is a file or a link, so nothing that was made here.
    """
    if VENV.is_symlink() or VENV.is_file():
        raise BootstrapError(
            f"{VENV} is a file or a link, not a folder made by make; move it away and try again"
        )
    if VENV.exists():
        # First, so that a removal that is cut short never leaves a stamp on what remains.
        with contextlib.suppress(FileNotFoundError):
            STAMP.unlink()
        shutil.rmtree(str(VENV))


@contextlib.contextmanager
def locked() -> "Iterator[int]":
    """Hold the lock beside .venv, waiting for it if need be; yield its file descriptor."""
    import fcntl  # noqa: PLC0415 - absent on Windows, which is to get as far as check_interpreter

    with LOCK.open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            _say(f"waiting for another make that is at work on {VENV}")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield file.fileno()


def main() -> int:
    """Do what the command line asks; return the exit status."""
    parser = argparse.ArgumentParser(
        prog="bootstrap.py", description="Make .venv, unless it is there and right."
    )
    parser.add_argument("--dev", action="store_true", help="with what the tests and checks need")
    parser.add_argument("--remove", action="store_true", help="remove .venv instead")
    asked = parser.parse_args()
    try:
        check_interpreter(sys.platform, tuple(sys.version_info[:3]))
        _on_signals(_stop)
        if asked.remove:
            with locked():
                remove()
        elif not is_ready(dev=asked.dev):
            with locked() as lock:
                if not is_ready(dev=asked.dev):
                    started = time.monotonic()
                    build(dev=asked.dev, lock=lock)
                    _say(f".venv is ready after {time.monotonic() - started:.0f} s")
    except BootstrapError as error:
        _say(str(error))
        return 1
    except OSError as error:
        advice = "is the checkout whole, may this user write to it, and has the disk room?"
        _say(f"{error.filename or PROJECT}: {error.strerror or error}; {advice}")
        return 1
    except Stopped as stopped:
        _say("stopped; the next make starts over with what is missing")
        return 128 + int(stopped.args[0])
    return 0


def _digest(requirements: str) -> str:
    """Hash what an installation of `requirements` depends on: files, Python, and the project's place."""
    names = ("requirements.txt", requirements, "pyproject.toml", Path(__file__).name)
    parts = [(PROJECT / name).read_bytes() for name in names]
    parts += [os.fsencode(text) for text in (sys.version, sys.base_prefix, str(PROJECT))]
    # Hashed one by one, so that no line can move from one file into the next unnoticed.
    return hashlib.sha256(b"".join(hashlib.sha256(part).digest() for part in parts)).hexdigest()


def _stamped() -> "list[str]":
    try:
        return STAMP.read_text().split()
    except (FileNotFoundError, NotADirectoryError):
        return []


def _stamp(*lines: str) -> None:
    temporary = STAMP.with_name(f"{STAMP.name}.tmp")
    temporary.write_text("".join(f"{line}\n" for line in lines))
    temporary.replace(STAMP)


def _run(what: str, command: "list[str]", lock: int) -> None:
    """Run `command` in a session of its own; show where it is, and only if it fails what it said."""
    started = time.monotonic()
    _say(f"{what} ...")
    early: list[int] = []
    # Until the child has a name that can be ended, a signal only leaves a note.
    _on_signals(lambda number, _frame: early.append(number))
    with subprocess.Popen(
        command,
        cwd=str(PROJECT),
        env=_environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        universal_newlines=True,
        errors="replace",
        start_new_session=True,
        # If this process is killed, the lock lasts until its child has ended too.
        pass_fds=[lock],
    ) as child:
        try:
            _on_signals(_stop)
            if early:
                _stop(early[0], None)
            tail = _follow(child, started)
        except BaseException:
            _on_signals(_pass_over)
            _end(child)
            raise
    if child.returncode != 0:
        said = "\n".join(f"    {line}" for line in tail) or "    (nothing)"
        raise BootstrapError(
            f"{what} failed with status {child.returncode}; its last words:\n{said}\n"
            "  Are the network, the proxy and the package index within reach, and is there room on the disk? "
            "Then run the same make again; there is nothing to clean up first."
        )


def _follow(child: "subprocess.Popen[str]", started: float) -> "collections.deque[str]":
    """Read to the end; on a terminal, show the latest line and the seconds so far. Return the last lines."""
    tail: collections.deque[str] = collections.deque(maxlen=TAIL_LINES)
    if child.stdout is None:
        return tail
    for line in filter(None, map(str.strip, child.stdout)):
        tail.append(line)
        if sys.stderr.isatty():
            progress = f"{time.monotonic() - started:5.0f} s  {line}"
            sys.stderr.write(f"\r\x1b[K{progress[: shutil.get_terminal_size().columns - 1]}")
            sys.stderr.flush()
    child.wait()
    if sys.stderr.isatty():
        sys.stderr.write("\r\x1b[K")
    return tail


def _end(child: "subprocess.Popen[str]") -> None:
    # SIGINT first: pip then removes its temporary folders. SIGKILL for it and any child that did not listen.
    for number in (signal.SIGINT, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(PATIENCE_S)


def _environment() -> "dict[str, str]":
    unwanted = {f"PIP_{name}" for name in UNWANTED}
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("PYTHON") and name not in unwanted
    }
    # Set, not dropped: it must also overrule a pip.conf.
    return {**kept, "PIP_USER": "0"}


def _on_signals(handler: "Callable[[int, FrameType | None], object]") -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        # What nohup or a shell's `&` has had ignored stays ignored.
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, handler)


def _pass_over(number: int, _frame: "FrameType | None") -> None:
    """Let the cleaning up that the first signal began come to its end."""


def _stop(number: int, _frame: "FrameType | None") -> None:
    raise Stopped(number)


def _say(text: str) -> None:
    sys.stderr.write(f"bootstrap: {text}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main())
