import ast
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

pytestmark = pytest.mark.slow

BOOTSTRAP = Path(__file__).parents[1] / "bootstrap.py"
# A requirement with its hashes, as in the files: from a name to the next line that is not a hash.
PINNED = re.compile(r"^([A-Za-z][\w.-]*)==(\S+).*(?:\n +--hash.*)*\n", re.MULTILINE)
IN_FILES = {
    found[1]: found
    for name in ("requirements.txt", "requirements-dev.txt")
    for found in PINNED.finditer(BOOTSTRAP.with_name(name).read_text())
}
SIX, SETUPTOOLS, INICONFIG = (IN_FILES[name][0] for name in ("six", "setuptools", "iniconfig"))
OLDER_SIX = "six==1.16.0 --hash=sha256:8abb2f1d86890a2dfb989f9a77cfcfd3e47c2a354b01111771326f8aa26e0254\n"
UNKNOWN = f"six-of-the-best==9999 --hash=sha256:{'0' * 64}\n"
PYPROJECT = f"""\
[build-system]
requires = ["setuptools=={IN_FILES["setuptools"][2]}"]
build-backend = "setuptools.build_meta"

[project]
name = "made-up"
version = "1.0"
dependencies = ["six"]

[tool.setuptools]
py-modules = ["made_up"]
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project without a .venv, in a folder with a space in its name."""
    return make_project(tmp_path / "with space")


@pytest.fixture(scope="module")
def twice(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[str]]:
    """A project in which two processes made .venv at once, and the output of each."""
    project = make_project(tmp_path_factory.mktemp("made") / "with space")
    processes = [start(project), start(project)]
    outputs = [process.communicate()[0] for process in processes]
    assert [process.returncode for process in processes] == [0, 0], outputs
    return project, outputs


def make_project(folder: Path) -> Path:
    """Write the smallest project that bootstrap.py can install."""
    folder.mkdir()
    shutil.copy(BOOTSTRAP, folder)
    (folder / "pyproject.toml").write_text(PYPROJECT)
    (folder / "made_up.py").write_text("import six\nVERSION = six.__version__\n")
    (folder / "requirements.txt").write_text(SIX + SETUPTOOLS)
    (folder / "requirements-dev.txt").write_text(SIX + SETUPTOOLS + INICONFIG)
    return folder


def start(project: Path, *arguments: str) -> subprocess.Popen[str]:
    """Start bootstrap.py, with its whole output in one pipe."""
    # A shell ignores SIGINT for a test run in the background, and child processes inherit that.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    return subprocess.Popen(
        [sys.executable, "bootstrap.py", *arguments],
        cwd=project,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def run(project: Path, *arguments: str) -> tuple[int, str]:
    """Run bootstrap.py to its end; return its exit status and output."""
    with start(project, *arguments) as process:
        output, _ = process.communicate()
    return process.returncode, output


def signal_after(words: str, number: signal.Signals, project: Path) -> int:
    """Send bootstrap.py a signal as soon as it has printed `words`; return its exit status."""
    with start(project) as process:
        assert process.stdout is not None
        assert any(words in line for line in process.stdout), f"ended without saying {words!r}"
        process.send_signal(number)
        process.stdout.read()
    return process.returncode


def evaluate(python: Path | str, imports: str, expression: str, folder: Path) -> str:
    """Return the value of `expression` in that Python and folder, or the last line of its traceback."""
    command = [python, "-c", f"import {imports}; print({expression})"]
    done = subprocess.run(command, cwd=folder, check=False, capture_output=True, text=True)
    return (done.stdout + done.stderr).strip().rpartition("\n")[2]


def in_venv(project: Path, imports: str, expression: str) -> str:
    """Evaluate in the new .venv, from another folder."""
    return evaluate(project / ".venv" / "bin" / "python", imports, expression, Path("/"))


def in_bootstrap(project: Path, expression: str) -> str:
    """Evaluate beside the project's bootstrap.py."""
    return evaluate(sys.executable, "bootstrap", expression, project)


def is_ready(project: Path) -> bool:
    """Whether bootstrap.py has nothing to do."""
    return in_bootstrap(project, "bootstrap.is_ready(dev=False)") == "True"


def test_the_pinned_version_and_the_project_are_found_from_anywhere(twice: tuple[Path, list[str]]) -> None:
    """In a folder with a space in its name, .venv holds the pinned version and the project, editable."""
    project, _ = twice
    assert (
        in_venv(project, "made_up", "f'six=={made_up.VERSION}'") in (project / "requirements.txt").read_text()
    )
    assert in_venv(project, "made_up", "made_up.__file__") == str(project / "made_up.py")


def test_two_at_once_make_it_once(twice: tuple[Path, list[str]]) -> None:
    """If two start together, one makes .venv, the other waits for it, and both succeed."""
    _, outputs = twice
    assert sum("making .venv" in text for text in outputs) == 1
    assert sum("waiting for another make" in text for text in outputs) == 1


def test_what_is_right_is_left_alone(twice: tuple[Path, list[str]]) -> None:
    """A second call prints nothing and writes nothing."""
    project, _ = twice
    before = {path: path.lstat().st_mtime_ns for path in (project / ".venv").rglob("*")}
    assert run(project) == (0, "")
    assert {path: path.lstat().st_mtime_ns for path in (project / ".venv").rglob("*")} == before


@pytest.mark.parametrize("name", ["requirements.txt", "pyproject.toml", "bootstrap.py"])
def test_a_changed_file_is_noticed(twice: tuple[Path, list[str]], name: str) -> None:
    """A .venv is not ready after a change in a file on which it depends."""
    project, _ = twice
    file = project / name
    before = file.read_text()
    file.write_text(f"{before}# changed\n")
    assert not is_ready(project)
    file.write_text(before)
    assert is_ready(project)


def test_a_moved_project_is_noticed(twice: tuple[Path, list[str]], tmp_path: Path) -> None:
    """A .venv is not ready if its scripts contain the project's earlier place."""
    project, _ = twice
    project.rename(tmp_path / "moved")
    assert not is_ready(tmp_path / "moved")
    (tmp_path / "moved").rename(project)
    assert is_ready(project)


def test_another_pinned_version_replaces_the_first(twice: tuple[Path, list[str]]) -> None:
    """After an edit of requirements.txt the next call installs the new version."""
    project, _ = twice
    (project / "requirements.txt").write_text(OLDER_SIX + SETUPTOOLS)
    status, output = run(project)
    assert status == 0, output
    assert in_venv(project, "made_up", "made_up.VERSION") == "1.16.0"


def test_development_requirements_are_added(twice: tuple[Path, list[str]]) -> None:
    """Requirements of the tests are added to the existing .venv; if that fails, the rest still works."""
    project, _ = twice
    requirements = project / "requirements-dev.txt"
    before = requirements.read_text()
    requirements.write_text(before + UNKNOWN)
    status, output = run(project, "--dev")
    assert status == 1, output
    assert run(project) == (0, "")

    requirements.write_text(before)
    status, output = run(project, "--dev")
    assert status == 0, output
    assert "making .venv" not in output
    assert in_venv(project, "iniconfig", "iniconfig.__name__") == "iniconfig"
    assert run(project) == (0, "")
    assert run(project, "--dev") == (0, "")


@pytest.mark.parametrize(
    ("words", "number"), [("making .venv", signal.SIGTERM), ("installing", signal.SIGINT)]
)
def test_a_stopped_installation_leaves_nothing(project: Path, words: str, number: signal.Signals) -> None:
    """Ctrl-C or SIGTERM at any step leaves neither an incomplete .venv nor a process."""
    assert signal_after(words, number, project) == 128 + number
    assert not (project / ".venv").exists()
    ours = [
        process
        for process in psutil.process_iter(["cmdline"])
        if any(str(project) in word for word in process.info["cmdline"] or [])
    ]
    # A killed process can take a moment to end.
    _, alive = psutil.wait_procs(ours, timeout=10)
    assert alive == []


def test_a_killed_installation_is_healed(project: Path) -> None:
    """After kill -9 the next call waits for processes that still run, starts again, and succeeds."""
    assert signal_after("installing", signal.SIGKILL, project) == -signal.SIGKILL
    assert (project / ".venv").exists()
    status, output = run(project)
    assert status == 0, output
    assert "making .venv" in output
    assert in_venv(project, "made_up", "made_up.VERSION") == IN_FILES["six"][2]


def test_a_version_that_does_not_exist_is_named(project: Path) -> None:
    """If pip fails, its last lines and a remedy are shown, and no .venv is left."""
    (project / "requirements.txt").write_text(SIX + SETUPTOOLS + UNKNOWN)
    status, output = run(project)
    assert status == 1
    assert "installing requirements.txt failed" in output
    assert "six-of-the-best==9999" in output
    assert "run the same make again" in output
    assert "Traceback" not in output
    assert not (project / ".venv").exists()


def test_pins_that_disagree_are_refused(project: Path) -> None:
    """A requirement that is not pinned is an error at installation, not an ImportError later."""
    (project / "requirements.txt").write_text(INICONFIG + SETUPTOOLS)
    status, output = run(project)
    assert status == 1
    assert "made-up 1.0 requires six, which is not installed" in output
    assert not (project / ".venv").exists()


def test_a_file_of_other_bytes_is_refused(project: Path) -> None:
    """A file from the index is installed only if its hash is the pinned one."""
    (project / "requirements.txt").write_text(re.sub("sha256:.", "sha256:x", SIX) + SETUPTOOLS)
    status, output = run(project)
    assert status == 1
    assert "installing requirements.txt failed" in output
    assert not (project / ".venv").exists()


def test_a_requirement_without_a_hash_is_refused(project: Path) -> None:
    """A file without a pinned hash is not installed."""
    pins = "".join(f"{name}=={IN_FILES[name][2]}\n" for name in ("six", "setuptools"))
    (project / "requirements.txt").write_text(pins)
    status, output = run(project)
    assert status == 1
    assert "Hashes are required in --require-hashes mode" in output
    assert not (project / ".venv").exists()


def test_the_project_is_built_by_the_pinned_setuptools(project: Path) -> None:
    """Another setuptools than the version in pyproject.toml is an error; it is not used."""
    (project / "pyproject.toml").write_text(re.sub('setuptools==[^"]+', "setuptools==82.0.1", PYPROJECT))
    status, output = run(project)
    assert status == 1
    assert "installing the project failed" in output
    assert "setuptools==82.0.1" in output
    assert not (project / ".venv").exists()


def test_a_file_in_the_way_is_not_removed(project: Path) -> None:
    """A .venv that is a file is not removed; the message names it."""
    in_the_way = project / ".venv"
    in_the_way.write_text("mine\n")
    for arguments in ([], ["--remove"]):
        status, output = run(project, *arguments)
        assert status == 1
        assert f"{in_the_way} is a file" in output
        assert "Traceback" not in output
    assert in_the_way.read_text() == "mine\n"


def test_other_pythons_and_systems_get_one_clear_sentence(project: Path) -> None:
    """On Python before 3.11, or a system other than Linux, the message names it and what is needed."""
    check = "bootstrap.check_interpreter"
    assert in_bootstrap(project, f"{check}('linux', (3, 11, 0))") == "None"
    assert in_bootstrap(project, f"{check}('linux', (3, 14, 0))") == "None"
    assert "on darwin" in in_bootstrap(project, f"{check}('darwin', (3, 12, 1))")
    old = in_bootstrap(project, f"{check}('linux', (3, 10, 13))")
    assert "Linux with Python 3.11 or newer" in old
    assert "is Python 3.10.13 on linux" in old


def test_its_syntax_is_that_of_python_3_6() -> None:
    """An older Python can parse bootstrap.py, so that it prints its message instead of a SyntaxError."""
    ast.parse(BOOTSTRAP.read_text(), feature_version=(3, 6))
