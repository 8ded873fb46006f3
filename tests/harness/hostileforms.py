"""The corpus of hostile files in other forms than plain UTF-8 CSV: packed, of a dialect, JSON Lines."""

from collections.abc import Mapping
from pathlib import Path

from tests.harness.hostilecsv import CSV_KINDS
from tests.harness.hostileencodings import ENCODING_KINDS
from tests.harness.hostilefile import HostileFile, Kind, write_hostile
from tests.harness.hostilejsonl import JSON_LINES_KINDS
from tests.harness.hostilepacked import BOMB_KINDS, PACKED_KINDS

FORM_KINDS: Mapping[str, Kind] = {**PACKED_KINDS, **JSON_LINES_KINDS, **CSV_KINDS, **ENCODING_KINDS}


def hostile_forms(folder: Path, count: int, seed: int, *, has_bombs: bool = False) -> list[HostileFile]:
    """Write `count` files, none of a kind twice before each is there once; a seed gives the same files."""
    kinds = {**BOMB_KINDS, **FORM_KINDS} if has_bombs else FORM_KINDS
    names = list(kinds)
    # Any few that follow one another differ.
    mixed = [name for start in range(_STEP) for name in names[start::_STEP]]
    return write_hostile(folder, {name: kinds[name] for name in mixed}, count, seed)


_STEP = 17
