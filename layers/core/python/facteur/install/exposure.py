"""Who else could have something run with the rights of the schema's owner, and what follows from it."""

from __future__ import annotations

from dataclasses import dataclass

CREATE, TRIGGER = "create", "trigger"


@dataclass(frozen=True, slots=True)
class Exposure:
    """Roles besides the owner (`public` is everybody) that hold a right on a schema of the path, or on the invoice table."""

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
