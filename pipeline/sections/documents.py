"""What luigi.cfg and docs/settings.md say of the settings: `make settings-docs` writes it.

In luigi.cfg that is each of our sections down to an empty line, in docs/settings.md the heading and the table
of each. What else is in these files is written by hand.
"""

import datetime as dt
import re
import textwrap
from collections.abc import Callable, Collection
from pathlib import Path

from pipeline.errors import SettingError
from pipeline.sections import SECTIONS, Section
from pipeline.settings.declaration import Setting

_WIDTH = 118


def documents(project: Path) -> dict[Path, str]:
    """Return what luigi.cfg and docs/settings.md of a project should have, whole.

    Raises:
        SettingError: a file has no place for a section, or two.
    """
    return {
        file: _filled(file, head, write)
        for file, head, write in (
            (project / "luigi.cfg", "[{}]", config_section),
            (project / "docs" / "settings.md", "## [{}]", page_section),
        )
    }


def config_section(section: Section, names: Collection[str] | None = None) -> str:
    """Return a section of luigi.cfg: each setting with its default, below what it means.

    If `names` are given, it has only these settings.
    """
    lines = [f"[{section.name}]"]
    for each in _in_file(section):
        if names is not None and each.name not in names:
            continue
        lines += textwrap.wrap(
            each.plain_sentence, _WIDTH, initial_indent="# ", subsequent_indent="# ", break_on_hyphens=False
        )
        lines.append(f"{each.name} = {text_of(each.default)}".rstrip())
    return "\n".join(lines)


def page_section(section: Section) -> str:
    """Return a section of docs/settings.md: a heading and a table."""
    rows = [f"## [{section.name}]: {section.title}", "| setting | default | meaning |", "| --- | --- | --- |"]
    for each in _in_file(section):
        default = text_of(each.default)
        rows.append(f"| `{each.name}` | {f'`{default}`' if default else 'empty'} | {each.sentence} |")
    return "\n".join(rows)


def heading_of(section: Section) -> str:
    """Return the fragment of a section's heading in docs/settings.md, as code hosts and the site make it."""
    return re.sub(r"[^\w -]", "", f"[{section.name}]: {section.title}".lower()).replace(" ", "-")


def text_of(value: object) -> str:
    """Return a value as luigi.cfg has it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, dt.timedelta):
        return f"{value / dt.timedelta(minutes=1):g} minutes"
    if isinstance(value, tuple):
        return ", ".join(map(text_of, value))
    return str(value)


def _in_file(section: Section) -> list[Setting]:
    return [each for each in section if each.is_in_file]


def _filled(file: Path, head: str, write: Callable[[Section], str]) -> str:
    """Return a file's text with each section as it should be, from its first line to an empty line."""
    text = file.read_text(encoding="utf-8")
    for section in SECTIONS:
        first = head.format(section.name)
        before, *rest = re.split(rf"(?m)^{re.escape(first)}.*\n(?:.+\n)*", text)
        if len(rest) != 1:
            raise SettingError(f"{file} has {len(rest)} lines that begin with {first!r}; have one of them")
        text = f"{before}{write(section)}\n{rest[0]}"
    return text


if __name__ == "__main__":
    for path, content in documents(Path()).items():
        path.write_text(content, encoding="utf-8")
