"""Grammars of values as text, one for each type: a text that does not match is refused.

Python's and Arrow's own parsers guess: `20230808120000Z` is 20:00 to one, ` 1_000` a number. So each type has
a grammar of its own, in its module in `types`; `docs/values.md` says the same in words.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Grammar:
    """What a message says is expected, a pattern with named groups, and hints by the pattern they are for."""

    expected: str
    pattern: re.Pattern[str]
    hints: Mapping[str, str] = field(default_factory=dict)

    def match(self, text: str) -> re.Match[str]:
        """Return the parts of a text.

        Raises:
            ValueError: it has none of the forms; the message says what was expected.
        """
        found = self.pattern.fullmatch(text)
        if found is None:
            raise self.refusal(text)
        return found

    def refusal(self, text: str) -> ValueError:
        """Return the error for a text: what was expected, and a hint."""
        hint = next((hint for near, hint in self.hints.items() if re.fullmatch(near, text)), "")
        return ValueError(f"expected {self.expected}{hint and '; '}{hint}")
