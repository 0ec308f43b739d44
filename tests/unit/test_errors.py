"""One tree of errors, one shape of problems, and no secret in any of their texts."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re

import facteur
from facteur import errors
from facteur.aws.secrets_manager import SecretUnreadableError
from facteur.domain.decide_deposit import after_answer
from facteur.domain.submission import Accepted, Answer, Invoice, Rejected, StatusEvent
from facteur.errors import AccountRefusedError, FacteurError, Problem
from facteur.platforms.credentials import Credentials
from facteur.platforms.http import HttpAnswer
from facteur.platforms.oauth import Authorisation
from tests.unit.test_decide import LIMITS
from tests.unit.test_decide_status import event

ENTRY = re.compile(r"^(?P<indent>[│ ]*)(?:[├└]── )?(?P<name>\w+Error)\b")


def drawn() -> dict[str, str | None]:
    """Each class of the docstring's tree with the one it hangs from."""
    parents: list[str] = []
    tree: dict[str, str | None] = {}
    for line in (errors.__doc__ or "").splitlines():
        if found := ENTRY.match(line):
            depth = len(found["indent"]) // 4 + ("── " in line)
            parents[depth:] = [found["name"]]
            tree[found["name"]] = parents[depth - 1] if depth else None
    return tree


def test_the_tree_in_the_docstring_is_the_tree_of_classes() -> None:
    classes = {n: c for n, c in vars(errors).items() if inspect.isclass(c) and issubclass(c, FacteurError)}

    assert drawn() == {name: None if c is FacteurError else c.__bases__[0].__name__ for name, c in classes.items()}


def test_every_error_of_the_package_is_in_the_tree_or_stays_between_an_adapter_and_wiring() -> None:
    for module in pkgutil.walk_packages(facteur.__path__, "facteur."):
        importlib.import_module(module.name)

    def below(parent: type[FacteurError]) -> set[type[FacteurError]]:
        return {parent}.union(*(below(child) for child in parent.__subclasses__()))

    outside = {
        each for each in below(FacteurError) if each.__module__.startswith("facteur") and each.__name__ not in drawn()
    }
    assert outside == {SecretUnreadableError}


def test_every_error_says_what_to_do() -> None:
    assert all(inspect.getdoc(getattr(errors, name)) for name in drawn())


def test_a_problem_reads_as_one_sentence_after_the_other() -> None:
    problem = Problem("refused", "the platform refused the invoice", 400, "INVALID", "the seller is unknown")

    assert problem.sentence("Correct it") == (
        "HTTP 400: the platform refused the invoice. The platform says: the seller is unknown. Correct it."
    )
    assert Problem("x", "it failed").sentence() == "it failed."
    assert Problem("x", "it failed", platform_code="NO").sentence() == "it failed. The platform says: NO."


def test_an_error_is_its_problem() -> None:
    error = AccountRefusedError(Problem("secret_malformed", "secret facteur/default: missing client_id"))

    assert str(error) == "secret facteur/default: missing client_id."
    assert error.problem.code == "secret_malformed"


SECRET = "never-show-this"


def test_no_repr_shows_a_secret_a_document_or_an_answer() -> None:
    problem = Problem("refused", "the platform refused")
    answers: list[Answer] = [Accepted("id", 201, SECRET), Rejected(problem, SECRET)]
    said: StatusEvent = event("200")
    said.raw["note"] = SECRET
    shown = [
        Credentials("client", SECRET), Authorisation(SECRET, {"customer-id": SECRET}),
        HttpAnswer(200, {"Set-Cookie": SECRET}, SECRET.encode()), said,
        Invoice("1", True, "default", None, SECRET.encode(), None, None, None, None, None, None, None),
        *answers, *(after_answer(answer, LIMITS) for answer in answers),
    ]  # fmt: skip

    assert SECRET not in "".join(f"{each!r} {each}" for each in shown)
