"""Which nodes hold which rows: the driver's view of the ring, for many tokens at once."""

import numpy as np
import numpy.typing as npt
from cassandra.cluster import Session
from cassandra.pool import Host  # noqa: TC002

Tokens = npt.NDArray[np.int64]


class Replicas:
    """The sets of nodes that hold a keyspace's rows, and which of them holds a token.

    Only nodes to which the session is connected count. If all rows are on the same nodes, or nothing is known
    of the ring, there is one set.
    """

    def __init__(self, session: Session, keyspace: str) -> None:
        usable = frozenset(pool.host for pool in session.get_pools())
        token_map = session.cluster.metadata.token_map
        ring = token_map.ring if token_map else []
        numbers: dict[frozenset[Host], int] = {frozenset(): 0} if not ring else {}
        set_of = [
            numbers.setdefault(usable.intersection(token_map.get_replicas(keyspace, token)), len(numbers))
            for token in ring
        ]
        self.sets: list[tuple[Host, ...]] = [tuple(hosts) for hosts in numbers]
        self._set_of = np.array(set_of or [0])
        self._ends = np.array([token.value for token in ring], dtype=np.int64)

    def set_numbers(self, tokens: Tokens) -> npt.NDArray[np.int64]:
        """Return the index in `sets` for each token: that of the first node at or after it on the ring."""
        return self._set_of[np.searchsorted(self._ends, tokens) % len(self._set_of)]


class ReplicasNow:
    """A keyspace's replicas, computed again when the ring or the set of connected nodes has changed."""

    def __init__(self, session: Session, keyspace: str) -> None:
        self._session = session
        self._keyspace = keyspace
        self._of: tuple[object, ...] = ()

    def now(self) -> Replicas:
        """Return the current replicas."""
        of = (self._session.cluster.metadata.token_map, *(pool.host for pool in self._session.get_pools()))
        if of != self._of:
            self._of = of
            self._replicas = Replicas(self._session, self._keyspace)
        return self._replicas
