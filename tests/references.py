"""Names references in the project's texts without a target: documents, headings, files, modules."""

import re
import sys
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

from markdown_it import MarkdownIt

SOURCES = ("bench", "faults", "pipeline", "tasks")  # The tests' own texts name files that they write.
FOLDERS = (*SOURCES, "docs", "examples", "tests")
# A path or a module in one of the folders; in documents also the bare name of a Python file.
PATH = re.compile(rf"(?<![\w./-])(?:{'|'.join(FOLDERS)})/[\w./*<>-]*")
IN_DOCUMENT = re.compile(rf"(?<![\w./>-])(?:(?:{'|'.join(FOLDERS)})(?:\.[a-z_]+)+(?![\w/(])|\w+\.py\b)")
MADE_BY_RUNS = ("bench/results/commits.csv", "faults/results/")


def missing(project: Path) -> Iterator[str]:
    """Yield a line for each reference without a target, and for each document of docs/ that is not linked."""
    documents = [file for pattern in ("*.md", "docs/**/*.md") for file in sorted(project.glob(pattern))]
    others = ["Makefile", "pyproject.toml", ".ci/run", *(f"{folder}/**/*.py" for folder in SOURCES)]
    for file in documents + [file for pattern in others for file in sorted(project.glob(pattern))]:
        for number, line in enumerate(file.read_text().splitlines(), 1):
            found = PATH.findall(line) + (IN_DOCUMENT.findall(line) if file in documents else [])
            for name in (name for name in found if not _is_there(name, project)):
                yield f"{file.relative_to(project)}:{number}: {name} is not there"
    linked = set()
    for file in documents:
        for number, link in _links(file.read_text()):
            name, _, heading = link.partition("#")
            target = (file.parent / name).resolve() if name else file
            if not target.exists() or (heading and heading not in _headings(target.read_text())):
                yield f"{file.relative_to(project)}:{number}: the link to {link} leads nowhere"
            linked.add(target)
    for file in (file for file in documents if file.parent != project and file.resolve() not in linked):
        yield f"{file.relative_to(project)}: no document links to it"


def _is_there(name: str, project: Path) -> bool:
    # `<word>` stands for any word.
    path, module = re.sub(r"<\w+>", "*", name).rstrip("./"), name.replace(".", "/")
    patterns = [path, module, f"{module}.py", *(f"{folder}/**/{path}" for folder in FOLDERS)]
    return name.startswith(MADE_BY_RUNS) or any(any(project.glob(pattern)) for pattern in patterns)


def _links(text: str) -> Iterator[tuple[int, str]]:
    for token in MarkdownIt().enable("table").parse(text):
        links = [part.attrGet("href") or part.attrGet("src") for part in token.children or []]
        for link in (str(link) for link in links if link and ":" not in str(link)):
            yield (token.map or [0])[0] + 1, link


def _headings(text: str) -> set[str]:
    """Return the fragments of the headings of a Markdown page, as on GitHub."""
    pairs = pairwise(MarkdownIt().parse(text))
    titles = [inline.content.lower() for token, inline in pairs if token.type == "heading_open"]
    return {re.sub(r"[^\w -]", "", title).replace(" ", "-") for title in titles}


if __name__ == "__main__":
    sys.exit("\n".join(missing(Path(__file__).resolve().parents[1])) or 0)
