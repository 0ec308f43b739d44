"""Checks of who else could have something run with the rights of Facteur's roles."""

from __future__ import annotations

from facteur.operate.doctor.diagnosis import Verdict, ok, warning
from facteur.operate.doctor.examination import Examination


def path(exam: Examination) -> Verdict:
    """Whether the worker looks for names in Postgres' own catalogue alone."""
    found = exam.database.connection()
    if found.owner or not found.path:
        return ok("pg_catalog alone" if not found.owner else "the owner's own")
    return warning(
        f"the role {found.role} looks for names in {', '.join(found.path)} as well: whoever may create there can have it run what he likes",
        f'alter role "{found.role}" set search_path = pg_catalog, by a role that may; then new connections have it',
    )


def others(exam: Examination) -> Verdict:
    """Whether nobody else may put something where it runs as the owner."""
    exposed = exam.database.exposures()
    if not exposed:
        return ok("nobody may create on the owner's path, or a trigger on the table")
    return warning("; ".join(each.risk for each in exposed), "; ".join(each.remedy for each in exposed))
