"""Which nodes hold which rows: the driver's map of the ring, looked up for many tokens at once."""

import numpy as np
import numpy.typing as npt
from cassandra.cluster import Session
from cassandra.pool import Host  # noqa: TC002

from pipeline.cluster.session import has_murmur3_tokens

Tokens = npt.NDArray[np.int64]


class Replicas:
    """The sets of nodes that hold a keyspace's rows, and which of the sets holds a token.

    The sets contain only nodes that the session has connections to. If the same nodes hold all rows, or their
    tokens are not Murmur3Partitioner's, there is one set.
    """

    def __init__(self, session: Session, keyspace: str) -> None:
        usable = frozenset(pool.host for pool in session.get_pools())
        token_map = session.cluster.metadata.token_map
        ring = token_map.ring if token_map and has_murmur3_tokens(session) else []
        numbers: dict[frozenset[Host], int] = {frozenset(): 0} if not ring else {}
        set_of = [
            numbers.setdefault(usable.intersection(token_map.get_replicas(keyspace, token)), len(numbers))
            for token in ring
        ]
        self.sets: list[tuple[Host, ...]] = [tuple(hosts) for hosts in numbers]
        self._set_of = np.array(set_of or [0])
        self._ends = np.array([token.value for token in ring], dtype=np.int64)

    def set_numbers(self, tokens: Tokens) -> npt.NDArray[np.int64]:
        """Return the index in `sets` for each token: the replicas of the first ring token at or after it."""
        return self._set_of[np.searchsorted(self._ends, tokens) % len(self._set_of)]


class ReplicasNow:
    """A keyspace's replicas, determined again when the ring or the nodes that are up have changed."""

    def __init__(self, session: Session, keyspace: str) -> None:
        self._session = session
        self._keyspace = keyspace
        self._state: tuple[object, ...] = ()

    def now(self) -> Replicas:
        """Return the current replicas."""
        state = (self._session.cluster.metadata.token_map, *(pool.host for pool in self._session.get_pools()))
        if state != self._state:
            self._state = state
            self._replicas = Replicas(self._session, self._keyspace)
        return self._replicas
