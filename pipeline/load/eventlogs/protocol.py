"""What a journal needs of the place where its events are kept."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol

Event = Mapping[str, Any]
"""What JSON can represent: an object with one key, except the first event, which describes the load."""


class EventLog(Protocol):
    """The events of one journal. `place` names it for other processes, and for people."""

    place: str

    def read(self) -> list[Event]:
        """Return the events, the one that describes the load first; none where there is no whole journal.

        Raises:
            OutputError: the file cannot be read.
            ClusterError: the cluster does not answer, or refuses.
        """

    def append(self, event: Event) -> None:
        """Add an event; no failure after this returns can lose it.

        Raises:
            OutputError: the file cannot be written, or the disk is full.
            ClusterError: the cluster does not answer, or refuses.
        """

    def replace(self, events: Sequence[Event]) -> None:
        """Begin anew with these events, or leave everything as it was.

        Raises:
            OutputError: the file cannot be written, or the disk is full.
            ClusterError: the cluster does not answer, or refuses.
        """

    def remove(self) -> None:
        """Remove the journal, if it is there.

        Raises:
            ClusterError: the cluster does not answer, or refuses.
        """

    def hold(self, holder: str) -> None:
        """Be the only run that sends rows until a minute from now.

        Raises:
            RequestError: another run is.
            ClusterError: the cluster does not answer, or refuses.
        """

    def others(self) -> Iterator["EventLog"]:
        """Yield the other journals of this place; those of other tables may be among them."""
