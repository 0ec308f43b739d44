"""The client `iopole-api` from PyPI, written by nobody here, works against the simulator."""

from __future__ import annotations

from pathlib import Path

import pytest
from iopole_api import IopoleAPI, IopoleApiException

from local.simulator.core.control import Simulator
from tests.contract.simulator.client import SILENT_BUYER, document


@pytest.fixture
def api(simulator: Simulator) -> IopoleAPI:
    simulator.configure(customer_id_check="required")  # this client sends its client id as customer-id
    found = IopoleAPI(
        simulator.client_id, simulator.client_secret, base_url=f"{simulator.base_url}/v1", auth_url=simulator.auth_url
    )
    found.auth()
    return found


@pytest.mark.parametrize("syntax", ["facturx", "cii", "ubl"])
def test_it_deposits_and_reads_back(api: IopoleAPI, simulator: Simulator, tmp_path: Path, syntax: str) -> None:
    path = tmp_path / ("F-1.pdf" if syntax == "facturx" else "F-1.xml")
    path.write_bytes(document(syntax=syntax))  # type: ignore[arg-type]

    invoice_id = api.send_invoice(str(path))
    simulator.advance(1)

    codes = [each["status"]["code"] for each in api.get_invoice_status_history(invoice_id)]
    assert codes == ["SUBMITTED", "SUBMITTED", "ISSUED", "RECEIVED", "MADE_AVAILABLE"]
    assert api.get_invoice(invoice_id) == path.read_bytes()
    assert api.get_invoice_metadata(invoice_id)[0]["originalFilename"] == path.name


def test_it_sends_a_payment_and_looks_a_company_up(api: IopoleAPI, simulator: Simulator, tmp_path: Path) -> None:
    (tmp_path / "F-1.xml").write_bytes(document())
    invoice_id = api.send_invoice(str(tmp_path / "F-1.xml"))

    api.send_invoice_payment_status(invoice_id, 120.0, 20)

    assert [each["status"]["code"] for each in api.get_invoice_status_history(invoice_id)] == ["PAYMENT_SENT"]
    assert api.get_electronic_addresses(SILENT_BUYER)[0]["value"] == SILENT_BUYER


def test_it_is_refused_where_the_customer_id_must_match(api: IopoleAPI, simulator: Simulator, tmp_path: Path) -> None:
    (tmp_path / "F-1.xml").write_bytes(document())
    simulator.configure(customer_id_check="match")

    with pytest.raises(IopoleApiException, match="403"):
        api.send_invoice(str(tmp_path / "F-1.xml"))

    assert simulator.ledger() == []
