"""Why there is no connection, in the words of servers and of libpq, in English and in French."""

from __future__ import annotations

import gettext
from pathlib import Path

import pytest

from facteur.postgres.refusals import NO_MORE, UNREACHED, why_no_connection

CATALOGUES = Path("/usr/share/locale/fr/LC_MESSAGES")
NAMED = ("secret", "secret", "secret", "secret")
SAID = [  # in English, what it says in French, and why
    ('database "%s" does not exist', "la base de données « %s » n'existe pas", "has no database of this name"),
    ('role "%s" does not exist', "le rôle « %s » n'existe pas", "has no role of this name"),
    (
        'password authentication failed for user "%s"',
        "authentification par mot de passe échouée pour l'utilisateur  « %s »",
        "refused role or password",
    ),
    ("sorry, too many clients already", "désolé, trop de clients sont déjà connectés", NO_MORE),
    ('too many connections for role "%s"', "trop de connexions pour le rôle « %s »", NO_MORE),
    ('too many connections for database "%s"', "trop de connexions pour la base de données « %s »", NO_MORE),
    (
        "remaining connection slots are reserved for non-replication superuser connections",
        "les emplacements de connexions restants sont réservés pour les connexions\nsuperutilisateur non relatif à la réplication",
        NO_MORE,
    ),
    (
        'no pg_hba.conf entry for host "%s", user "%s", database "%s", %s',
        "aucune entrée dans pg_hba.conf pour l'hôte « %s », utilisateur « %s »,\nbase de données « %s », %s",
        "pg_hba.conf does not let this role in",
    ),
    (
        'could not translate host name "%s" to address: %s\n',
        "n'a pas pu traduire le nom d'hôte « %s » en adresse : %s\n",
        "no host",
    ),
    (
        'invalid integer value "%s" for connection option "%s"\n',
        "valeur entière « %s » invalide pour l'option de connexion « %s »\n",
        UNREACHED,
    ),
    ("timeout expired\n", "le délai est dépassé\n", "nobody answers at this address"),
    (
        "server does not support SSL, but SSL was required\n",
        "le serveur ne supporte pas SSL alors que SSL était réclamé\n",
        "offers no TLS",
    ),
]


@pytest.mark.parametrize(("english", "french", "why"), SAID, ids=range(len(SAID)))
def test_why_there_is_no_connection_is_the_same_in_both_languages(english: str, french: str, why: str) -> None:
    texts = [filled(text) for text in (english, french)]
    in_latin = french_in_latin(texts[1])

    said = {why_no_connection(f'connection to server at "db" failed: FATAL: {text}') for text in (*texts, in_latin)}

    assert len(said) == 1
    assert why in said.pop()


@pytest.mark.skipif(not CATALOGUES.is_dir(), reason="no PostgreSQL of Debian's, which brings its translations")
@pytest.mark.parametrize(("english", "french", "why"), SAID, ids=range(len(SAID)))
def test_the_french_words_are_those_of_the_server(english: str, french: str, why: str) -> None:
    found = [*CATALOGUES.glob("postgres-*.mo"), *CATALOGUES.glob("libpq5-*.mo")]
    spoken = {translated(path, english) for path in found} - {english}

    assert french in spoken
    assert all(why in why_no_connection(filled(text)) for text in spoken), spoken


def test_a_port_that_is_none_is_reported_in_both_languages() -> None:
    french = "valeur entière « x » invalide pour l'option de connexion « port »"
    for text in ('invalid integer value "x" for connection option "port"', french):
        assert why_no_connection(text) == "its port is no number"


def test_what_nobody_knows_is_reported_in_general_and_without_its_words() -> None:
    assert why_no_connection("FATAL: la contraseña es secret") == UNREACHED


def translated(path: Path, text: str) -> str:
    with path.open("rb") as file:
        return gettext.GNUTranslations(file).gettext(text)


def filled(text: str) -> str:
    return text % NAMED[: text.count("%s")]


def french_in_latin(text: str) -> str:
    """As a client reads it whose server is not in UTF-8."""
    return text.encode("latin-1").decode("utf-8", "replace")
