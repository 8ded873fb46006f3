from pathlib import Path

from tests.references import missing

PROJECT = Path(__file__).parents[1]


def test_what_leads_nowhere_is_named_with_its_place(tmp_path: Path) -> None:
    """Dead links, outdated headings, paths, modules and files, and unlinked documents are named."""
    (tmp_path / "docs").mkdir()
    (tmp_path / "pipeline").mkdir()
    (tmp_path / "pipeline" / "worker.py").write_text('"""As docs/gone.md says."""\n')
    (tmp_path / "docs" / "alone.md").write_text("# Alone\n")
    (tmp_path / "docs" / "linked.md").write_text("# It's `here`\n[dead](gone.md)\n")
    (tmp_path / "README.md").write_text(
        "[there](docs/linked.md#its-here), [no heading](docs/linked.md#there), [web](https://example.com/gone.md)\n"
        "\n`pipeline/worker.py`, `worker.py`, `pipeline.worker`, `pipeline/<module>.py` are there\n"
        "`pipeline/gone.py`, `gone.py`, `pipeline.gone` are not\n"
    )
    assert list(missing(tmp_path)) == [
        "README.md:4: pipeline/gone.py is not there",
        "README.md:4: gone.py is not there",
        "README.md:4: pipeline.gone is not there",
        "pipeline/worker.py:1: docs/gone.md is not there",
        "README.md:1: the link to docs/linked.md#there leads nowhere",
        "docs/linked.md:2: the link to gone.md leads nowhere",
        "docs/alone.md: no document links to it",
    ]


def test_the_project_has_none() -> None:
    """Every reference in the project's own texts has a target."""
    assert list(missing(PROJECT)) == []
