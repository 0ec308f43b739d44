"""Why there is no connection, by the words of libpq and of a server that speaks English or French: neither gives psycopg2 a SQLSTATE.

Their text is never repeated, for it may quote an address. An accent stands as `.+` where a server that is not in UTF-8 would send another.
"""

from __future__ import annotations

import re

from facteur.postgres.url import IN_A_URL

NO_MORE = "the server takes no more connections of this role (53300); end idle ones or raise its limit, nothing is lost meanwhile"
UNREACHED = "check address, password, network, and that it runs"
WHY = {
    # 3D000, 28000, 28P01, 53300
    r"database \".*\" does not exist|base de donn.+ n.existe pas": "the server has no database of this name",
    r"role \".*\" does not exist|le r.+le .+ n.existe pas": "the server has no role of this name",
    r"no password supplied|mot de passe n.a .+ fourni": "the server wants a password, and none was given",
    r"authentication failed|authentification .*.chou|chec de l.authentif": "the server refused role or password; check address, password",
    r"too many (clients|connections)|trop de (clients|connexions)": NO_MORE,
    r"connection slots are reserved|emplacements de connexions? restants": NO_MORE,
    r"no more connections allowed": NO_MORE,
    r"pg_hba\.conf": "the server's pg_hba.conf does not let this role in from here",
    r"invalid sslmode value|valeur sslmode invalide": "its sslmode is none of disable, allow, prefer, require, verify-ca, verify-full",
    r"invalid integer value .*port|valeur enti.+ invalide .*port": "its port is no number",
    r"translate host name|traduire le nom d.h.+te": f"no host of this name is known; {IN_A_URL}",
    r"Connection refused|Connexion refus": "nobody listens at this address and port: check both, and that the server runs",
    r"timeout expired|d.+lai est d.+pass": "nobody answers at this address: check it, and the network between",
    r"does not support SSL|ne supporte pas SSL": "the server offers no TLS, and sslmode asks for it",
    r"certificate|certificat ": "the server's certificate is not what sslmode asks for: check the address, and sslrootcert",
}


def why_no_connection(text: str) -> str:
    """As a sentence's end; what is not known is said in general."""
    line = " ".join(text.split())
    return next((why for pattern, why in WHY.items() if re.search(pattern, line)), UNREACHED)
