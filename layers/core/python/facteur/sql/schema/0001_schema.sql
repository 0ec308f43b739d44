-- Everything Facteur knows lives in this schema. Postgres is the only truth; SQS only carries ids.

-- The one clock that decides anything. A test database replaces this function to travel in time.
create function facteur.now() returns timestamptz
    language sql stable parallel safe
    as 'select pg_catalog.now()';

-- The instant inside a platform id that is a UUID of version 7; null for any other, and for one outside this century.
create function facteur.time_in(p_platform_id text) returns timestamptz
    language sql immutable parallel safe as $$
    select to_timestamp(ms / 1000.0) from (
        select case when p_platform_id ~ '^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$'
                    then ('x' || left(replace(p_platform_id, '-', ''), 12))::bit(48)::bigint end as ms
    ) id where ms between 946684800000 and 4102444799999
$$;

-- A foreign instant, where it can be when a deposit was made that we know of since p_known_at; else null. It may be much older: a
-- deposit that was adopted after a restore.
create function facteur.deposit_time(p_at timestamptz, p_known_at timestamptz) returns timestamptz
    language sql immutable parallel safe as $$
    select case when p_at - p_known_at between interval '-400 days' and interval '1 day' then p_at end
$$;

-- A key of ours for a deposit: 36 characters, as many as platforms take.
create function facteur.new_key() returns text
    language sql volatile as $$
    select 'facteur-' || left(replace(gen_random_uuid()::text, '-', ''), 28)
$$;

-- Case and spaces do not make another number, nor what comes after two hundred characters, which an index could not hold.
create function facteur.plain(p_number text) returns text
    language sql immutable parallel safe as $$
    select pg_catalog.lower(pg_catalog.regexp_replace(pg_catalog.left(p_number, 200), '\s', '', 'g'))
$$;

-- Keys of invoices that somebody wrote, appended by the trigger in the writer's own transaction.
-- There is no unique key on purpose: with `on conflict do nothing` a transaction that finds another's committed note adds
-- none, the relay may consume that note before the transaction commits, and the change would be lost.
create table facteur.changes (
    id             bigint generated always as identity primary key,
    invoice_ids    text[] not null,
    noted_at       timestamptz not null default facteur.now(),
    due_at         timestamptz not null default '-infinity', -- later for a key whose row could not be read
    transaction_id xid8 not null default pg_current_xact_id(), -- lets a write-back recognise the note it caused itself
    error          text,
    broken_since   timestamptz          -- the same key was noted again and again since then, for its row cannot be read
);
-- Notes are found by the transactions that may have made them since the last pass (installation.notes_seen): however many dead
-- ones an old snapshot keeps from being vacuumed away, nobody walks over them.
create index changes_transaction on facteur.changes (transaction_id) where due_at = '-infinity';
create index changes_later on facteur.changes (due_at) where due_at > '-infinity';
-- Every row is deleted soon after it was inserted.
alter table facteur.changes set (
    autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_cost_delay = 0
);

-- What facteur.watch was asked for: facteur.installation_faults() says what has come apart since. A table is remembered by itself and
-- by its name, which may come to stand for another one; a dump keeps the name alone.
create table facteur.watched (
    name     text not null,                  -- schema and table, quoted where they must be
    key      name not null,
    relation regclass not null,
    mark     text not null,                  -- ends the names of its triggers and of their function

    primary key (name, key)
);

create table facteur.installation (
    single       boolean primary key default true check (single),
    version      text,
    submit_from  date,                       -- invoices issued before are never ready; null: none is
    installed_from date,                     -- as installed on a table that lived: rows issued since then are ready also where their technical_status is null
    submit_from_deployed date,               -- what the last deploy named: one that names it again leaves submit_from as it is
    worker_role  name,                       -- has what facteur.grant_worker gives; each migration repeats it
    salt         uuid not null default gen_random_uuid(), -- of the digests of client ids in pins and attempts
    added        jsonb not null default '[]', -- what installing added to the company's schemas: [{what, table, column}]
    kinds_left_out text[] not null default '{}', -- kinds of documents that a person has seen and not named as invoices
    notes_seen   pg_snapshot not null default '1:1:', -- notes of transactions that had ended by then are consumed
    relay_run    bigint not null default 0,   -- a run of the relay stops watching once a newer one has begun
    relay_began_at       timestamptz,         -- the last runs, and how the relay ran: what `facteur status` looks at
    poll_began_at        timestamptz,
    deposits_enabled     boolean,             -- as the relay last ran, and the rate that all accounts share
    requests_per_minute  double precision,
    forgotten_checked_at timestamptz not null default '-infinity', -- when the whole view was last read
    everything_noted_at  timestamptz,        -- when that was last asked for: a note without keys
    not_ready            integer not null default 0, -- finished invoices that lack something to be deposited, as last counted
    not_ready_since      timestamptz,        -- the day of issue of the oldest of them, or when it was first seen
    not_ready_id         text,               -- and its key
    not_ready_counted_at timestamptz not null default '-infinity',
    not_ready_problem    text                -- the SQLSTATE that the view raised instead
);
insert into facteur.installation default values;

-- One row an account: whatever asks which accounts there are asks here. What each call reads of one (permits, its limit, its pauses) is
-- its bucket in budgets.
create table facteur.accounts (
    name        text primary key,            -- also the last part of its secret's name
    pin         jsonb,                       -- {provider, base_url, client}: where it deposits; null: nothing was accepted yet
    provider    text generated always as (pin ->> 'provider') stored,
    own_address boolean not null default false, -- its secret names its own platform, whatever IOPOLE_BASE_URL says
    known_since timestamptz not null default facteur.now()
);

-- When finished invoices that lack something were first seen, a thousand of them: an age that nothing in the row can hide.
create table facteur.not_ready (
    invoice_id text primary key,
    seen_at    timestamptz not null
);

-- What leaves no row of its own behind, as last counted: an alarm rings by it, and `facteur status` names it for as long.
create table facteur.tallies (
    name  text primary key,                  -- forgotten, unnamed_kinds, keys_not_shown, statuses_put_off, not_followed
    n     integer not null,
    since timestamptz,                       -- since when there are some; null: there are none
    at    timestamptz not null
);

-- One row per intended deposit. docs/states.md draws the states; tests hold enum, constraint, and drawing equal.
create table facteur.submissions (
    id                  bigint generated always as identity primary key,
    invoice_id          text not null,
    account             text not null,
    client              text,                -- a digest of the platform and client that it is deposited with (attempts.platform)
    state               text not null,
    due_at              timestamptz,         -- what it means depends on the state
    queued_at           timestamptz,         -- SQS accepted a message for this row
    lease_token         uuid,
    lease_until         timestamptz,
    platform_id         text,
    own_key             text not null default facteur.new_key(), -- sent with each of its deposits, where the platform takes one
    document_sha256     text,
    invoice_number      text,
    seller_siren        text,
    issue_date          date,
    total               numeric,
    currency            text,
    lifecycle_code      text,
    lifecycle_at        timestamptz,
    submitted_at        timestamptz,
    swept_id            text,                -- the deposit that the next three are about: what the platform's search last showed
    swept_code          text,
    swept_at            timestamptz,         -- the date of that status, by the platform's clock, where it can be true
    swept_state         text,                -- the state beside it, where it is one that refuses
    shown_created_at    timestamptz,
    deposited_at        timestamptz generated always as ( -- by the platform's clock where it is known: what its search goes by
        coalesce(case when swept_id = platform_id then facteur.deposit_time(shown_created_at, submitted_at) end,
                 facteur.deposit_time(facteur.time_in(platform_id), submitted_at), submitted_at)) stored,
    history_due_at      timestamptz,         -- a sweep found something new: read the history then; null: it is known
    history_since       timestamptz,         -- when the history was last found wanting
    history_rank        smallint,            -- the lowest first
    unread_since        timestamptz,         -- since when the search shows what no status in status_events says
    number_seen         text,                -- the invoice number that the platform first showed with this deposit
    objection_code      text,                -- why the row shows an error although the deposit stands: contradictory_statuses,
    objection           text,                -- duplicate, refused_state, shown_as_another, predecessor_taken, two_deposits; and in words
    contradicted_at     timestamptz,         -- when what was opened after it was stopped, since its buyer takes it after all
    write_back_due_at   timestamptz,         -- the company's row could not be written: again then
    write_back_error    text,
    unwritten_since        timestamptz,         -- since when that has been tried in vain
    written_status         text not null default 'pending', -- the technical_status that the company's row was last given
    unverified_at       timestamptz,         -- when a write-back was last believed: the view did not show its row, or raised on it
    mismatch            text,                -- the row asks for another invoice than the one that was deposited under its key
    doubt_since         timestamptz,         -- when the lease of the attempt in question ended
    doubt_clock         jsonb,               -- {of: its doubt_since, seconds that it certainly lasted, looked_up_at, dated_at: by the platform's clock}
    duplicate_verdict   boolean not null default false, -- in doubt because the platform called the deposit a duplicate
    empty_lookups       integer not null default 0,
    tries               integer not null default 0, -- failures in a row, for the back-off
    waited              interval not null default '0', -- back-off spent so far on what is the invoice's own; no cause that many share counts
    excused             interval not null default '0', -- of a doubt's time, what went by for such a cause, or past its due_at
    store               text,                -- where its document lies, while that store refuses it
    alone_since         timestamptz,         -- a worker began with nothing but this row, and has not ended, nor claimed it
    deaths              smallint not null default 0, -- of such workers in a row
    last_error_code     text,
    last_error_message  text,
    created_at          timestamptz not null default facteur.now(),
    updated_at          timestamptz not null default facteur.now(),
    finalized_at        timestamptz,
    superseded          boolean not null default false, -- failed, and a newer submission of its invoice was sent: not read again

    constraint submissions_state check (
        state in ('pending', 'sending', 'in_doubt', 'submitted', 'rejected', 'closed', 'failed')
    ),
    -- Nothing open is ever forgotten: it has a time at which somebody looks at it.
    constraint submissions_open_means_due check ((state in ('rejected', 'closed', 'failed')) = (due_at is null)),
    constraint submissions_final_means_finalized check ((state in ('rejected', 'closed', 'failed')) = (finalized_at is not null)),
    constraint submissions_sending_means_leased check (state <> 'sending' or (lease_token is not null and lease_until is not null)),
    constraint submissions_deposited_means_identified check (state not in ('submitted', 'closed') or platform_id is not null),
    constraint submissions_only_waiting_is_queued check (queued_at is null or state in ('pending', 'in_doubt')),
    constraint submissions_in_doubt_means_since check (state <> 'in_doubt' or doubt_since is not null)
) with (fillfactor = 80);
-- What was deposited is never deposited again by itself: one live submission per invoice.
create unique index submissions_live on facteur.submissions (invoice_id) where state not in ('rejected', 'failed');
-- Serves "the latest submission of this invoice" for notes and stories.
create index submissions_invoice on facteur.submissions (invoice_id, id desc);
-- Prevents two submissions from claiming one deposit: ids are a client's, and two accounts may be one client.
create unique index submissions_platform_id on facteur.submissions (platform_id, coalesce(client, account)) where platform_id is not null;
-- What is scheduled: each index holds only rows that still wait for that one thing.
create index submissions_due on facteur.submissions (account, state, due_at) where queued_at is null and state in ('pending', 'in_doubt');
create index submissions_queued on facteur.submissions (account, queued_at) where queued_at is not null;
create index submissions_leased on facteur.submissions (due_at) where state = 'sending';
create index submissions_doubts on facteur.submissions (doubt_since) where state = 'in_doubt';
create index submissions_sweep on facteur.submissions (account, due_at, deposited_at) where state = 'submitted';
create index submissions_slice on facteur.submissions (account, deposited_at, id) where state = 'submitted';
create index submissions_history on facteur.submissions (history_rank, history_due_at)
    where state in ('submitted', 'rejected') and history_due_at is not null;
create index submissions_unread on facteur.submissions (unread_since) where unread_since is not null;
-- Deposited and never heard of: those of the last minutes, unless something is wrong.
create index submissions_silent on facteur.submissions (submitted_at) where state = 'submitted' and lifecycle_code is null;
-- Deposited and heard of, and never said to have reached anybody: those of the last minutes, unless something is wrong.
create index submissions_not_transmitted on facteur.submissions (submitted_at) where state = 'submitted' and lifecycle_code in ('200', '201');
create index submissions_rejected on facteur.submissions (finalized_at) where state = 'rejected'; -- how many of late
create index submissions_store on facteur.submissions (store) where store is not null; -- due at once when it is read again
create index submissions_status_updates on facteur.submissions (due_at) where state = 'submitted';
create index submissions_write_back on facteur.submissions (write_back_due_at) where write_back_due_at is not null;
create index submissions_unverified on facteur.submissions (unverified_at) where unverified_at is not null;

-- Every call that could have deposited, opened before the call. outcome null: under way.
create table facteur.attempts (
    id              bigint generated always as identity primary key,
    submission_id   bigint references facteur.submissions on delete set null, -- a withdrawn submission leaves its attempts
    invoice_id      text not null,
    account         text not null,
    lease_token     uuid not null,
    started_at      timestamptz not null default facteur.now(),
    ended_at        timestamptz,
    outcome         text,
    http_status     integer,
    code            text,
    message         text,
    platform_id     text,
    document_sha256 text not null,
    invoice_number  text,                    -- as sent: what a look-up searches for, whatever the row says later
    number_read     boolean not null default true, -- in the document itself; else the platform may show another, or none
    seller_siren    text,
    total           numeric,
    currency        text,
    witnessed_at    timestamptz,             -- a look-up's answer showed this deposit: such are asked for first beside a doubt
    platform        jsonb,                   -- {provider, base_url, client} of the credentials it was made with
    own_key         text,                    -- what it was sent with, where the platform takes a key of ours
    response        text,

    -- not_found: its outcome is unknown and the platform, asked often enough, does not have it; a late answer still counts
    constraint attempts_outcome check (
        outcome in ('accepted', 'rejected', 'duplicate', 'not_deposited', 'unknown', 'not_found')
    ),
    constraint attempts_accepted_means_identified check (outcome <> 'accepted' or platform_id is not null)
);
create index attempts_invoice on facteur.attempts (invoice_id);
create index attempts_submission on facteur.attempts (submission_id);
create index attempts_document on facteur.attempts (document_sha256);
-- Witnesses of a look-up: accepted deposits of an account and seller, those shown before and the newest.
create index attempts_witnessed on facteur.attempts (account, seller_siren, witnessed_at desc) where witnessed_at is not null;
-- Calls that broke, beside which one of another invoice is not that one's own.
create index attempts_unanswered on facteur.attempts (account, started_at) where outcome in ('unknown', 'not_found') and http_status is null;
create index attempts_accepted on facteur.attempts (account, seller_siren, started_at desc) where outcome = 'accepted';
-- Whoever else sent, or may have sent, a number.
create index attempts_number on facteur.attempts (facteur.plain(invoice_number));
create index attempts_platform_id on facteur.attempts (platform_id) where platform_id is not null;

-- Append-only: what the platform said about a deposit.
create table facteur.status_events (
    id            bigint generated always as identity primary key,
    status_id     text not null,             -- the platform's id of the status, or a digest of what it says
    submission_id bigint not null references facteur.submissions,
    platform_id   text not null,
    code          text not null,             -- the French number where there is one ('205'), else the platform's word
    platform_code text not null,             -- verbatim
    network_code  text,
    label         text not null,
    occurred_at   timestamptz not null,      -- by the platform's clock, where its date can be true; else when we heard of it
    date_believed boolean not null default true, -- occurred_at is the platform's date
    date_given    text,                      -- that date as the platform gave it
    caused_by     text,
    audience      text,                      -- whom the platform addressed: OPERATOR, PLATFORM, PPF
    reason        text,
    message       text,
    raw           jsonb,                     -- without attachments, capped
    recorded_at   timestamptz not null default facteur.now(),
    written_at    timestamptz,               -- facteur.write_status has it
    settled       boolean not null default false, -- a person said that the deposit stands in spite of it

    -- A repeated read adds nothing. Ids are the platform's: they may come again for another deposit, or for another code.
    constraint status_events_once unique (submission_id, platform_id, status_id, code)
);
create index status_events_submission on facteur.status_events (submission_id, occurred_at);
create index status_events_unwritten on facteur.status_events (submission_id) where written_at is null;

-- Token buckets: 'address' (the platform counts source addresses), 'account:<name>', 'history', 'statuses' (their share while others wait).
create table facteur.budgets (
    key          text primary key,
    tokens       double precision,           -- null: never used, so full
    refilled_at  timestamptz not null default facteur.now(),
    paused_until timestamptz,
    pause_reason text,
    failures     integer not null default 0,     -- calls in a row that the platform did not answer
    probing      boolean not null default false, -- the breaker is open: one probe a minute, the rest waits
    recovery     text,                           -- after a refusal, or a breaker that opened. 'read': nothing is deposited until a read is answered; 'deposit': one at a time, until one is accepted
    refusals     integer not null default 0,     -- deposits in a row that were neither accepted nor judged
    refused_at   timestamptz,                    -- the last of them that began after the one before
    deposits_at  timestamptz,                    -- the next single deposit
    deposits_wait interval,                      -- what was last waited for it: 5, 10, 20, 40, 60 minutes
    rate_factor  double precision not null default 1, -- as it was at slowed_at: the platform's limit is lower than ours
    slowed_at    timestamptz,
    hold_until   timestamptz,                    -- a person's pause: no answer and no breaker ends it
    hold_by      text,
    hold_why     text,
    per_minute   double precision,               -- an account's own limit, beside the one that all share; null: none

    constraint budgets_recovery check (recovery in ('read', 'deposit')),
    constraint budgets_per_minute check (per_minute is null or per_minute between 1 and 1e6 and key like 'account:%')
) with (fillfactor = 50);
insert into facteur.budgets (key) values ('address'), ('history');

-- With which credentials an account's invoices are deposited, from when on: the last of those that have begun. An account
-- without a route has the secret of its own name. What was opened before keeps the account that it was opened with.
create table facteur.routes (
    id          bigint generated always as identity primary key,
    account     text not null,                   -- as facteur.invoice_source shows it
    since       timestamptz not null,
    credentials text not null,                   -- the last part of the secret's name, and from then on submissions.account
    recorded_at timestamptz not null default facteur.now(),
    applied_at  timestamptz                      -- what waited then was noted
);
create index routes_account on facteur.routes (account, since desc, id desc);

-- Per account, what its polls remember. Where a poll goes on is said by the rows' own due_at.
create table facteur.sweeps (
    account         text primary key,
    turn_at         timestamptz not null default '-infinity', -- accounts take turns
    by_number_until timestamptz not null default '-infinity', -- until then its deposits are searched for by number, not by date
    taken_until     timestamptz not null default '-infinity', -- pull: one reader at a time
    not_shown       integer not null default 0, -- answers of the search in a row without any of our deposits of an hour or more; histories that showed what no pull did
    not_shown_since timestamptz,
    blocked_since   timestamptz,             -- pull: since when a full page shows nothing new, so that nobody sees what is behind it
    pulled_at       timestamptz not null default facteur.now() -- pull: when it last showed a status of ours
);

-- A platform's feed of events, per client: where it is read from. Statuses are stored before it moves.
create table facteur.feeds (
    client      text primary key,            -- md5 of accounts.pin, as submissions.client
    "cursor"    text,                        -- the place behind which it is read; null: from the beginning
    reached     text,                        -- how far it was read at reached_at: becomes the cursor ten minutes later
    reached_at  timestamptz,
    dated_at    timestamptz,                 -- what the platform said that it was then; null: it did not say
    since       timestamptz not null,        -- where the beginning is
    turn_at     timestamptz not null default '-infinity',
    taken_until timestamptz not null default '-infinity', -- one reader at a time, and none before a feed that failed is tried again
    failing_since timestamptz,               -- since when no turn has ended well; null: the last one did
    foreign_until timestamptz                -- the latest status of none of our deposits that was counted: what is read again counts once
);

-- Statuses of deposits that are nobody's here (pull): another software's, or of one whose answer is still under way.
create table facteur.unmatched_statuses (
    status_id   text not null,
    account     text not null,
    platform_id text not null,
    code        text not null,
    event       jsonb not null,
    recorded_at timestamptz not null default facteur.now(),
    primary key (account, platform_id, status_id, code)
);
create index unmatched_statuses_age on facteur.unmatched_statuses (recorded_at);

-- Where documents lie ('s3://bucket', 'file:') that refuse them now: none could be read there since. The next that is read ends it.
create table facteur.stores (
    name          text primary key,
    reason        text not null,                 -- AWS's code or an error's class: AccessDenied, NoSuchBucket, SlowDown
    refused_since timestamptz not null default facteur.now(),
    refused_at    timestamptz not null default facteur.now()
);

-- How the last run of each function ended. One that cannot reach the database cannot say so: then ok_at grows old.
create table facteur.runs (
    name     text primary key,
    ended_at timestamptz not null,
    error    text,                               -- the class of what it raised; null: it ended well
    ok_at    timestamptz,                        -- when one last ended well
    failures integer not null default 0          -- in a row
);

-- Append-only: what people did by the command `facteur`, each in the transaction of the act itself.
create table facteur.operations (
    id            bigint generated always as identity primary key,
    at            timestamptz not null default facteur.now(),
    who           text not null check (btrim(who) <> ''), -- as he calls himself
    why           text not null check (btrim(why) <> ''),
    operation     text not null,
    caller        text,                          -- as whom AWS knows his credentials, as his command says
    request_id    text,                          -- of the invocation: CloudTrail's data event of that id names who invoked it
    session_role  name not null default session_user, -- as whom the database knows him
    account       text,
    submission_id bigint,                        -- no reference: a submission that is withdrawn leaves its acts
    invoice_id    text,
    detail        jsonb not null default '{}'
);
create index operations_invoice on facteur.operations (invoice_id, at);

create function facteur.refuse_change() returns trigger
    language plpgsql as $$
begin
    raise '% only grows', tg_table_name using errcode = 'restrict_violation';
end $$;
create trigger operations_only_grow before update or delete on facteur.operations
    for each row execute function facteur.refuse_change();

-- Append-only: what happened to submissions, in the order in which it did. sql/functions/transitions.sql has who writes it.
create table facteur.transitions (
    id            bigint generated always as identity primary key,
    at            timestamptz not null default facteur.now(),
    subject       text not null check (subject in ('submission', 'attempt', 'write_back', 'objection', 'account')),
    submission_id bigint,                        -- no reference: a submission that is withdrawn leaves its story
    invoice_id    text,                          -- null: of an account
    account       text not null,
    attempt_id    bigint,
    from_state    text,                          -- of the subject: a state, an outcome, a technical_status, or whether it waits
    to_state      text not null,
    reason        text,                          -- a code
    detail        text,                          -- and in words
    platform_id   text,
    by_whom       text                           -- the person whose act it was; null: nobody's
);
create index transitions_invoice on facteur.transitions (invoice_id, id) where invoice_id is not null;
-- Words may be blanked (facteur.forget_personal_data), and nothing else.
create trigger transitions_only_grow before delete on facteur.transitions
    for each row execute function facteur.refuse_change();
create trigger transitions_stay before update on facteur.transitions
    for each row when (new.detail is not null or (old.id, old.at, old.subject, old.submission_id, old.invoice_id, old.account, old.attempt_id, old.from_state,
                                                  old.to_state, old.reason, old.platform_id, old.by_whom)
                       is distinct from (new.id, new.at, new.subject, new.submission_id, new.invoice_id, new.account, new.attempt_id, new.from_state,
                                         new.to_state, new.reason, new.platform_id, new.by_whom))
    execute function facteur.refuse_change();
create index transitions_account on facteur.transitions (account, at) where invoice_id is null;

-- The invoice as the company's view shows it, trimmed and in our types. Columns that the view may lack come as null.
create type facteur.invoice as (
    invoice_id text, ready boolean, account text, document_uri text, document bytea, document_bytes integer, file_name text,
    invoice_number text, seller_siren text, issue_date date, total numeric, currency text, technical_status text,
    submission_id text
);
-- A noted row as it was judged: what the view shows of it, its latest submission, and what follows.
create type facteur.judgement as (
    invoice_id text, ready boolean, account text, invoice_number text, seller_siren text, issue_date date, total numeric, currency text,
    technical_status text, shown_deposit text, -- as the row shows them
    latest_id bigint, latest_state text, deposit text, write_back_due_at timestamptz, known_mismatch text, -- of its latest submission
    live boolean, doubtful boolean, spender text, mismatch text
);
-- The issue date of the oldest invoice in each state that is not yet a deposit, and how many need a person.
create index submissions_undeposited on facteur.submissions (state, issue_date)
    where state in ('pending', 'sending', 'in_doubt') or state = 'failed' and not superseded;
create index submissions_mismatched on facteur.submissions (id) where mismatch is not null;
