"""What differs between the versions of the norm: words, and how long an id may be."""

from __future__ import annotations

from dataclasses import dataclass

SYNTAXES = ("CII", "UBL", "Factur-X", "CDAR", "FRR")
DIRECTIONS = ("In", "Out")
ACK_STATUSES = ("Pending", "Ok", "Error")
RULES = ("B2B", "B2BInt", "B2C", "B2G", "B2GInt", "OutOfScope", "B2GOutOfScope", "ArchiveOnly", "NotApplicable")
PROFILES = ("Basic", "CIUS", "Extended-CTC-FR")
BOTH = (
    "CustomerInvoice", "SupplierInvoice", "CustomerInvoiceLC", "SupplierInvoiceLC", "StateCustomerInvoiceLC",
    "StateSupplierInvoiceLC", "AggregatedCustomerTransactionReport", "UnitaryCustomerTransactionReport",
    "AggregatedCustomerPaymentReport", "UnitaryCustomerPaymentReport", "UnitarySupplierTransactionReport", "MultiFlowReport",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Version:
    """`undefined`: the word for a profile or a rule that is not known; None: it is left out."""

    longest_id: int
    flow_types: tuple[str, ...]
    rules: tuple[str, ...]
    profiles: tuple[str, ...]
    cursors: bool
    undefined: str | None


VERSIONS = {
    "1.2": Version(36, (*BOTH, "StateInvoice"), RULES, PROFILES, False, None),
    "1.3": Version(
        64,
        (*BOTH, "StateCustomerInvoice", "StateSupplierInvoice", "StateTransactionReport",
         "StateTransactionReportLC", "StatePaymentReport", "StatePaymentReportLC", "Undefined"),
        (*RULES, "Undefined"), (*PROFILES, "Undefined"), True, "Undefined",
    ),
}  # fmt: skip
