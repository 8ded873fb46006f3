"""Makes .venv, which make needs before the project's own code can run.

It uses only the standard library, and syntax that Python 3.6 can parse, so that a too old interpreter prints
one clear sentence instead of a SyntaxError: annotations with newer types are in quotes.

The last step of an installation writes .venv/.stamp. Its first line is the digest of everything on which the
packages of requirements.txt depend, its second line the same for requirements-dev.txt, if that is installed.
A .venv without the right stamp is made again, so the next run repairs any interrupted installation.
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
END_TIMEOUT_S = 5
# Enough to show the cause above the lines that pip adds when the build of a package fails.
TAIL_LINES = 12
# Settings of pip that would install to another place, other packages or none, or hide errors. Settings of
# the package index stay.
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
    """An error that the user can correct; the message says how."""


class Stopped(BaseException):
    """This process received a signal to end; the signal's number is the only argument."""


def check_interpreter(platform: str, version: "tuple[int, ...]") -> None:
    """Return on Linux with Python 3.11 or newer.

    Raises:
        BootstrapError: on any other system or version.
    """
    if not platform.startswith("linux") or version[:2] < OLDEST_PYTHON:
        found = ".".join(str(part) for part in version[:3])
        wanted = ".".join(str(part) for part in OLDEST_PYTHON)
        raise BootstrapError(
            f"this project runs on Linux with Python {wanted} or newer; {sys.executable} is Python {found} "
            f"on {platform}. Choose another one: make PYTHON=/path/to/python{wanted} ..."
        )


def check_modules() -> None:
    """Return if this Python can make a virtual environment with pip.

    Raises:
        BootstrapError: the distribution does not include the modules for it.
    """
    absent = [name for name in ("venv", "ensurepip") if importlib.util.find_spec(name) is None]
    if absent:
        raise BootstrapError(
            f"{sys.executable} cannot make a virtual environment: it lacks {' and '.join(absent)}. On Debian "
            "and Ubuntu install the package python3-venv. Or choose another Python: "
            "make PYTHON=/path/to/python3 ..."
        )


def is_ready(*, dev: bool) -> bool:
    """Whether .venv is complete, and was made from the current files, Python and path of the project."""
    wanted = (
        [_digest("requirements.txt"), _digest("requirements-dev.txt")]
        if dev
        else [_digest("requirements.txt")]
    )
    return _stamped()[: len(wanted)] == wanted and os.access(str(VENV_PYTHON), os.X_OK)


def build(*, dev: bool, lock: int) -> None:
    """Make .venv, or add the development requirements to one that lacks only them. Needs the lock.

    Raises:
        BootstrapError, Stopped: no .venv is left; but one that lacked only the development requirements
            stays, and works for everything that does not need them.
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
            # Not sys.executable: in an activated .venv it is a link inside the removed folder.
            python = getattr(sys, "_base_executable", sys.executable)
            _run("making .venv", [python, "-m", "venv", str(VENV)], lock)
        wanted = "requirements-dev.txt" if dev else "requirements.txt"
        pip = [str(VENV_PYTHON), "-m", "pip", "--disable-pip-version-check", "--no-input"]
        # The files pin every dependency, direct or not, so nothing is resolved; `pip check` verifies it.
        install = [*pip, "install", "--no-deps"]
        hashed = ["--require-hashes", "--requirement", str(PROJECT / wanted)]
        _run(f"installing {wanted}", install + hashed, lock)
        installed = True
        # If requirements are only added, a pipeline may be running from .venv: the project stays installed.
        if not adding:
            # Built by the setuptools of requirements.txt, which pip compares with the one in pyproject.toml.
            editable = ["--no-build-isolation", "--check-build-dependencies", "--editable", str(PROJECT)]
            _run("installing the project", install + editable, lock)
        _run("checking that the versions agree", [*pip, "check"], lock)
        _stamp(plain, *([_digest("requirements-dev.txt")] if dev else []))
    except BaseException as error:
        _on_signals(_ignore)
        if not adding:
            remove()
        elif isinstance(error, BootstrapError) and not installed:
            # Pip downloads before it installs, and rolls back a failed installation: nothing has changed.
            _stamp(plain)
        raise


def remove() -> None:
    """Remove .venv if it exists. Needs the lock.

    Raises:
        BootstrapError: .venv is a file or a link, which this program does not make.
    """
    if VENV.is_symlink() or VENV.is_file():
        raise BootstrapError(
            f"{VENV} is a file or a link, not a folder made by make; move it away and try again"
        )
    if VENV.exists():
        # First, so that an interrupted removal leaves no stamp.
        with contextlib.suppress(FileNotFoundError):
            STAMP.unlink()
        shutil.rmtree(str(VENV))


@contextlib.contextmanager
def locked() -> "Iterator[int]":
    """Hold the lock beside .venv, after waiting for it if necessary; yield its file descriptor."""
    import fcntl  # noqa: PLC0415 - absent on Windows, which check_interpreter refuses with a message

    with LOCK.open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            _say(f"waiting for another make that uses {VENV}")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield file.fileno()


def main() -> int:
    """Execute the command line; return the exit status."""
    parser = argparse.ArgumentParser(
        prog="bootstrap.py", description="Make .venv, unless it exists and is up to date."
    )
    parser.add_argument("--dev", action="store_true", help="with the requirements of tests and checks")
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
        advice = "is the checkout complete and writable for this user, and has the disk room?"
        _say(f"{error.filename or PROJECT}: {error.strerror or error}; {advice}")
        return 1
    except Stopped as stopped:
        _say("stopped; the next make installs what is missing")
        return 128 + int(stopped.args[0])
    return 0


def _digest(requirements: str) -> str:
    """Hash all that an installation of `requirements` depends on: files, Python, the project's path."""
    names = ("requirements.txt", requirements, "pyproject.toml", Path(__file__).name)
    parts = [(PROJECT / name).read_bytes() for name in names]
    parts += [os.fsencode(text) for text in (sys.version, sys.base_prefix, str(PROJECT))]
    # Hashed one by one, so that moving a line from one file to the next changes the digest.
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


def _run(step: str, command: "list[str]", lock: int) -> None:
    """Run `command` in a session of its own; show its progress, and its last output only if it fails."""
    started = time.monotonic()
    _say(f"{step} ...")
    early: list[int] = []
    # Until the child's process id is known, signals are only recorded.
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
        # If this process is killed, its child holds the lock until it ends too.
        pass_fds=[lock],
    ) as child:
        try:
            _on_signals(_stop)
            if early:
                _stop(early[0], None)
            tail = _follow(child, started)
        except BaseException:
            _on_signals(_ignore)
            _end(child)
            raise
    if child.returncode != 0:
        output = "\n".join(f"    {line}" for line in tail) or "    (nothing)"
        raise BootstrapError(
            f"{step} failed with status {child.returncode}; its last output:\n{output}\n"
            "  Are the network, the proxy and the package index reachable, and is there room on the disk? "
            "Then run the same make again; there is nothing to clean up first."
        )


def _follow(child: "subprocess.Popen[str]", started: float) -> "collections.deque[str]":
    """Read the output to its end; return its last lines. On a terminal, show the latest line and the time."""
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
    # SIGINT first, because pip then removes its temporary folders. SIGKILL for processes that still run.
    for number in (signal.SIGINT, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(END_TIMEOUT_S)


def _environment() -> "dict[str, str]":
    unwanted = {f"PIP_{name}" for name in UNWANTED}
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("PYTHON") and name not in unwanted
    }
    # Set, not removed, because it must also override a pip.conf.
    return {**kept, "PIP_USER": "0"}


def _on_signals(handler: "Callable[[int, FrameType | None], object]") -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        # A signal that nohup or a shell's `&` has set to be ignored stays ignored.
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, handler)


def _ignore(number: int, _frame: "FrameType | None") -> None:
    """Ignore the signal, so that the clean-up after the first one completes."""


def _stop(number: int, _frame: "FrameType | None") -> None:
    raise Stopped(number)


def _say(text: str) -> None:
    sys.stderr.write(f"bootstrap: {text}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main())
