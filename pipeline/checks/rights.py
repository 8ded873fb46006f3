"""What this user may do, as the server says it of the user's role and of the roles that it has."""

from collections.abc import Iterator, Sequence

from cassandra.cluster import Session

from pipeline.checks.findings import Finding, failure, ok, warning
from pipeline.cluster.system import read_system
from pipeline.cql.tables import quoted

Rights = frozenset[tuple[str, str]]
"""Pairs of a permission, and what it is on as `LIST PERMISSIONS` has it, such as `<table shop.orders>`."""

READ_AND_WRITE = ("SELECT", "MODIFY")


class RightsOf:
    """The rights of a user in one keyspace."""

    def __init__(self, session: Session, user: str, keyspace: str) -> None:
        self._user, self._keyspace = user, keyspace
        self._rights: Rights = frozenset()
        self._all, self._unknown = "", ""
        try:
            if user and any(row["super"] for row in read_system(session, f"LIST ROLES OF {quoted(user)}")):
                self._all = f"{user} is a superuser: everything, and guardrails do not apply"
                return
            found = read_system(session, f"LIST ALL PERMISSIONS{f' OF {quoted(user)}' if user else ''}")
        except Exception as error:  # noqa: BLE001 - each kind of server has its own; all mean that it cannot be known
            self._unknown = str(error).splitlines()[0]
            self._all = next((means for said, means in _NO_RIGHTS.items() if said in self._unknown), "")
        else:
            self._unknown = "" if user else "no user is named, and the server has logins"
            self._rights = frozenset((row["permission"], row["resource"]) for row in found)

    def look_at_table(self, table: str, permissions: Sequence[str] = READ_AND_WRITE) -> Iterator[Finding]:
        """Yield whether the user has these permissions on a table, which is there."""
        name = f"{self._keyspace}.{table}"
        yield self._finding(f"rights {name}", name, permissions, (f"<table {name}>", *self._above))

    def look_at_creation(self, *, of_keyspace: bool) -> Iterator[Finding]:
        """Yield whether the user may create what is absent: the keyspace, or a table in it."""
        what, places = (
            ("ALL KEYSPACES", ("<all keyspaces>",))
            if of_keyspace
            else (f"KEYSPACE {self._keyspace}", self._above)
        )
        yield self._finding(f"rights {self._keyspace}", what, ("CREATE",), places)

    @property
    def _above(self) -> Sequence[str]:
        return (f"<all tables in {self._keyspace}>", f"<keyspace {self._keyspace}>", "<all keyspaces>")

    def _finding(self, subject: str, what: str, permissions: Sequence[str], places: Sequence[str]) -> Finding:
        if self._all:
            return ok(subject, self._all)
        wanted = ", ".join(permissions)
        if self._unknown:
            return warning(
                subject,
                f"cannot be known: {self._unknown}",
                f"ask an administrator whether {self._user or 'its role'} has {wanted} on {what}",
            )
        missing = [each for each in permissions if not any((each, place) in self._rights for place in places)]
        if missing:
            grants = "; ".join(f"GRANT {each} ON {what} TO {self._user}" for each in missing)
            return failure(subject, f"{self._user} has no {', '.join(missing)}", f"have it granted: {grants}")
        return ok(subject, f"{self._user} has {wanted}")


_NO_RIGHTS = {
    "not anonymous": "the server asks for no login, so nothing is forbidden",
    "AllowAllAuthorizer": "the server has AllowAllAuthorizer, so nothing is forbidden",
}
"""Parts of a refusal to list permissions that mean that there are none."""
