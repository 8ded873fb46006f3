"""What docs/tasks.md says of the tasks and their parameters: `make settings-docs` writes it."""

from collections.abc import Mapping
from pathlib import Path

import luigi

import tasks
from pipeline import sections
from pipeline.sections.documents import heading_of, text_of
from tasks.parameters import Day, SettingParameter

_HEAD = """\
# Tasks

    luigi --module tasks TASK --parameter value …

The tasks and their parameters. Where a task names a section, the settings of that section are parameters
of the task too: `max_bad_rows` of `[load]` is `--max-bad-rows`. Any other setting can be given as
`--SECTION-NAME value`. A parameter that you leave out has the value in [luigi.cfg](settings.md), or else
its default.

<!-- make settings-docs writes what follows, from the classes of the tasks. -->
"""
_TABLE = ["| parameter | default | meaning |", "| --- | --- | --- |"]


def documents(project: Path) -> dict[Path, str]:
    """Return what the page about the tasks should have, by its path in a project."""
    parts = [_HEAD, *(task_section(getattr(tasks, name)) for name in tasks.__all__), _of_one_run()]
    return {project / "docs" / "tasks.md": "\n".join(parts)}


def task_section(task: type[luigi.Task]) -> str:
    """Return the section about a task: what it does, its own parameters, and whose settings it has."""
    lines = [f"## {task.get_task_family()}", str(task.__doc__).strip().partition("\n")[0], ""]
    parameters = dict(task.get_params())
    declared = {each.name for section in sections.SECTIONS for each in section}
    if own := [name for name in parameters if name not in declared]:
        lines += [*_TABLE, *(_row(task, name, parameters[name]) for name in own), ""]
    if given := list(filter(None, (_settings_of(parameters, each) for each in sections.SECTIONS))):
        lines += [f"Also the settings of {', '.join(given)}.", ""]
    return "\n".join(lines)


def _settings_of(parameters: Mapping[str, object], section: sections.Section) -> str:
    """Return which settings of a section a task has: the whole section, some by name, or nothing."""
    names = [each.name for each in section if each.is_on_tasks]
    had = [name for name in names if name in parameters]
    if not had or had == names:
        return _link(section) if had else ""
    return f"{_link(section)} ({', '.join(f'`{name}`' for name in had)} only)"


def _of_one_run() -> str:
    """Return the section about settings that no section of luigi.cfg has, because they differ by run."""
    lines = ["## Parameters that are not in a section of luigi.cfg", *_TABLE]
    for section in sections.SECTIONS:
        for each in section:
            if each.is_on_tasks and not each.is_in_file:
                default = f"`{text_of(each.default)}`" if text_of(each.default) else "empty"
                where = f"With {_link(section)}: " + each.sentence
                lines.append(f"| `{_option(each.name)}` | {default} | {where} |")
    return "\n".join([*lines, ""])


def _row(task: type[luigi.Task], name: str, parameter: SettingParameter | Day) -> str:
    meaning = str(parameter.description).replace("%%", "%").replace("|", r"\|")
    return f"| `{_option(name)}` | {_default(task, name, parameter)} | {meaning} |"


def _default(task: type[luigi.Task], name: str, parameter: SettingParameter | Day) -> str:
    if isinstance(parameter, Day):
        return "today"
    family = task.get_task_family()
    if not parameter.has_task_value(family, name):
        return "required"
    text = parameter.serialize(parameter.task_value(family, name))
    return f"`{text.lower() if text in {'True', 'False'} else text}`" if text else "empty"


def _option(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def _link(section: sections.Section) -> str:
    return f"[`[{section.name}]`](settings.md#{heading_of(section)})"


if __name__ == "__main__":
    for path, content in documents(Path()).items():
        path.write_text(content, encoding="utf-8")
