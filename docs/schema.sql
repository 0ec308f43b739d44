-- Made by `make generate`: do not edit.
CREATE TABLE facteur.attempts (
    id bigint NOT NULL,
    submission_id bigint,
    invoice_id text NOT NULL,
    account text NOT NULL,
    lease_token uuid NOT NULL,
    started_at timestamp with time zone DEFAULT facteur.now() NOT NULL,
    ended_at timestamp with time zone,
    outcome text,
    http_status integer,
    code text,
    message text,
    platform_id text,
    document_sha256 text NOT NULL,
    invoice_number text,
    number_read boolean DEFAULT true NOT NULL,
    seller_siren text,
    total numeric,
    currency text,
    witnessed_at timestamp with time zone,
    platform jsonb,
    own_key text,
    response text,
    CONSTRAINT attempts_accepted_means_identified CHECK (((outcome <> 'accepted'::text) OR (platform_id IS NOT NULL))),
    CONSTRAINT attempts_outcome CHECK ((outcome = ANY (ARRAY['accepted'::text, 'rejected'::text, 'duplicate'::text, 'not_deposited'::text, 'unknown'::text, 'not_found'::text])))
);

CREATE TABLE facteur.submissions (
    id bigint NOT NULL,
    invoice_id text NOT NULL,
    account text NOT NULL,
    client text,
    state text NOT NULL,
    due_at timestamp with time zone,
    queued_at timestamp with time zone,
    lease_token uuid,
    lease_until timestamp with time zone,
    platform_id text,
    own_key text DEFAULT facteur.new_key() NOT NULL,
    document_sha256 text,
    invoice_number text,
    seller_siren text,
    issue_date date,
    total numeric,
    currency text,
    lifecycle_code text,
    lifecycle_at timestamp with time zone,
    submitted_at timestamp with time zone,
    swept_id text,
    swept_code text,
    swept_at timestamp with time zone,
    swept_state text,
    shown_created_at timestamp with time zone,
    deposited_at timestamp with time zone GENERATED ALWAYS AS (COALESCE(
CASE
    WHEN (swept_id = platform_id) THEN facteur.deposit_time(shown_created_at, submitted_at)
    ELSE NULL::timestamp with time zone
END, facteur.deposit_time(facteur.time_in(platform_id), submitted_at), submitted_at)) STORED,
    history_due_at timestamp with time zone,
    history_since timestamp with time zone,
    history_rank smallint,
    unread_since timestamp with time zone,
    number_seen text,
    objection_code text,
    objection text,
    contradicted_at timestamp with time zone,
    write_back_due_at timestamp with time zone,
    write_back_error text,
    unwritten_since timestamp with time zone,
    written_status text DEFAULT 'pending'::text NOT NULL,
    unverified_at timestamp with time zone,
    mismatch text,
    doubt_since timestamp with time zone,
    doubt_clock jsonb,
    duplicate_verdict boolean DEFAULT false NOT NULL,
    empty_lookups integer DEFAULT 0 NOT NULL,
    tries integer DEFAULT 0 NOT NULL,
    waited interval DEFAULT '00:00:00'::interval NOT NULL,
    excused interval DEFAULT '00:00:00'::interval NOT NULL,
    store text,
    alone_since timestamp with time zone,
    deaths smallint DEFAULT 0 NOT NULL,
    last_error_code text,
    last_error_message text,
    created_at timestamp with time zone DEFAULT facteur.now() NOT NULL,
    updated_at timestamp with time zone DEFAULT facteur.now() NOT NULL,
    finalized_at timestamp with time zone,
    superseded boolean DEFAULT false NOT NULL,
    CONSTRAINT submissions_deposited_means_identified CHECK (((state <> ALL (ARRAY['submitted'::text, 'closed'::text])) OR (platform_id IS NOT NULL))),
    CONSTRAINT submissions_final_means_finalized CHECK (((state = ANY (ARRAY['rejected'::text, 'closed'::text, 'failed'::text])) = (finalized_at IS NOT NULL))),
    CONSTRAINT submissions_in_doubt_means_since CHECK (((state <> 'in_doubt'::text) OR (doubt_since IS NOT NULL))),
    CONSTRAINT submissions_only_waiting_is_queued CHECK (((queued_at IS NULL) OR (state = ANY (ARRAY['pending'::text, 'in_doubt'::text])))),
    CONSTRAINT submissions_open_means_due CHECK (((state = ANY (ARRAY['rejected'::text, 'closed'::text, 'failed'::text])) = (due_at IS NULL))),
    CONSTRAINT submissions_sending_means_leased CHECK (((state <> 'sending'::text) OR ((lease_token IS NOT NULL) AND (lease_until IS NOT NULL)))),
    CONSTRAINT submissions_state CHECK ((state = ANY (ARRAY['pending'::text, 'sending'::text, 'in_doubt'::text, 'submitted'::text, 'rejected'::text, 'closed'::text, 'failed'::text])))
)
WITH (fillfactor='80');

CREATE TABLE facteur.budgets (
    key text NOT NULL,
    tokens double precision,
    refilled_at timestamp with time zone DEFAULT facteur.now() NOT NULL,
    paused_until timestamp with time zone,
    pause_reason text,
    failures integer DEFAULT 0 NOT NULL,
    probing boolean DEFAULT false NOT NULL,
    recovery text,
    refusals integer DEFAULT 0 NOT NULL,
    refused_at timestamp with time zone,
    deposits_at timestamp with time zone,
    deposits_wait interval,
    rate_factor double precision DEFAULT 1 NOT NULL,
    slowed_at timestamp with time zone,
    hold_until timestamp with time zone,
    hold_by text,
    hold_why text,
    per_minute double precision,
    CONSTRAINT budgets_per_minute CHECK (((per_minute IS NULL) OR (((per_minute >= (1)::double precision) AND (per_minute <= ('1000000'::numeric)::double precision)) AND (key ~~ 'account:%'::text)))),
    CONSTRAINT budgets_recovery CHECK ((recovery = ANY (ARRAY['read'::text, 'deposit'::text])))
)
WITH (fillfactor='50');

CREATE TABLE facteur.feeds (
    client text NOT NULL,
    cursor text,
    reached text,
    reached_at timestamp with time zone,
    dated_at timestamp with time zone,
    since timestamp with time zone NOT NULL,
    turn_at timestamp with time zone DEFAULT '-infinity'::timestamp with time zone NOT NULL,
    taken_until timestamp with time zone DEFAULT '-infinity'::timestamp with time zone NOT NULL,
    failing_since timestamp with time zone,
    foreign_until timestamp with time zone
);

CREATE TABLE facteur.accounts (
    name text NOT NULL,
    pin jsonb,
    provider text GENERATED ALWAYS AS ((pin ->> 'provider'::text)) STORED,
    own_address boolean DEFAULT false NOT NULL,
    known_since timestamp with time zone DEFAULT facteur.now() NOT NULL
);

CREATE TABLE facteur.installation (
    single boolean DEFAULT true NOT NULL,
    version text,
    submit_from date,
    installed_from date,
    submit_from_deployed date,
    worker_role name,
    salt uuid DEFAULT gen_random_uuid() NOT NULL,
    added jsonb DEFAULT '[]'::jsonb NOT NULL,
    kinds_left_out text[] DEFAULT '{}'::text[] NOT NULL,
    notes_seen pg_snapshot DEFAULT '1:1:'::pg_snapshot NOT NULL,
    relay_run bigint DEFAULT 0 NOT NULL,
    relay_began_at timestamp with time zone,
    poll_began_at timestamp with time zone,
    deposits_enabled boolean,
    requests_per_minute double precision,
    forgotten_checked_at timestamp with time zone DEFAULT '-infinity'::timestamp with time zone NOT NULL,
    everything_noted_at timestamp with time zone,
    not_ready integer DEFAULT 0 NOT NULL,
    not_ready_since timestamp with time zone,
    not_ready_id text,
    not_ready_counted_at timestamp with time zone DEFAULT '-infinity'::timestamp with time zone NOT NULL,
    not_ready_problem text,
    CONSTRAINT installation_single_check CHECK (single)
);

CREATE TABLE facteur.runs (
    name text NOT NULL,
    ended_at timestamp with time zone NOT NULL,
    error text,
    ok_at timestamp with time zone,
    failures integer DEFAULT 0 NOT NULL
);

CREATE VIEW facteur.alive AS
 SELECT i.deposits_enabled,
    ((r.error IS NULL) AND (GREATEST(r.ok_at, i.relay_began_at) > (facteur.now() - '00:02:00'::interval))) AS relay,
    COALESCE((w.ok_at > (facteur.now() - '00:15:00'::interval)), false) AS worker
   FROM ((facteur.installation i
     LEFT JOIN facteur.runs r ON ((r.name = 'relay_submissions'::text)))
     LEFT JOIN facteur.runs w ON ((w.name = 'submit_invoices'::text)));

ALTER TABLE facteur.attempts ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME facteur.attempts_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE facteur.changes (
    id bigint NOT NULL,
    invoice_ids text[] NOT NULL,
    noted_at timestamp with time zone DEFAULT facteur.now() NOT NULL,
    due_at timestamp with time zone DEFAULT '-infinity'::timestamp with time zone NOT NULL,
    transaction_id xid8 DEFAULT pg_current_xact_id() NOT NULL,
    error text,
    broken_since timestamp with time zone
)
WITH (autovacuum_vacuum_scale_factor='0', autovacuum_vacuum_threshold='1000', autovacuum_vacuum_cost_delay='0');

ALTER TABLE facteur.changes ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME facteur.changes_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE VIEW facteur.health AS
 SELECT s.account,
    s.state,
    count(*) AS submissions,
    count(*) FILTER (WHERE (s.due_at < facteur.now())) AS due,
    min(s.due_at) FILTER (WHERE (s.due_at < facteur.now())) AS oldest_due_at,
    (COALESCE(EXTRACT(epoch FROM (facteur.now() - min(s.due_at) FILTER (WHERE (s.due_at < facteur.now())))), (0)::numeric))::bigint AS oldest_overdue_seconds,
    count(*) FILTER (WHERE (s.write_back_due_at IS NOT NULL)) AS write_backs_waiting,
    count(*) FILTER (WHERE (s.mismatch IS NOT NULL)) AS mismatched,
    GREATEST(b.paused_until, b.hold_until) AS paused_until,
        CASE
            WHEN (b.hold_until > facteur.now()) THEN format('by %s: %s'::text, b.hold_by, b.hold_why)
            ELSE b.pause_reason
        END AS pause_reason
   FROM (facteur.submissions s
     LEFT JOIN facteur.budgets b ON (((b.key = ('account:'::text || s.account)) AND facteur.paused(b.*))))
  WHERE ((s.state <> 'failed'::text) OR (NOT (EXISTS ( SELECT
           FROM facteur.submissions n
          WHERE ((n.invoice_id = s.invoice_id) AND (n.id > s.id))))))
  GROUP BY s.account, s.state, b.paused_until, b.pause_reason, b.hold_until, b.hold_by, b.hold_why
  ORDER BY s.account, (array_position(ARRAY['failed'::text, 'in_doubt'::text, 'pending'::text, 'sending'::text, 'submitted'::text, 'rejected'::text, 'closed'::text], s.state));

CREATE VIEW facteur.invoice_source AS
 SELECT id AS invoice_id,
    COALESCE(((status = 'final'::text) AND (document_uri IS NOT NULL) AND (((technical_status)::text ~* '^[\s\u00a0]*pending[\s\u00a0]*$'::text) OR ((technical_status IS NULL) AND (submission_id IS NULL) AND (issue_date >= ( SELECT installation.installed_from
           FROM facteur.installation)))) AND (issue_date >= ( SELECT installation.submit_from
           FROM facteur.installation))), false) AS ready,
    document_uri,
    NULL::text AS file_name,
    invoice_number,
    seller_siren,
    issue_date,
    total,
    currency,
    technical_status,
    'default'::text AS account,
    submission_id,
    COALESCE(((status = 'final'::text) AND (((technical_status)::text ~* '^[\s\u00a0]*pending[\s\u00a0]*$'::text) OR ((technical_status IS NULL) AND (submission_id IS NULL) AND (issue_date >= ( SELECT installation.installed_from
           FROM facteur.installation)))) AND ((issue_date IS NULL) OR (issue_date >= ( SELECT installation.submit_from
           FROM facteur.installation)))), false) AS finished
   FROM invoicing.invoices i;

CREATE TABLE facteur.migrations (
    number integer NOT NULL,
    name text NOT NULL,
    applied_at timestamp with time zone DEFAULT now() NOT NULL
);

CREATE TABLE facteur.not_ready (
    invoice_id text NOT NULL,
    seen_at timestamp with time zone NOT NULL
);

CREATE TABLE facteur.operations (
    id bigint NOT NULL,
    at timestamp with time zone DEFAULT facteur.now() NOT NULL,
    who text NOT NULL,
    why text NOT NULL,
    operation text NOT NULL,
    caller text,
    request_id text,
    session_role name DEFAULT SESSION_USER NOT NULL,
    account text,
    submission_id bigint,
    invoice_id text,
    detail jsonb DEFAULT '{}'::jsonb NOT NULL,
    CONSTRAINT operations_who_check CHECK ((btrim(who) <> ''::text)),
    CONSTRAINT operations_why_check CHECK ((btrim(why) <> ''::text))
);

ALTER TABLE facteur.operations ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME facteur.operations_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE facteur.routes (
    id bigint NOT NULL,
    account text NOT NULL,
    since timestamp with time zone NOT NULL,
    credentials text NOT NULL,
    recorded_at timestamp with time zone DEFAULT facteur.now() NOT NULL,
    applied_at timestamp with time zone
);

ALTER TABLE facteur.routes ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME facteur.routes_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE facteur.status_events (
    id bigint NOT NULL,
    status_id text NOT NULL,
    submission_id bigint NOT NULL,
    platform_id text NOT NULL,
    code text NOT NULL,
    platform_code text NOT NULL,
    network_code text,
    label text NOT NULL,
    occurred_at timestamp with time zone NOT NULL,
    date_believed boolean DEFAULT true NOT NULL,
    date_given text,
    caused_by text,
    audience text,
    reason text,
    message text,
    raw jsonb,
    recorded_at timestamp with time zone DEFAULT facteur.now() NOT NULL,
    written_at timestamp with time zone,
    settled boolean DEFAULT false NOT NULL
);

ALTER TABLE facteur.status_events ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME facteur.status_events_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE facteur.stores (
    name text NOT NULL,
    reason text NOT NULL,
    refused_since timestamp with time zone DEFAULT facteur.now() NOT NULL,
    refused_at timestamp with time zone DEFAULT facteur.now() NOT NULL
);

CREATE VIEW facteur.story AS
 SELECT invoice_id,
    invoice_number,
    at,
    what,
    detail,
    submission_id,
    platform_id
   FROM ( SELECT s.invoice_id,
            s.invoice_number,
            s.created_at AS at,
            1 AS step,
            'invoice is ready'::text AS what,
            format('submission %s of account %s'::text, s.id, s.account) AS detail,
            s.id AS submission_id,
            NULL::text AS platform_id
           FROM facteur.submissions s
        UNION ALL
         SELECT a.invoice_id,
            a.invoice_number,
            a.started_at,
            2,
            'deposit attempted'::text,
            format('document %s…'::text, "left"(a.document_sha256, 12)) AS format,
            a.submission_id,
            NULL::text
           FROM facteur.attempts a
        UNION ALL
         SELECT a.invoice_id,
            a.invoice_number,
            a.ended_at,
            3,
            ('deposit '::text || replace(a.outcome, '_'::text, ' '::text)),
            concat_ws(' '::text, a.http_status, a.code, a.message) AS concat_ws,
            a.submission_id,
            a.platform_id
           FROM facteur.attempts a
          WHERE (a.ended_at IS NOT NULL)
        UNION ALL
         SELECT s.invoice_id,
            s.invoice_number,
            e.occurred_at,
            4,
            concat(e.code, ' ', e.label) AS concat,
            concat_ws(': '::text, e.reason, e.message) AS concat_ws,
            s.id,
            e.platform_id
           FROM (facteur.status_events e
             JOIN facteur.submissions s ON ((s.id = e.submission_id)))
        UNION ALL
         SELECT s.invoice_id,
            s.invoice_number,
            s.updated_at,
            5,
            ('now '::text || s.state),
            concat_ws(' '::text, s.last_error_code, s.last_error_message, s.mismatch, ('due '::text || s.due_at), ('write-back failed: '::text || s.write_back_error)) AS concat_ws,
            s.id,
            s.platform_id
           FROM facteur.submissions s) story
  ORDER BY invoice_id, at, step;

ALTER TABLE facteur.submissions ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME facteur.submissions_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE facteur.sweeps (
    account text NOT NULL,
    turn_at timestamp with time zone DEFAULT '-infinity'::timestamp with time zone NOT NULL,
    by_number_until timestamp with time zone DEFAULT '-infinity'::timestamp with time zone NOT NULL,
    taken_until timestamp with time zone DEFAULT '-infinity'::timestamp with time zone NOT NULL,
    not_shown integer DEFAULT 0 NOT NULL,
    not_shown_since timestamp with time zone,
    blocked_since timestamp with time zone,
    pulled_at timestamp with time zone DEFAULT facteur.now() NOT NULL
);

CREATE TABLE facteur.tallies (
    name text NOT NULL,
    n integer NOT NULL,
    since timestamp with time zone,
    at timestamp with time zone NOT NULL
);

CREATE TABLE facteur.transitions (
    id bigint NOT NULL,
    at timestamp with time zone DEFAULT facteur.now() NOT NULL,
    subject text NOT NULL,
    submission_id bigint,
    invoice_id text,
    account text NOT NULL,
    attempt_id bigint,
    from_state text,
    to_state text NOT NULL,
    reason text,
    detail text,
    platform_id text,
    by_whom text,
    CONSTRAINT transitions_subject_check CHECK ((subject = ANY (ARRAY['submission'::text, 'attempt'::text, 'write_back'::text, 'objection'::text, 'account'::text])))
);

ALTER TABLE facteur.transitions ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME facteur.transitions_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE facteur.unmatched_statuses (
    status_id text NOT NULL,
    account text NOT NULL,
    platform_id text NOT NULL,
    code text NOT NULL,
    event jsonb NOT NULL,
    recorded_at timestamp with time zone DEFAULT facteur.now() NOT NULL
);

CREATE VIEW facteur.waiting_accounts AS
 SELECT substr(b.key, 9) AS account,
        CASE
            WHEN (b.hold_until > facteur.now()) THEN 'account_paused'::text
            WHEN (b.probing OR ((b.paused_until > facteur.now()) AND (b.pause_reason = 'platform_down'::text))) THEN 'platform_down'::text
            WHEN ((b.paused_until > facteur.now()) AND (b.pause_reason = 'too_many_requests'::text)) THEN 'request_limit'::text
            WHEN ((b.paused_until > facteur.now()) OR (b.recovery = 'read'::text)) THEN 'account_refused'::text
            ELSE NULL::text
        END AS cause,
        CASE
            WHEN ((b.deposits_at > facteur.now()) AND (b.recovery = 'deposit'::text)) THEN 'account_refused'::text
            ELSE NULL::text
        END AS deposits_cause,
    NULLIF(
        CASE
            WHEN (b.hold_until > facteur.now()) THEN b.hold_until
            ELSE GREATEST(b.paused_until,
            CASE
                WHEN (b.recovery = 'deposit'::text) THEN b.deposits_at
                ELSE NULL::timestamp with time zone
            END)
        END, 'infinity'::timestamp with time zone) AS until,
        CASE
            WHEN (b.hold_until > facteur.now()) THEN format('%s: %s'::text, b.hold_by, b.hold_why)
            ELSE b.pause_reason
        END AS detail,
    facteur.available(b.*, rate.shared) AS available,
    facteur.available(a.*, rate.shared) AS address_available,
    (b.per_minute < rate.shared) AS limited,
    LEAST(b.per_minute, rate.shared) AS per_minute,
    b.failures
   FROM facteur.budgets b,
    facteur.budgets a,
    facteur.installation i,
    LATERAL ( SELECT COALESCE(i.requests_per_minute, ('1000000'::numeric)::double precision) AS shared) rate
  WHERE ((b.key ~~ 'account:%'::text) AND (a.key = 'address'::text));

CREATE VIEW facteur.waiting_rows AS
 WITH due AS (
         SELECT submissions.account,
            count(*) AS n,
            sum(count(*)) OVER () AS all_accounts
           FROM facteur.submissions
          WHERE ((submissions.queued_at IS NULL) AND (submissions.state = 'pending'::text) AND (submissions.due_at <= facteur.now()))
          GROUP BY submissions.account
        ), waiting AS (
         SELECT s.id,
            s.account,
            s.state,
            s.created_at,
            s.due_at,
            s.last_error_code,
            s.store,
            (s.queued_at IS NOT NULL) AS queued
           FROM facteur.submissions s
          WHERE (s.queued_at IS NOT NULL)
        UNION ALL
         SELECT s.id,
            s.account,
            s.state,
            s.created_at,
            s.due_at,
            s.last_error_code,
            s.store,
            false
           FROM facteur.submissions s
          WHERE ((s.queued_at IS NULL) AND (s.state = ANY (ARRAY['pending'::text, 'in_doubt'::text])))
        ), judged AS (
         SELECT s.id,
            s.account,
            s.created_at AS since,
            1 AS n,
            a.until AS account_until,
            s.due_at,
            a.detail,
            s.last_error_code,
            t.reason AS store_reason,
            s.store,
            a.per_minute,
            due.n AS due,
            due.all_accounts,
                CASE
                    WHEN (s.queued AND (NOT alive.worker)) THEN 'queued'::text
                    WHEN (s.state = 'in_doubt'::text) THEN
                    CASE
                        WHEN (a.cause = ANY (ARRAY['account_paused'::text, 'platform_down'::text, 'account_refused'::text])) THEN a.cause
                        ELSE 'in_doubt'::text
                    END
                    WHEN (alive.deposits_enabled IS FALSE) THEN 'deposits_off'::text
                    WHEN (COALESCE(a.cause, a.deposits_cause) IS NOT NULL) THEN COALESCE(a.cause, a.deposits_cause)
                    WHEN (t.name IS NOT NULL) THEN 'store_refused'::text
                    WHEN ((s.due_at > facteur.now()) OR (s.queued AND (s.last_error_code IS NOT NULL))) THEN
                    CASE
                        WHEN (s.last_error_code = 'row_unreadable'::text) THEN 'unreadable'::text
                        WHEN (s.last_error_code = 'too_many_requests'::text) THEN 'request_limit'::text
                        WHEN ((s.last_error_code = ANY (ARRAY['platform_unreachable'::text, 'no_answer'::text, 'connection_reset'::text])) AND (a.failures > 0)) THEN 'platform_down'::text
                        ELSE 'put_off'::text
                    END
                    WHEN s.queued THEN 'queued'::text
                    WHEN (alive.relay IS NOT TRUE) THEN 'relay'::text
                    WHEN (((due.n)::double precision > a.available) AND a.limited) THEN 'account_limit'::text
                    WHEN (((due.n)::double precision > a.available) OR ((due.all_accounts)::double precision > a.address_available)) THEN 'request_limit'::text
                    ELSE 'relay'::text
                END AS reason
           FROM ((((waiting s
             CROSS JOIN facteur.alive)
             LEFT JOIN facteur.waiting_accounts a ON ((a.account = s.account)))
             LEFT JOIN due ON ((due.account = s.account)))
             LEFT JOIN facteur.stores t ON ((t.name = s.store)))
        )
 SELECT judged.id AS submission_id,
    judged.reason,
    judged.account,
    judged.since,
    judged.n,
        CASE
            WHEN (judged.reason = ANY (ARRAY['account_paused'::text, 'platform_down'::text, 'account_refused'::text])) THEN judged.account_until
            WHEN (judged.reason = 'account_limit'::text) THEN (facteur.now() + (((judged.due)::double precision / NULLIF(judged.per_minute, (0)::double precision)) * '00:01:00'::interval))
            WHEN (judged.reason = 'request_limit'::text) THEN GREATEST(judged.account_until, (facteur.now() + (((judged.all_accounts)::double precision / NULLIF(judged.per_minute, (0)::double precision)) * '00:01:00'::interval)))
            WHEN (judged.reason = ANY (ARRAY['put_off'::text, 'store_refused'::text, 'unreadable'::text, 'in_doubt'::text])) THEN judged.due_at
            ELSE NULL::timestamp with time zone
        END AS until,
        CASE
            WHEN (judged.reason = ANY (ARRAY['account_paused'::text, 'platform_down'::text, 'account_refused'::text])) THEN judged.detail
            WHEN (judged.reason = ANY (ARRAY['account_limit'::text, 'request_limit'::text])) THEN (trim_scale(round((judged.per_minute)::numeric, 2)))::text
            WHEN (judged.reason = 'store_refused'::text) THEN format('%s (%s)'::text, judged.store_reason, judged.store)
            WHEN (judged.reason = ANY (ARRAY['put_off'::text, 'in_doubt'::text])) THEN judged.last_error_code
            ELSE NULL::text
        END AS detail
   FROM judged
UNION ALL
 SELECT submissions.id AS submission_id,
    'sending'::text AS reason,
    submissions.account,
    submissions.created_at AS since,
    1 AS n,
    submissions.lease_until AS until,
    NULL::text AS detail
   FROM facteur.submissions
  WHERE (submissions.state = 'sending'::text)
UNION ALL
 SELECT submissions.id AS submission_id,
    'not_written_back'::text AS reason,
    submissions.account,
    submissions.unwritten_since AS since,
    1 AS n,
    submissions.write_back_due_at AS until,
    "left"(submissions.write_back_error, 5) AS detail
   FROM facteur.submissions
  WHERE ((submissions.write_back_due_at IS NOT NULL) AND (submissions.unwritten_since IS NOT NULL))
UNION ALL
 SELECT submissions.id AS submission_id,
    'silent'::text AS reason,
    submissions.account,
    submissions.submitted_at AS since,
    1 AS n,
    NULL::timestamp with time zone AS until,
    NULL::text AS detail
   FROM facteur.submissions
  WHERE ((submissions.state = 'submitted'::text) AND (submissions.lifecycle_code IS NULL) AND (submissions.submitted_at < (facteur.now() - '1 day'::interval)))
UNION ALL
 SELECT submissions.id AS submission_id,
    'not_transmitted'::text AS reason,
    submissions.account,
    submissions.submitted_at AS since,
    1 AS n,
    NULL::timestamp with time zone AS until,
    submissions.lifecycle_code AS detail
   FROM facteur.submissions
  WHERE ((submissions.state = 'submitted'::text) AND (submissions.lifecycle_code = ANY (ARRAY['200'::text, '201'::text])) AND (submissions.submitted_at < (facteur.now() - '3 days'::interval)))
UNION ALL
 SELECT NULL::bigint AS submission_id,
    'not_followed'::text AS reason,
    NULL::text AS account,
    tallies.since,
    tallies.n,
    NULL::timestamp with time zone AS until,
    NULL::text AS detail
   FROM facteur.tallies
  WHERE ((tallies.name = 'not_followed'::text) AND (tallies.n > 0))
UNION ALL
 SELECT submissions.id AS submission_id,
    'unread'::text AS reason,
    submissions.account,
    submissions.unread_since AS since,
    1 AS n,
    submissions.history_due_at AS until,
    submissions.swept_code AS detail
   FROM facteur.submissions
  WHERE (submissions.unread_since IS NOT NULL)
UNION ALL
 SELECT NULL::bigint AS submission_id,
    'not_ready'::text AS reason,
    NULL::text AS account,
    installation.not_ready_since AS since,
    installation.not_ready AS n,
    NULL::timestamp with time zone AS until,
    installation.not_ready_id AS detail
   FROM facteur.installation
  WHERE (installation.not_ready > 0)
UNION ALL
 SELECT NULL::bigint AS submission_id,
        CASE
            WHEN (changes.error IS NULL) THEN 'relay'::text
            ELSE 'unreadable'::text
        END AS reason,
    NULL::text AS account,
    COALESCE(changes.broken_since, changes.noted_at) AS since,
    cardinality(changes.invoice_ids) AS n,
    NULLIF(changes.due_at, '-infinity'::timestamp with time zone) AS until,
    "left"(changes.error, 5) AS detail
   FROM facteur.changes
  WHERE (((changes.error IS NULL) AND (changes.due_at <= facteur.now())) OR ((changes.error IS NOT NULL) AND (changes.error !~~ 'the last verdict%'::text)));

CREATE VIEW facteur.waiting AS
 SELECT reason,
    account,
    (sum(n))::integer AS count,
    min(since) AS oldest,
    facteur.waiting_step(reason, account) AS next_step,
    min(until) AS until,
    string_agg(DISTINCT detail, ', '::text) AS detail
   FROM facteur.waiting_rows
  GROUP BY reason, account
  ORDER BY (min(since));

CREATE TABLE facteur.watched (
    name text NOT NULL,
    key name NOT NULL,
    relation regclass NOT NULL,
    mark text NOT NULL
);

ALTER TABLE ONLY facteur.accounts
    ADD CONSTRAINT accounts_pkey PRIMARY KEY (name);

ALTER TABLE ONLY facteur.attempts
    ADD CONSTRAINT attempts_pkey PRIMARY KEY (id);

ALTER TABLE ONLY facteur.budgets
    ADD CONSTRAINT budgets_pkey PRIMARY KEY (key);

ALTER TABLE ONLY facteur.changes
    ADD CONSTRAINT changes_pkey PRIMARY KEY (id);

ALTER TABLE ONLY facteur.feeds
    ADD CONSTRAINT feeds_pkey PRIMARY KEY (client);

ALTER TABLE ONLY facteur.installation
    ADD CONSTRAINT installation_pkey PRIMARY KEY (single);

ALTER TABLE ONLY facteur.migrations
    ADD CONSTRAINT migrations_pkey PRIMARY KEY (number);

ALTER TABLE ONLY facteur.not_ready
    ADD CONSTRAINT not_ready_pkey PRIMARY KEY (invoice_id);

ALTER TABLE ONLY facteur.operations
    ADD CONSTRAINT operations_pkey PRIMARY KEY (id);

ALTER TABLE ONLY facteur.routes
    ADD CONSTRAINT routes_pkey PRIMARY KEY (id);

ALTER TABLE ONLY facteur.runs
    ADD CONSTRAINT runs_pkey PRIMARY KEY (name);

ALTER TABLE ONLY facteur.status_events
    ADD CONSTRAINT status_events_once UNIQUE (submission_id, platform_id, status_id, code);

ALTER TABLE ONLY facteur.status_events
    ADD CONSTRAINT status_events_pkey PRIMARY KEY (id);

ALTER TABLE ONLY facteur.stores
    ADD CONSTRAINT stores_pkey PRIMARY KEY (name);

ALTER TABLE ONLY facteur.submissions
    ADD CONSTRAINT submissions_pkey PRIMARY KEY (id);

ALTER TABLE ONLY facteur.sweeps
    ADD CONSTRAINT sweeps_pkey PRIMARY KEY (account);

ALTER TABLE ONLY facteur.tallies
    ADD CONSTRAINT tallies_pkey PRIMARY KEY (name);

ALTER TABLE ONLY facteur.transitions
    ADD CONSTRAINT transitions_pkey PRIMARY KEY (id);

ALTER TABLE ONLY facteur.unmatched_statuses
    ADD CONSTRAINT unmatched_statuses_pkey PRIMARY KEY (account, platform_id, status_id, code);

ALTER TABLE ONLY facteur.watched
    ADD CONSTRAINT watched_pkey PRIMARY KEY (name, key);

CREATE INDEX attempts_accepted ON facteur.attempts USING btree (account, seller_siren, started_at DESC) WHERE (outcome = 'accepted'::text);

CREATE INDEX attempts_document ON facteur.attempts USING btree (document_sha256);

CREATE INDEX attempts_invoice ON facteur.attempts USING btree (invoice_id);

CREATE INDEX attempts_number ON facteur.attempts USING btree (facteur.plain(invoice_number));

CREATE INDEX attempts_platform_id ON facteur.attempts USING btree (platform_id) WHERE (platform_id IS NOT NULL);

CREATE INDEX attempts_submission ON facteur.attempts USING btree (submission_id);

CREATE INDEX attempts_unanswered ON facteur.attempts USING btree (account, started_at) WHERE ((outcome = ANY (ARRAY['unknown'::text, 'not_found'::text])) AND (http_status IS NULL));

CREATE INDEX attempts_witnessed ON facteur.attempts USING btree (account, seller_siren, witnessed_at DESC) WHERE (witnessed_at IS NOT NULL);

CREATE INDEX changes_later ON facteur.changes USING btree (due_at) WHERE (due_at > '-infinity'::timestamp with time zone);

CREATE INDEX changes_transaction ON facteur.changes USING btree (transaction_id) WHERE (due_at = '-infinity'::timestamp with time zone);

CREATE INDEX operations_invoice ON facteur.operations USING btree (invoice_id, at);

CREATE INDEX routes_account ON facteur.routes USING btree (account, since DESC, id DESC);

CREATE INDEX status_events_submission ON facteur.status_events USING btree (submission_id, occurred_at);

CREATE INDEX status_events_unwritten ON facteur.status_events USING btree (submission_id) WHERE (written_at IS NULL);

CREATE INDEX submissions_doubts ON facteur.submissions USING btree (doubt_since) WHERE (state = 'in_doubt'::text);

CREATE INDEX submissions_due ON facteur.submissions USING btree (account, state, due_at) WHERE ((queued_at IS NULL) AND (state = ANY (ARRAY['pending'::text, 'in_doubt'::text])));

CREATE INDEX submissions_history ON facteur.submissions USING btree (history_rank, history_due_at) WHERE ((state = ANY (ARRAY['submitted'::text, 'rejected'::text])) AND (history_due_at IS NOT NULL));

CREATE INDEX submissions_invoice ON facteur.submissions USING btree (invoice_id, id DESC);

CREATE INDEX submissions_leased ON facteur.submissions USING btree (due_at) WHERE (state = 'sending'::text);

CREATE UNIQUE INDEX submissions_live ON facteur.submissions USING btree (invoice_id) WHERE (state <> ALL (ARRAY['rejected'::text, 'failed'::text]));

CREATE INDEX submissions_mismatched ON facteur.submissions USING btree (id) WHERE (mismatch IS NOT NULL);

CREATE INDEX submissions_not_transmitted ON facteur.submissions USING btree (submitted_at) WHERE ((state = 'submitted'::text) AND (lifecycle_code = ANY (ARRAY['200'::text, '201'::text])));

CREATE UNIQUE INDEX submissions_platform_id ON facteur.submissions USING btree (platform_id, COALESCE(client, account)) WHERE (platform_id IS NOT NULL);

CREATE INDEX submissions_queued ON facteur.submissions USING btree (account, queued_at) WHERE (queued_at IS NOT NULL);

CREATE INDEX submissions_rejected ON facteur.submissions USING btree (finalized_at) WHERE (state = 'rejected'::text);

CREATE INDEX submissions_silent ON facteur.submissions USING btree (submitted_at) WHERE ((state = 'submitted'::text) AND (lifecycle_code IS NULL));

CREATE INDEX submissions_slice ON facteur.submissions USING btree (account, deposited_at, id) WHERE (state = 'submitted'::text);

CREATE INDEX submissions_status_updates ON facteur.submissions USING btree (due_at) WHERE (state = 'submitted'::text);

CREATE INDEX submissions_store ON facteur.submissions USING btree (store) WHERE (store IS NOT NULL);

CREATE INDEX submissions_sweep ON facteur.submissions USING btree (account, due_at, deposited_at) WHERE (state = 'submitted'::text);

CREATE INDEX submissions_undeposited ON facteur.submissions USING btree (state, issue_date) WHERE ((state = ANY (ARRAY['pending'::text, 'sending'::text, 'in_doubt'::text])) OR ((state = 'failed'::text) AND (NOT superseded)));

CREATE INDEX submissions_unread ON facteur.submissions USING btree (unread_since) WHERE (unread_since IS NOT NULL);

CREATE INDEX submissions_unverified ON facteur.submissions USING btree (unverified_at) WHERE (unverified_at IS NOT NULL);

CREATE INDEX submissions_write_back ON facteur.submissions USING btree (write_back_due_at) WHERE (write_back_due_at IS NOT NULL);

CREATE INDEX transitions_account ON facteur.transitions USING btree (account, at) WHERE (invoice_id IS NULL);

CREATE INDEX transitions_invoice ON facteur.transitions USING btree (invoice_id, id) WHERE (invoice_id IS NOT NULL);

CREATE INDEX unmatched_statuses_age ON facteur.unmatched_statuses USING btree (recorded_at);

CREATE TRIGGER know_account AFTER INSERT ON facteur.budgets FOR EACH ROW WHEN ((new.key ~~ 'account:%'::text)) EXECUTE FUNCTION facteur.know_account();

CREATE TRIGGER know_routed AFTER INSERT ON facteur.routes FOR EACH ROW EXECUTE FUNCTION facteur.know_routed();

CREATE TRIGGER operations_only_grow BEFORE DELETE OR UPDATE ON facteur.operations FOR EACH ROW EXECUTE FUNCTION facteur.refuse_change();

CREATE TRIGGER track_attempt AFTER INSERT ON facteur.attempts FOR EACH ROW WHEN ((new.outcome IS NOT NULL)) EXECUTE FUNCTION facteur.track_attempt();

CREATE TRIGGER track_hold AFTER INSERT ON facteur.budgets FOR EACH ROW WHEN (((new.hold_why IS NOT NULL) OR (new.pause_reason IS NOT NULL))) EXECUTE FUNCTION facteur.track_pause();

CREATE TRIGGER track_moved AFTER UPDATE OF state, last_error_code ON facteur.submissions FOR EACH ROW WHEN (((old.state <> new.state) OR (old.last_error_code IS DISTINCT FROM new.last_error_code))) EXECUTE FUNCTION facteur.track_submission();

CREATE TRIGGER track_opened AFTER INSERT ON facteur.submissions REFERENCING NEW TABLE AS opened FOR EACH STATEMENT EXECUTE FUNCTION facteur.track_opened();

CREATE TRIGGER track_outcome AFTER UPDATE OF outcome ON facteur.attempts FOR EACH ROW WHEN (((old.outcome IS DISTINCT FROM new.outcome) AND (new.outcome IS NOT NULL))) EXECUTE FUNCTION facteur.track_attempt();

CREATE TRIGGER track_pause AFTER UPDATE OF pause_reason, hold_why ON facteur.budgets FOR EACH ROW WHEN (((old.pause_reason IS DISTINCT FROM new.pause_reason) OR (old.hold_why IS DISTINCT FROM new.hold_why))) EXECUTE FUNCTION facteur.track_pause();

CREATE TRIGGER track_row AFTER UPDATE OF written_status, write_back_error, mismatch ON facteur.submissions FOR EACH ROW WHEN (((old.written_status <> new.written_status) OR (old.mismatch IS DISTINCT FROM new.mismatch) OR ((new.write_back_error IS NOT NULL) AND (old.write_back_error IS DISTINCT FROM new.write_back_error)))) EXECUTE FUNCTION facteur.track_row();

CREATE TRIGGER track_withdrawn AFTER DELETE ON facteur.submissions FOR EACH ROW EXECUTE FUNCTION facteur.track_submission();

CREATE TRIGGER transitions_only_grow BEFORE DELETE ON facteur.transitions FOR EACH ROW EXECUTE FUNCTION facteur.refuse_change();

CREATE TRIGGER transitions_stay BEFORE UPDATE ON facteur.transitions FOR EACH ROW WHEN (((new.detail IS NOT NULL) OR ((((((((((((old.id IS DISTINCT FROM new.id) OR (old.at IS DISTINCT FROM new.at)) OR (old.subject IS DISTINCT FROM new.subject)) OR (old.submission_id IS DISTINCT FROM new.submission_id)) OR (old.invoice_id IS DISTINCT FROM new.invoice_id)) OR (old.account IS DISTINCT FROM new.account)) OR (old.attempt_id IS DISTINCT FROM new.attempt_id)) OR (old.from_state IS DISTINCT FROM new.from_state)) OR (old.to_state IS DISTINCT FROM new.to_state)) OR (old.reason IS DISTINCT FROM new.reason)) OR (old.platform_id IS DISTINCT FROM new.platform_id)) OR (old.by_whom IS DISTINCT FROM new.by_whom)))) EXECUTE FUNCTION facteur.refuse_change();

ALTER TABLE ONLY facteur.attempts
    ADD CONSTRAINT attempts_submission_id_fkey FOREIGN KEY (submission_id) REFERENCES facteur.submissions(id) ON DELETE SET NULL;

ALTER TABLE ONLY facteur.status_events
    ADD CONSTRAINT status_events_submission_id_fkey FOREIGN KEY (submission_id) REFERENCES facteur.submissions(id);
