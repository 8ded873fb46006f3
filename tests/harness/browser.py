"""The system's own Chromium."""

import contextlib
import os
import shutil
from collections.abc import Iterator

from playwright.sync_api import Browser, sync_playwright


@contextlib.contextmanager
def chromium() -> Iterator[Browser]:
    """Yield a started Chromium; if it is not installed the run fails, it does not skip."""
    program = shutil.which("chromium")
    assert program, "chromium is not on the PATH; install it, on Debian: apt-get install chromium"
    with sync_playwright() as playwright:
        # Chromium's sandbox refuses to start as root, the user in containers; the pages are our own.
        started = playwright.chromium.launch(
            executable_path=program, args=["--no-sandbox"] if os.geteuid() == 0 else []
        )
        yield started
        started.close()
