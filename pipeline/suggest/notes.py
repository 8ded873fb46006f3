"""What was seen of files and what is doubtful, as it is collected."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from pipeline.rowfiles.mapping import quoted


@dataclass
class Notes:
    """Sentences for the user: why something is suggested, and what is not certain."""

    _reasons: list[str] = field(default_factory=list)
    _doubts: list[str] = field(default_factory=list)
    _reasons_of: dict[str, dict[str, None]] = field(default_factory=dict)
    _doubts_of: dict[str, dict[str, None]] = field(default_factory=dict)

    def reason(self, text: str) -> None:
        """Note a reason."""
        self._reasons.append(text)

    def reason_of(self, name: str, text: str) -> None:
        """Note a reason for what a field becomes."""
        self._reasons_of.setdefault(text, {})[name] = None

    def doubt(self, text: str) -> None:
        """Note a doubt."""
        self._doubts.append(text)

    def doubt_of(self, name: str, text: str) -> None:
        """Note a doubt of a field."""
        self._doubts_of.setdefault(text, {})[name] = None

    @property
    def reasons(self) -> tuple[str, ...]:
        """All reasons; fields with the same one are named together."""
        return (*self._reasons, *_joined(self._reasons_of))

    @property
    def doubts(self) -> tuple[str, ...]:
        """All doubts; fields with the same one are named together."""
        return (*self._doubts, *_joined(self._doubts_of))


def _joined(of_fields: Mapping[str, Iterable[str]]) -> Iterator[str]:
    for text, names in of_fields.items():
        yield f"{', '.join(map(quoted, names))}: {text}"
