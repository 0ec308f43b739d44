"""Facteur with one protection switched off, in a lane only: a harness that does not find out is worth nothing."""

from __future__ import annotations

from dataclasses import replace

from local.torture import broken_sql, sabotage
from local.torture.afnor.mutants import MUTANTS as OF_AFNOR
from local.torture.evidence_mutants import MUTANTS as OF_EVIDENCE
from local.torture.moving import MUTANTS as OF_MIXED
from local.torture.mutant import Mutant, run_of
from local.torture.points import IN_A_BODY
from local.torture.refused_mutants import MUTANTS as OF_REFUSALS
from local.torture.schedule import LARGE, Happening, Order, Schedule
from local.torture.silent_mutants import LOST, SILENT_SEARCH
from local.torture.silent_mutants import MUTANTS as OF_SILENCE
from local.torture.status_mutants import MUTANTS as OF_STATUSES
from local.torture.superpdp.mutants import MUTANTS as OF_SUPERPDP

MUTANTS: dict[str, Mutant] = {
    "resend on unknown": Mutant(
        "an unknown outcome is sent again at once", run_of(LOST, Order()), worker=sabotage.resend_on_unknown
    ),
    "claim checks nothing": Mutant(
        "a claim ignores queued_at, due_at and the lease",
        run_of(Order(), Order(), strike="stall@store.claim.before:1", stall_seconds=20.0),
        prepare=broken_sql.claim_anything,
    ),
    "anybody's refusal": Mutant(
        "a 401, 403, 404 or 429 of anybody's means that nothing was deposited",
        run_of(Order(faults=("stored:403:html",)), Order()),
        worker=sabotage.believe_every_refusal,
    ),
    "a refusal after a doubt": Mutant(
        "a refusal of what is sent again is the invoice's, though its first copy was only not found",
        run_of(
            Order(),
            Order(faults=("lost_answer", "answer:422:issue")),
            switches={"search_hides": ("younger:1000",)},
        ),
        worker=sabotage.believe_refusals_after_doubts,
    ),
    "no lease check": Mutant(
        "nothing is checked before a block leaves, and there is no deadline",
        run_of(Order(), Order(), strike="stall@http.deposit.before:1"),
        worker=sabotage.skip_lease_check,
    ),
    "the first block's lease": Mutant(
        "the lease is checked before the first block only, and there is no deadline",
        run_of(Order(size=LARGE), Order(), strike=f"stall@{IN_A_BODY}:2"),
        worker=sabotage.check_the_first_block_only,
    ),
    "interim answers are final": Mutant(
        "an interim answer is taken for the final one, and its connection is kept",
        run_of(*[Order(faults=("103:0.3",))] * 3, *[Order()] * 9),
        worker=sabotage.keep_interim_answers,
    ),
    "attempt after the call": Mutant(
        "the attempt is opened with its outcome",
        run_of(Order(), Order(), strike="kill@http.deposit.sent:1"),
        worker=sabotage.open_attempts_late,
    ),
    "ids of others": Mutant(
        "a look-up takes ids that others hold",
        run_of(Order("unroutable", correct=True, same_document=True, later=("reset",))),
        prepare=broken_sql.forget_holders,
    ),
    "anybody's id": Mutant(
        "an id that another invoice has is taken as the answer says",
        run_of(
            Order(),
            happenings=[
                Happening(2, "insert_late", details={"orders": (Order(faults=("deposit_ids=previous",)),), "rounds": 1})
            ],
        ),
        prepare=broken_sql.take_any_id,
    ),
    "another's verdict": Mutant(
        "a row that was shown as another's goes where that deposit's verdict says",
        run_of(
            Order("bounced", faults=("lost_answer",)),
            happenings=[
                Happening(2, "insert_late", details={"orders": (Order(faults=("deposit_ids=previous",)),), "rounds": 1})
            ],
            switches={"delay_decision": 600},
        ),
        prepare=broken_sql.believe_verdicts_on_others,
    ),
    "another's bytes": Mutant(
        "our bytes under another row's id stop the doubt alone, where the platform shows no number",
        replace(
            run_of(
                LOST,
                Order(faults=("deposit_ids=previous",)),
                switches={"search_omits": ["businessData"], "history_twists": ["nulls"]},
            ),
            settings={"MAX_IN_FLIGHT": "1"},  # the lost one is stored first
        ),
        worker=sabotage.stop_the_doubt_alone,
    ),
    "the same bytes twice": Mutant(
        "the same bytes are sent for two rows", run_of(LOST, Order("twin")), prepare=broken_sql.send_twins
    ),
    "in company only": Mutant(
        "a number is not asked for alone before it is sent again",
        run_of(*[LOST] * 9, switches={"search_terms": 2}),
        worker=sabotage.ask_in_company_only,
    ),
    "a refused deposit is an answer": Mutant(
        "a deposit of the same bytes that the platform refused is taken at the first look-up, before the good one can be shown",
        run_of(
            Order(),
            Order("unroutable", faults=("429",) * 8 + ("lost_answer",)),  # by then the refused one is shown
            happenings=[Happening(1, "by_hand", details={"rows": 2, "known": True})],
            switches={"search_lag": 60},
        ),
        worker=sabotage.take_refused_deposits,
    ),
    "failed look-ups count": Mutant(
        "a look-up that failed counts as an empty one",
        run_of(LOST, happenings=[SILENT_SEARCH]),
        worker=sabotage.take_failure_for_absence,
    ),
    "one look-up is enough": Mutant(
        "sent again after one empty look-up, whatever the index lags",
        run_of(LOST, switches={"search_lag": 300}),
        worker=sabotage.ask_once,
    ),
    "an empty look needs no witness": Mutant(
        "a search that shows nothing of ours counts as an empty one",
        run_of(LOST, happenings=[Happening(1, "lie", details={"seconds": 8000.0, "fault": "search_hides=all"})]),
        worker=sabotage.believe_blind_looks,
    ),
    "unread numbers are looked up": Mutant(
        "a PDF in which no number can be read counts as not there where a search for its row's number shows nothing",
        replace(run_of(Order(), Order("scanned", faults=("lost_answer",))), most_leaps=400),
        worker=sabotage.believe_every_number,
    ),
    "one clock": Mutant(
        "the waiting time counts by the database's clock alone",
        run_of(
            LOST,
            happenings=[Happening(4, "skew", details={"seconds": 7200.0})],
            switches={"search_hides": ("younger:400",)},
        ),
        worker=sabotage.read_one_clock,
    ),
    "one clock, without a Date": Mutant(
        "where the platform does not say when it is, our clock is believed, though it was set forward",
        run_of(
            LOST,
            happenings=[Happening(4, "skew", details={"seconds": 7200.0})],
            switches={"search_hides": ("younger:400",), "date_header": "none"},
        ),
        worker=sabotage.read_one_clock,
    ),
    "a number is identity": Mutant(
        "whatever bears our number is taken for ours",
        run_of(Order(faults=("503",)), switches={"search_strangers": ("seller",)}),
        worker=sabotage.take_what_bears_the_number,
    ),
    "a short page is the last": Mutant(
        "a listing ends at a page that is shorter than asked for",
        replace(
            run_of(LOST, switches={"search_cap": 1, "search_order": "oldest", "search_count": "none"}),
            strangers=("inbound",),  # received under the same number before: it has the first page
        ),
        worker=sabotage.end_at_a_short_page,
    ),
    "notes by watermark": Mutant(
        "notes are consumed up to the highest id",
        run_of(
            Order(),
            happenings=[
                Happening(2, "insert_late", details={"orders": (Order(),), "rounds": 6}),
                Happening(4, "touch", details={"rows": 1}),
            ],
        ),
        prepare=broken_sql.keep_a_watermark,
    ),
    "unique notes": Mutant(
        "a unique key on changes, and on conflict do nothing",
        run_of(Order(), happenings=[Happening(2, "write_late", details={"orders": (Order(),), "rounds": 6})]),
        prepare=broken_sql.note_once,
    ),
    "write-back without net": Mutant(
        "the write-back fails with its record",
        run_of(Order(), happenings=[Happening(1, "refuse_write_backs", details={"rows": 1, "rounds": None})]),
        prepare=broken_sql.write_back_without_net,
    ),
    "write-backs are believed": Mutant(
        "nobody looks whether a row took what was written",
        run_of(
            Order(),
            Order("nameless"),
            happenings=[Happening(1, "refuse_write_backs", details={"rows": 2, "rounds": 6, "how": "old"})],
        ),
        prepare=broken_sql.believe_write_backs,
    ),
    "lost messages stay lost": Mutant(
        "a message is never sent a second time",
        run_of(Order(), happenings=[Happening(2, "shake_queue", details={"lose": 1.0, "double": 0.0})]),
        prepare=broken_sql.forget_lost_messages,
    ),
    "quotes are repeated": Mutant(
        "what was sent is not blanked in what the platform says",
        run_of(Order(), Order(faults=("stored:503:quote",)), Order(faults=("answer:400:quote",), correct=True)),
        worker=sabotage.repeat_what_is_quoted,
    ),
    "calls without a deadline": Mutant(
        "each byte has a timeout, the call has none",
        run_of(Order(), Order(faults=("drip:0.2",))),
        worker=sabotage.wait_for_ever,
    ),
    "an outage is an invoice's": Mutant(
        "what many wait for uses up an invoice's three days",
        replace(
            run_of(
                Order(in_bucket=True),
                Order(),
                happenings=[
                    Happening(1, "refuse_aws", details={"rounds": 480, "service": "s3", "code": "AccessDenied"})
                ],
            ),
            most_leaps=300,
        ),
        worker=sabotage.blame_the_invoice,
    ),
    **OF_SILENCE,
    **OF_STATUSES,
    **OF_EVIDENCE,
    **OF_REFUSALS,
    "acknowledged early": Mutant(
        "a message is deleted before its invoice is claimed",
        run_of(Order(), Order(), strike="kill@store.claim.before:1"),
        worker=sabotage.acknowledge_early,
        harmless=True,
    ),
}


OF_OTHERS: dict[str, dict[str, Mutant]] = {"superpdp": OF_SUPERPDP, "afnor": OF_AFNOR, "mixed": OF_MIXED}


def mutants_of(platform: str) -> dict[str, Mutant]:
    """Those of a platform."""
    return OF_OTHERS.get(platform, MUTANTS)


def schedules(platform: str, names: str = "") -> list[Schedule]:
    """Each mutant's run without it, which must be clean, and with it; of those named (`one|another`), or of all."""
    chosen = names.split("|") if names else list(mutants_of(platform))
    pairs = [
        (
            replace(mutant.schedule, name=f"without: {name}"),
            replace(mutant.schedule, name=f"mutant: {name}", mutant=name),
        )
        for name, mutant in ((each, mutants_of(platform)[each]) for each in chosen)
    ]
    return [schedule for pair in zip(*pairs, strict=True) for schedule in pair]
