"""Who else could have something run with the rights of the schema's owner, and what follows from it."""

from __future__ import annotations

import re
from dataclasses import dataclass

CREATE, TRIGGER = "create", "trigger"
NAME = r'(?:"(?:[^"]|"")+"|[^\W\d][\w$]*)'
WRITTEN = re.compile(
    rf"\b(?:insert\s+into|update|delete\s+from|merge\s+into)\s+(?:only\s+)?({NAME})(?:\s*\.\s*({NAME}))?", re.IGNORECASE
)


def written_tables(sql: str) -> frozenset[str]:
    """The tables that statements in this text write: `schema.table`, or the table alone, as the catalogue spells them."""
    return frozenset(".".join(_spelled(part) for part in found.groups() if part) for found in WRITTEN.finditer(sql))


def _spelled(name: str) -> str:
    return name[1:-1].replace('""', '"') if name.startswith('"') else name.lower()


@dataclass(frozen=True, slots=True)
class Exposure:
    """Roles besides the owner (`public` is everybody) that hold a right on a schema of the path, or on a table that is written."""

    right: str
    name: str
    quoted: str
    roles: tuple[str, ...]

    @property
    def risk(self) -> str:
        who = ", ".join("everybody" if each == "public" else each for each in self.roles)
        if self.right == TRIGGER:
            return f"{who} may create triggers on {self.name}: one runs with the owner's rights when Facteur writes a verdict back"
        return (
            f"{who} may create in schema {self.name}, where the owner's sessions look for names: a function or an operator put there "
            "runs with the owner's rights wherever a trigger, a view or a statement of yours names one without its schema"
        )

    @property
    def remedy(self) -> str:
        on = f"{self.right} on schema" if self.right == CREATE else "trigger on"
        return f"revoke {on} {self.quoted} from {', '.join(self.roles)}"
