"""A table for a stranger's files: `luigi --module tasks SuggestTable --input f.csv`."""

import re
import shlex

import luigi

from pipeline.files import write_text
from pipeline.rowfiles.stores.paths import FilePath
from pipeline.settings import FilesConfig
from pipeline.suggest.jobs import Suggestion
from pipeline.suggest.jobs import SuggestTable as SuggestTableJob
from pipeline.workers.client import run_job
from tasks import settings
from tasks.declared import with_settings
from tasks.inputs import find
from tasks.parameters import Input, SettingParameter, Words
from tasks.settings import output_folder
from tasks.targets import named_table


@with_settings(settings.files)
class SuggestTable(luigi.Task):
    """Print a CREATE TABLE for row files, and the command that loads them, with reasons and doubts."""

    input = Input(description="Row files: a file, a folder or a glob.")
    table = SettingParameter(
        default="", description="keyspace.table; else the file's name, in luigi.cfg's keyspace."
    )
    key = Words(
        default=(), description="The fields of the primary key, the partition key first; else a guess."
    )

    def complete(self) -> bool:
        """Never: whoever names it wants to see the suggestion."""
        return False

    def run(self) -> None:
        """Look at the files, and print what is suggested."""
        from tasks.seen.printed import show_suggestion  # noqa: PLC0415 - rich, which other tasks do not need

        files = find(self.input, any_ending=True)
        table = named_table(self.table or _name_of(files[0]))
        found = run_job(
            SuggestTableJob(
                files=tuple(map(str, files)),
                table=table.quoted,
                key=self.key,
                given=settings.build(FilesConfig, self),
                objects=settings.objects_config(),
            )
        )
        statement = output_folder() / "suggested" / f"{table.keyspace.name}.{table.table}.cql"
        write_text(statement, f"{found.statement}\n")
        words = ["luigi", "--module", "tasks", "LoadTable", "--table", f"{table.keyspace.name}.{table.table}"]
        words += ["--create", str(statement), "--input", self.input, *_options(found)]
        show_suggestion(found, shlex.join(words), statement)


def _options(found: Suggestion) -> list[str]:
    return [word for name, value in found.options for word in (f"--{name.replace('_', '-')}", value)]


def _name_of(file: FilePath) -> str:
    """Return a table's name for a file: its own, in small letters, without its endings."""
    name = re.sub(r"[^a-z0-9]+", "_", file.name.partition(".")[0].casefold()).strip("_")
    return name if name[:1].isalpha() else f"t_{name}"
