"""What MkDocs does not do by itself: pages and files from outside of docs/, and links between them.

The documents link to each other as on a code host, by relative paths in the project.
"""

import posixpath
import re
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

PAGES = {
    "README.md": "index.md",
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
    "SECURITY.md": "security.md",
}
LINK = re.compile(r"(!?)\[((?:[^\[\]]|\[[^\[\]]*\])*)\]\(([^()\s]+)\)")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the documents beside docs/ as pages, and the examples as they are."""
    project = Path(config.docs_dir).parent
    for source, page in PAGES.items():
        files.append(File.generated(config, page, abs_src_path=str(project / source)))
    for example in sorted(file for file in (project / "examples").rglob("*") if file.is_file()):
        name = example.relative_to(project).as_posix()
        files.append(File.generated(config, name, abs_src_path=str(example)))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Return the text with links as the site has them.

    Of a link to a file that is in the project and not in the site, only the text stays.
    """
    project = Path(config.docs_dir).parent
    here = page.file.src_uri
    source = Path(str(page.file.abs_src_path)).relative_to(project).parent.as_posix()

    def linked(found: re.Match[str]) -> str:
        image, text, link = found.groups()
        name, mark, heading = link.partition("#")
        if not name or ":" in name:
            return found.group()
        target = posixpath.normpath(posixpath.join(source, name))
        in_site = PAGES.get(target, target.removeprefix("docs/"))
        if files.get_file_from_path(in_site) is None:
            # MkDocs says so where the file is nowhere.
            return text if (project / target).exists() else found.group()
        return f"{image}[{text}]({posixpath.relpath(in_site, posixpath.dirname(here) or '.')}{mark}{heading})"

    return LINK.sub(linked, markdown)
