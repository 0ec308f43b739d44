"""Lifecycle messages (CDAR) as platforms write them, for whoever reads some: made here, and by nobody's program but the tests'."""

from __future__ import annotations

from xml.sax.saxutils import escape

RSM = "urn:un:unece:uncefact:data:standard:CrossDomainAcknowledgementAndResponse:100"
RAM = "urn:un:unece:uncefact:data:standard:ReusableAggregateBusinessInformationEntity:100"
UDT = "urn:un:unece:uncefact:data:standard:UnqualifiedDataType:100"
QDT = "urn:un:unece:uncefact:data:standard:QualifiedDataType:100"
SELLER, BUYER = "100000009", "200000008"
AT = "20261012101530"  # by the clocks of Paris


def dated(tag: str, text: str | None, form: str = "204", kind: str = "udt") -> str:
    if text is None:
        return ""
    return f'<ram:{tag}><{kind}:DateTimeString format="{form}">{escape(text)}</{kind}:DateTimeString></ram:{tag}>'


def party(tag: str, role: str, siren: str | None = None, name: str | None = None) -> str:
    named = f'<ram:GlobalID schemeID="0002">{siren}</ram:GlobalID>' if siren else ""
    called = f"<ram:Name>{escape(name)}</ram:Name>" if name else ""
    return f"<ram:{tag}>{named}{called}<ram:RoleCode>{role}</ram:RoleCode></ram:{tag}>"


def reason(code: str = "", text: str = "", comment: str = "", inner: str = "", sequence: int = 1) -> str:
    """A block that explains a status; `inner`: characteristics."""
    parts = [
        f"<ram:ReasonCode>{escape(code)}</ram:ReasonCode>" if code else "",
        f"<ram:Reason>{escape(text)}</ram:Reason>" if text else "",
        f"<ram:SequenceNumeric>{sequence}</ram:SequenceNumeric>",
        f"<ram:IncludedNote><ram:Content>{escape(comment)}</ram:Content></ram:IncludedNote>" if comment else "",
    ]
    return f"<ram:SpecifiedDocumentStatus>{''.join(parts)}{inner}</ram:SpecifiedDocumentStatus>"


def amount(
    value: str, rate: str | None = "20.00", kind: str = "MEN", currency: str = "EUR", day: str | None = None
) -> str:
    percent = f"<ram:ValuePercent>{rate}</ram:ValuePercent>" if rate else ""
    figures = f'<ram:ValueAmount currencyID="{currency}">{value}</ram:ValueAmount>{dated("ValueDateTime", day, "102")}{percent}'
    return f"<ram:SpecifiedDocumentCharacteristic><ram:TypeCode>{kind}</ram:TypeCode>{figures}</ram:SpecifiedDocumentCharacteristic>"


def about(
    number: str, code: str, *blocks: str, seller: str | None = SELLER, issued: str | None = "20261010", network: str = "47",
    more: str = "",
) -> str:  # fmt: skip
    """What a message says of one invoice; `more`: elements behind its date of receipt."""
    return (
        f"<ram:ReferenceReferencedDocument><ram:IssuerAssignedID>{escape(number)}</ram:IssuerAssignedID>"
        f"<ram:StatusCode>{network}</ram:StatusCode><ram:TypeCode>380</ram:TypeCode>{more}"
        f"{dated('FormattedIssueDateTime', issued, '102', 'qdt')}"
        f"<ram:ProcessConditionCode>{escape(code)}</ram:ProcessConditionCode><ram:ProcessCondition>words</ram:ProcessCondition>"
        f"{party('IssuerTradeParty', 'SE', seller) if seller else ''}{''.join(blocks)}</ram:ReferenceReferencedDocument>"
    )


def acknowledged(*documents: str, at: str | None = AT) -> str:
    return (
        f"<rsm:AcknowledgementDocument><ram:TypeCode>23</ram:TypeCode>{dated('IssueDateTime', at)}{''.join(documents)}"
        "</rsm:AcknowledgementDocument>"
    )


def message(*acknowledgements: str, message_id: str = "F-7_212_1", written_at: str | None = AT) -> bytes:
    """A whole message of the buyer, sent by a platform."""
    return (
        f'<?xml version="1.0" encoding="UTF-8"?><rsm:CrossDomainAcknowledgementAndResponse xmlns:rsm="{RSM}" xmlns:ram="{RAM}" '
        f'xmlns:udt="{UDT}" xmlns:qdt="{QDT}"><rsm:ExchangedDocumentContext><ram:GuidelineSpecifiedDocumentContextParameter>'
        "<ram:ID>urn.cpro.gouv.fr:1p0:CDV:invoice</ram:ID></ram:GuidelineSpecifiedDocumentContextParameter></rsm:ExchangedDocumentContext>"
        f"<rsm:ExchangedDocument><ram:ID>{escape(message_id)}</ram:ID>{dated('IssueDateTime', written_at)}"
        f"{party('SenderTradeParty', 'WK')}{party('IssuerTradeParty', 'BY', BUYER, 'ACHETEUR')}"
        f"{party('RecipientTradeParty', 'SE', SELLER, 'VENDEUR')}</rsm:ExchangedDocument>{''.join(acknowledgements)}"
        "</rsm:CrossDomainAcknowledgementAndResponse>"
    ).encode()


COLLECTED = message(acknowledged(about("F-7", "212", reason(inner=amount("1200.00") + amount("440.00", "10.00")))))
REFUSED = message(
    acknowledged(about("F-7", "210", reason("NON_CONFORME", "Mention absente", "Il manque une mention"), network="50"))
)
SEVERAL = message(
    acknowledged(about("F-7", "204"), about("F-8", "205", network="1")),
    acknowledged(about("F-9", "211", reason(inner=amount("1.00", None, "MPA", day="20261011"))), at="20261013000000"),
)
SAMPLES = (COLLECTED, REFUSED, SEVERAL)
