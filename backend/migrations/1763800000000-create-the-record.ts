import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * The tables of AOS 0.1.
 *
 * Why: the first schema; there is no older one beside which it must run.
 * Append-only tables (events, logs, spans, tool_calls) are partitioned by time: retention drops whole
 * partitions, which costs nothing, instead of deleting rows, which costs a vacuum. Their partitions are
 * made by `ensurePartitions` at start and hourly; a default partition catches a clock that is far off.
 * `mem_embeddings.embedding` is added by `ensureVector` where pgvector is present: without it the server
 * starts all the same and only vector search is off.
 */
export class CreateTheRecord1763800000000 implements MigrationInterface {
  name = 'CreateTheRecord1763800000000';

  async up(runner: QueryRunner): Promise<void> {
    for (const statement of statements) await runner.query(statement);
  }

  async down(): Promise<void> {
    throw new Error('Migrations go forward only: restore a backup instead.');
  }
}

/** Before Postgres 18 a forbidden way counts as a very dear one, which would set off the JIT compiler. */
const walkTheIndex = ['seqscan', 'bitmapscan', 'sort', 'hashjoin', 'mergejoin']
  .map((way) => `SET enable_${way} = off`)
  .concat('SET jit = off')
  .join(' ');

const statements = [
  // --- who -------------------------------------------------------------------------------------
  `CREATE TABLE users (
    id             UUID PRIMARY KEY,
    email          TEXT NOT NULL,
    name           TEXT NOT NULL,
    password_hash  TEXT,
    is_disabled    BOOLEAN NOT NULL DEFAULT false,
    created_at     TIMESTAMPTZ NOT NULL DEFAULT now()
  )`,
  `CREATE UNIQUE INDEX users_email ON users (lower(email))`,
  `CREATE TABLE sessions (
    id             UUID PRIMARY KEY,
    user_id        UUID NOT NULL REFERENCES users(id) ON DELETE CASCADE,
    token_hash     BYTEA NOT NULL UNIQUE,
    csrf_token     TEXT NOT NULL,
    ip             TEXT,
    user_agent     TEXT,
    created_at     TIMESTAMPTZ NOT NULL DEFAULT now(),
    last_seen_at   TIMESTAMPTZ NOT NULL DEFAULT now(),
    expires_at     TIMESTAMPTZ NOT NULL,
    revoked_at     TIMESTAMPTZ
  )`,
  `CREATE INDEX sessions_user ON sessions (user_id)`,
  `CREATE INDEX sessions_expiry ON sessions (expires_at)`,
  `CREATE TABLE api_tokens (
    id             UUID PRIMARY KEY,
    user_id        UUID NOT NULL REFERENCES users(id) ON DELETE CASCADE,
    name           TEXT NOT NULL,
    token_hash     BYTEA NOT NULL UNIQUE,
    scopes         TEXT[] NOT NULL,
    created_at     TIMESTAMPTZ NOT NULL DEFAULT now(),
    expires_at     TIMESTAMPTZ,
    last_used_at   TIMESTAMPTZ,
    revoked_at     TIMESTAMPTZ
  )`,
  `CREATE INDEX api_tokens_user ON api_tokens (user_id)`,
  `CREATE TABLE roles (
    name           TEXT PRIMARY KEY,
    description    TEXT NOT NULL DEFAULT '',
    permissions    TEXT[] NOT NULL,
    is_builtin     BOOLEAN NOT NULL DEFAULT false,
    created_at     TIMESTAMPTZ NOT NULL DEFAULT now()
  )`,
  `CREATE TABLE role_bindings (
    id             UUID PRIMARY KEY,
    user_id        UUID NOT NULL REFERENCES users(id) ON DELETE CASCADE,
    role           TEXT NOT NULL REFERENCES roles(name),
    project_id     TEXT,
    created_by     TEXT NOT NULL,
    created_at     TIMESTAMPTZ NOT NULL DEFAULT now(),
    UNIQUE NULLS NOT DISTINCT (user_id, role, project_id)
  )`,
  `CREATE TABLE idempotency_keys (
    principal      TEXT NOT NULL,
    route          TEXT NOT NULL,
    key            TEXT NOT NULL,
    body_hash      TEXT NOT NULL,
    status         INT,
    response       JSONB,
    created_at     TIMESTAMPTZ NOT NULL DEFAULT now(),
    PRIMARY KEY (principal, route, key)
  )`,
  `CREATE INDEX idempotency_keys_age ON idempotency_keys (created_at)`,

  // --- what happened: the outbox is the events table ------------------------------------------
  `CREATE SEQUENCE events_id_seq`,
  `CREATE TABLE events (
    id             BIGINT NOT NULL DEFAULT nextval('events_id_seq'),
    trace_id       TEXT,
    topic          TEXT,
    type           TEXT NOT NULL,
    severity       TEXT,
    payload        JSONB NOT NULL,
    created_at     TIMESTAMPTZ NOT NULL DEFAULT now(),
    seq            BIGINT,
    job_id         BIGINT,
    project_id     TEXT,
    actor          TEXT,
    summary        TEXT NOT NULL DEFAULT '',
    links          JSONB NOT NULL DEFAULT '[]',
    payload_ref    UUID,
    PRIMARY KEY (id, created_at)
  ) PARTITION BY RANGE (created_at)`,
  `ALTER SEQUENCE events_id_seq OWNED BY events.id`,
  `CREATE INDEX events_unstamped ON events (id) WHERE seq IS NULL`,
  `CREATE INDEX events_seq ON events (seq) WHERE seq IS NOT NULL`,
  `CREATE INDEX events_trace ON events (trace_id, seq)`,
  `CREATE TABLE event_payloads (
    id             UUID PRIMARY KEY,
    payload        JSONB NOT NULL,
    created_at     TIMESTAMPTZ NOT NULL DEFAULT now()
  )`,
  `CREATE INDEX event_payloads_age ON event_payloads (created_at)`,
  // One row: its lock elects the relay for the length of a batch, its value is the last number given out.
  // Numbers up to reserved_seq are written without waiting for the disk; relay_alive is emptied by crash
  // recovery, as every unlogged table is, and so tells that some of those may have been lost (see Relay).
  `CREATE TABLE relay_state (
    id             INT PRIMARY KEY CHECK (id = 1),
    last_seq       BIGINT NOT NULL DEFAULT 0,
    reserved_seq   BIGINT NOT NULL DEFAULT 0,
    epoch          UUID NOT NULL DEFAULT gen_random_uuid()
  )`,
  `INSERT INTO relay_state (id) VALUES (1)`,
  `CREATE UNLOGGED TABLE relay_alive (
    id             INT PRIMARY KEY CHECK (id = 1)
  )`,
  // Effect once: a reaction marks the event in the transaction of its effect.
  `CREATE TABLE event_inbox (
    consumer       TEXT NOT NULL,
    event_id       BIGINT NOT NULL,
    handled_at     TIMESTAMPTZ NOT NULL DEFAULT now(),
    PRIMARY KEY (consumer, event_id)
  )`,

  // --- projects, agents -----------------------------------------------------------------------
  `CREATE TABLE projects (
    id             TEXT PRIMARY KEY,
    name           TEXT NOT NULL,
    description    TEXT NOT NULL DEFAULT '',
    version        INT NOT NULL DEFAULT 1,
    created_by     TEXT NOT NULL,
    created_at     TIMESTAMPTZ NOT NULL DEFAULT now()
  )`,
  `CREATE TABLE project_vars (
    id             BIGSERIAL PRIMARY KEY,
    project_id     TEXT,
    name           TEXT,
    scope          TEXT,
    usage          TEXT,
    secret_ref     TEXT,
    last_rotated   TIMESTAMPTZ,
    audit_ref      TEXT,
    value          JSONB,
    version        INT NOT NULL DEFAULT 1,
    UNIQUE NULLS NOT DISTINCT (project_id, name)
  )`,
  `CREATE TABLE blueprints (
    id             UUID NOT NULL,
    version        INT NOT NULL,
    project_id     TEXT NOT NULL REFERENCES projects(id),
    name           TEXT NOT NULL,
    steps          JSONB NOT NULL,
    comment        TEXT NOT NULL DEFAULT '',
    created_by     TEXT NOT NULL,
    created_at     TIMESTAMPTZ NOT NULL DEFAULT now(),
    PRIMARY KEY (id, version)
  )`,
  `CREATE TABLE agents (
    id             BIGSERIAL PRIMARY KEY,
    name           TEXT UNIQUE NOT NULL,
    type           TEXT CHECK (type IN ('local','remote')),
    version        TEXT,
    route_prefix   TEXT,
    replicas       INT DEFAULT 1,
    status         TEXT,
    config         JSONB,
    caps           JSONB,
    created_at     TIMESTAMPTZ DEFAULT now(),
    revision       INT NOT NULL DEFAULT 1,
    last_error     TEXT,
    created_by     TEXT,
    deleted_at     TIMESTAMPTZ
  )`,
  `CREATE TABLE agent_versions (
    agent_id       BIGINT NOT NULL REFERENCES agents(id),
    version        TEXT NOT NULL,
    config         JSONB NOT NULL,
    comment        TEXT NOT NULL DEFAULT '',
    created_by     TEXT NOT NULL,
    created_at     TIMESTAMPTZ NOT NULL DEFAULT now(),
    PRIMARY KEY (agent_id, version)
  )`,
  `CREATE TABLE agent_runs (
    run_id         BIGSERIAL PRIMARY KEY,
    agent_id       BIGINT REFERENCES agents(id),
    trace_id       TEXT,
    status         TEXT,
    stats          JSONB,
    started_at     TIMESTAMPTZ,
    finished_at    TIMESTAMPTZ,
    UNIQUE (agent_id, trace_id)
  )`,

  // --- jobs -------------------------------------------------------------------------------------
  // status: scheduled | queued | running | waiting | succeeded | failed | cancelled
  // fence grows with every claim; a writer whose fence is not the row's has lost its lease.
  // active_ms adds up the time under a lease (waiting for people is not work); recovery says why the
  // attempt before broke off. All times are the database's.
  `CREATE TABLE jobs (
    id             BIGSERIAL PRIMARY KEY,
    trace_id       TEXT,
    spec           JSONB NOT NULL,
    status         TEXT NOT NULL DEFAULT 'queued',
    priority       INT NOT NULL DEFAULT 0,
    scheduled_at   TIMESTAMPTZ,
    started_at     TIMESTAMPTZ,
    finished_at    TIMESTAMPTZ,
    error          JSONB,
    kind           TEXT NOT NULL DEFAULT 'task',
    run_at         TIMESTAMPTZ NOT NULL DEFAULT now(),
    attempts       INT NOT NULL DEFAULT 0,
    max_attempts   INT NOT NULL DEFAULT 5,
    lease_owner    TEXT,
    lease_until    TIMESTAMPTZ,
    claimed_at     TIMESTAMPTZ,
    active_ms      BIGINT NOT NULL DEFAULT 0,
    recovery       JSONB,
    fence          BIGINT NOT NULL DEFAULT 0,
    cancel_requested_at TIMESTAMPTZ,
    cancel_reason  TEXT,
    project_id     TEXT,
    agent_id       BIGINT,
    conversation_id UUID,
    rerun_of       BIGINT,
    rerun          JSONB,
    trace_context  TEXT,
    progress       JSONB,
    receipt        JSONB,
    created_by     TEXT NOT NULL DEFAULT 'system',
    created_by_user UUID,
    created_at     TIMESTAMPTZ NOT NULL DEFAULT now(),
    CHECK (status IN ('scheduled','queued','running','waiting','succeeded','failed','cancelled'))
  )`,
  // Partial, like the others, so that a job without a trace or a project is not in an index for nothing.
  `CREATE UNIQUE INDEX jobs_trace ON jobs (trace_id) WHERE trace_id IS NOT NULL`,
  `CREATE INDEX jobs_claim ON jobs (priority DESC, run_at, id) WHERE status = 'queued'`,
  `CREATE INDEX jobs_scheduled ON jobs (run_at) WHERE status = 'scheduled'`,
  `CREATE INDEX jobs_lease ON jobs (lease_until) WHERE status = 'running'`,
  `CREATE INDEX jobs_project ON jobs (project_id, id DESC) WHERE project_id IS NOT NULL`,
  `CREATE INDEX jobs_agent ON jobs (agent_id, id DESC) WHERE agent_id IS NOT NULL`,
  `CREATE INDEX jobs_conversation ON jobs (conversation_id) WHERE conversation_id IS NOT NULL`,
  // The two statements of the hot path are functions for the sake of their settings. Statistics of a queue
  // are wrong by nature: analysed while idle, the planner takes `queued` for rare and sorts the whole
  // backlog for every claim (measured: 50 ms instead of 2). Here it may only walk the index,
  // and `status || ''` keeps it from walking the index of the leases, which is full of dead entries, by id.
  `CREATE FUNCTION claim_jobs(most int, kinds text[], owner text, lease_ms float8) RETURNS SETOF jobs
    LANGUAGE plpgsql ROWS 100 ${walkTheIndex} AS $$
    BEGIN
      RETURN QUERY
      WITH next AS MATERIALIZED (
        SELECT q.id FROM jobs q WHERE q.status = 'queued' AND q.kind = ANY(kinds)
         ORDER BY q.priority DESC, q.run_at, q.id LIMIT most FOR UPDATE SKIP LOCKED)
      UPDATE jobs j SET status = 'running', lease_owner = owner,
             lease_until = now() + lease_ms * interval '1 millisecond', fence = j.fence + 1,
             attempts = j.attempts + 1, claimed_at = now(), started_at = coalesce(j.started_at, now())
        FROM next WHERE j.id = next.id RETURNING j.*;
    END $$`,
  `CREATE FUNCTION finish_jobs(ids bigint[], fences bigint[], statuses text[], errors text[]) RETURNS void
    LANGUAGE plpgsql ${walkTheIndex} AS $$
    BEGIN
      WITH ended AS (
        UPDATE jobs j SET status = d.status, error = d.error::jsonb, finished_at = clock_timestamp(),
               lease_owner = NULL, lease_until = NULL, active_ms = j.active_ms + greatest(0,
                 extract(epoch FROM least(clock_timestamp(), j.lease_until) - j.claimed_at) * 1000)::bigint
          FROM unnest(ids, fences, statuses, errors) AS d(id, fence, status, error)
         WHERE j.id = d.id AND j.fence = d.fence AND j.status || '' = 'running'
        RETURNING j.trace_id, j.status)
      UPDATE traces t SET status = ended.status, finished_at = clock_timestamp(),
             latency_ms = extract(epoch FROM clock_timestamp() - t.started_at) * 1000
        FROM ended WHERE t.trace_id = ended.trace_id;
    END $$`,
  `CREATE TABLE traces (
    trace_id       TEXT PRIMARY KEY,
    status         TEXT,
    cost_cny       NUMERIC,
    latency_ms     INT,
    started_at     TIMESTAMPTZ,
    finished_at    TIMESTAMPTZ,
    job_id         BIGINT,
    project_id     TEXT,
    name           TEXT NOT NULL DEFAULT '',
    input_tokens   BIGINT NOT NULL DEFAULT 0,
    output_tokens  BIGINT NOT NULL DEFAULT 0
  )`,
  `CREATE INDEX traces_started ON traces (started_at DESC, trace_id)`,
  // The plan of a run, step by step: what the console draws and what a rerun starts from. args are as
  // planned (references unresolved); what was sent is in tool_calls. round grows when args are revised.
  `CREATE TABLE job_steps (
    job_id         BIGINT NOT NULL REFERENCES jobs(id) ON DELETE CASCADE,
    step_id        TEXT NOT NULL,
    position       INT NOT NULL,
    tool           TEXT NOT NULL,
    needs          TEXT[] NOT NULL DEFAULT '{}',
    approval       TEXT NOT NULL DEFAULT 'auto',
    args           JSONB NOT NULL DEFAULT '{}',
    state          TEXT NOT NULL DEFAULT 'pending',
    attempts       INT NOT NULL DEFAULT 0,
    on_error       TEXT NOT NULL DEFAULT 'revise',
    retries        INT NOT NULL DEFAULT 1,
    round          INT NOT NULL DEFAULT 1,
    result         JSONB,
    error          TEXT,
    started_at     TIMESTAMPTZ,
    finished_at    TIMESTAMPTZ,
    PRIMARY KEY (job_id, step_id),
    CHECK (state IN ('pending','running','waiting','done','failed','skipped'))
  )`,
  // The ledger. A row is written before a call with an effect and completed after it. created_at is the
  // birth of the run (not of the call), so that (created_at, idempotency_key) is unique over all retries
  // of a step although the table is partitioned by time.
  `CREATE TABLE tool_calls (
    id             UUID NOT NULL,
    created_at     TIMESTAMPTZ NOT NULL,
    idempotency_key TEXT NOT NULL,
    job_id         BIGINT,
    trace_id       TEXT NOT NULL,
    step_id        TEXT,
    attempt        INT NOT NULL DEFAULT 1,
    fence          BIGINT,
    server         TEXT NOT NULL,
    tool           TEXT NOT NULL,
    args           JSONB NOT NULL,
    args_hash      TEXT NOT NULL,
    status         TEXT NOT NULL,
    result         JSONB,
    error          TEXT,
    error_kind     TEXT,
    error_fingerprint TEXT,
    actor          TEXT NOT NULL,
    project_id     TEXT,
    span_id        TEXT,
    started_at     TIMESTAMPTZ NOT NULL DEFAULT now(),
    finished_at    TIMESTAMPTZ,
    PRIMARY KEY (created_at, idempotency_key),
    CHECK (status IN ('started','succeeded','failed','unknown'))
  ) PARTITION BY RANGE (created_at)`,
  `CREATE INDEX tool_calls_job ON tool_calls (job_id, started_at)`,
  `CREATE INDEX tool_calls_tool ON tool_calls (server, tool, started_at DESC)`,
  `CREATE TABLE approvals (
    id             UUID PRIMARY KEY,
    job_id         BIGINT NOT NULL REFERENCES jobs(id),
    trace_id       TEXT NOT NULL,
    step_id        TEXT NOT NULL,
    round          INT NOT NULL DEFAULT 1,
    kind           TEXT NOT NULL DEFAULT 'policy' CHECK (kind IN ('policy','open-call')),
    project_id     TEXT,
    tool           TEXT NOT NULL,
    reason         TEXT NOT NULL DEFAULT '',
    args           JSONB NOT NULL,
    args_hash      TEXT NOT NULL,
    schema         JSONB NOT NULL,
    status         TEXT NOT NULL DEFAULT 'pending',
    second_person  BOOLEAN NOT NULL DEFAULT false,
    requested_by   TEXT NOT NULL,
    requested_by_user UUID,
    created_at     TIMESTAMPTZ NOT NULL DEFAULT now(),
    expires_at     TIMESTAMPTZ NOT NULL,
    decided_by     TEXT,
    decided_by_user UUID,
    decided_at     TIMESTAMPTZ,
    decision_args  JSONB,
    comment        TEXT,
    UNIQUE (job_id, step_id, round),
    CHECK (status IN ('pending','continued','degraded','aborted','expired','void'))
  )`,
  `CREATE INDEX approvals_pending ON approvals (expires_at) WHERE status = 'pending'`,
  `CREATE TABLE artifacts (
    id             UUID PRIMARY KEY,
    name           TEXT NOT NULL,
    media_type     TEXT NOT NULL,
    bytes          BIGINT NOT NULL,
    sha256         TEXT NOT NULL,
    job_id         BIGINT,
    step_id        TEXT,
    trace_id       TEXT,
    project_id     TEXT,
    created_by     TEXT NOT NULL,
    created_at     TIMESTAMPTZ NOT NULL DEFAULT now()
  )`,
  `CREATE INDEX artifacts_job ON artifacts (job_id) WHERE job_id IS NOT NULL`,

  // --- chat ---------------------------------------------------------------------------------------
  `CREATE TABLE conversations (
    id             UUID PRIMARY KEY,
    title          TEXT NOT NULL,
    project_id     TEXT,
    created_by     TEXT NOT NULL,
    created_by_user UUID,
    created_at     TIMESTAMPTZ NOT NULL DEFAULT now(),
    updated_at     TIMESTAMPTZ NOT NULL DEFAULT now()
  )`,
  `CREATE INDEX conversations_recent ON conversations (updated_at DESC, id)`,
  `CREATE TABLE messages (
    id             UUID PRIMARY KEY,
    conversation_id UUID NOT NULL REFERENCES conversations(id) ON DELETE CASCADE,
    role           TEXT NOT NULL CHECK (role IN ('user','assistant')),
    author         TEXT NOT NULL,
    text           TEXT NOT NULL,
    job_id         BIGINT,
    trace_id       TEXT,
    created_at     TIMESTAMPTZ NOT NULL DEFAULT now()
  )`,
  `CREATE INDEX messages_conversation ON messages (conversation_id, created_at, id)`,

  // --- tools ---------------------------------------------------------------------------------------
  `CREATE TABLE mcp_registry (
    name           TEXT PRIMARY KEY,
    base_url       TEXT NOT NULL,
    description    TEXT,
    capabilities   JSONB NOT NULL,
    auth_token     TEXT,
    timeout_ms     INTEGER,
    created_at     TIMESTAMPTZ DEFAULT now(),
    updated_at     TIMESTAMPTZ DEFAULT now(),
    transport      TEXT NOT NULL DEFAULT 'http',
    command        TEXT,
    args           TEXT[] NOT NULL DEFAULT '{}',
    idempotent_tools TEXT[] NOT NULL DEFAULT '{}',
    use_prefix     BOOLEAN NOT NULL DEFAULT true,
    is_enabled     BOOLEAN NOT NULL DEFAULT true,
    agent_id       BIGINT REFERENCES agents(id),
    health         JSONB NOT NULL DEFAULT '{"state":"unknown"}',
    version        INT NOT NULL DEFAULT 1,
    CHECK (transport IN ('http','sse','stdio','builtin','agent'))
  )`,
  `CREATE TABLE mcp_tools (
    server         TEXT NOT NULL REFERENCES mcp_registry(name) ON DELETE CASCADE,
    name           TEXT NOT NULL,
    definition     JSONB NOT NULL,
    definition_hash TEXT NOT NULL,
    is_idempotent  BOOLEAN NOT NULL DEFAULT false,
    is_read_only   BOOLEAN NOT NULL DEFAULT false,
    is_gone        BOOLEAN NOT NULL DEFAULT false,
    seen_at        TIMESTAMPTZ NOT NULL DEFAULT now(),
    PRIMARY KEY (server, name)
  )`,
  `CREATE TABLE sandbox_scripts (
    id             UUID PRIMARY KEY,
    name           TEXT NOT NULL,
    entry_file     TEXT NOT NULL,
    description    TEXT,
    schedule_ms    BIGINT,
    env            JSONB,
    created_at     TIMESTAMPTZ DEFAULT now(),
    updated_at     TIMESTAMPTZ DEFAULT now()
  )`,

  // --- memory ---------------------------------------------------------------------------------------
  `CREATE TABLE mem_embeddings (
    id             BIGSERIAL PRIMARY KEY,
    subject        TEXT,
    project_id     TEXT,
    meta           JSONB,
    updated_at     TIMESTAMPTZ DEFAULT now()
  )`,

  // --- settings, secrets, audit -----------------------------------------------------------------
  `CREATE TABLE config_versions (
    scope          TEXT NOT NULL,
    version        INT NOT NULL,
    config         JSONB NOT NULL,
    comment        TEXT NOT NULL DEFAULT '',
    created_by     TEXT NOT NULL,
    created_at     TIMESTAMPTZ NOT NULL DEFAULT now(),
    PRIMARY KEY (scope, version)
  )`,
  // value = AES-256-GCM under a data key of its own; the data key is wrapped by the master key.
  `CREATE TABLE secrets (
    id             UUID PRIMARY KEY,
    name           TEXT NOT NULL,
    project_id     TEXT,
    purpose        TEXT NOT NULL DEFAULT '',
    version        INT NOT NULL DEFAULT 1,
    ciphertext     BYTEA NOT NULL,
    wrapped_key    BYTEA NOT NULL,
    key_id         TEXT NOT NULL,
    created_by     TEXT NOT NULL,
    created_at     TIMESTAMPTZ NOT NULL DEFAULT now(),
    last_rotated   TIMESTAMPTZ NOT NULL DEFAULT now(),
    last_used_at   TIMESTAMPTZ,
    UNIQUE NULLS NOT DISTINCT (project_id, name)
  )`,
  `CREATE TABLE audit_logs (
    id             BIGSERIAL PRIMARY KEY,
    actor          TEXT,
    action         TEXT,
    resource       TEXT,
    diff           JSONB,
    created_at     TIMESTAMPTZ DEFAULT now(),
    outcome        TEXT NOT NULL DEFAULT 'allowed',
    actor_user     UUID,
    project_id     TEXT,
    trace_id       TEXT,
    ip             TEXT
  )`,
  `CREATE INDEX audit_logs_actor ON audit_logs (actor, id DESC)`,
  `CREATE INDEX audit_logs_resource ON audit_logs (resource, id DESC)`,
  `CREATE INDEX audit_logs_trace ON audit_logs (trace_id) WHERE trace_id IS NOT NULL`,
  `CREATE FUNCTION audit_logs_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      RAISE EXCEPTION 'audit_logs is append-only: % refused', TG_OP USING ERRCODE = 'insufficient_privilege';
    END $$`,
  `CREATE TRIGGER audit_logs_no_change BEFORE UPDATE OR DELETE ON audit_logs
    FOR EACH ROW EXECUTE FUNCTION audit_logs_append_only()`,
  `CREATE TRIGGER audit_logs_no_truncate BEFORE TRUNCATE ON audit_logs
    FOR EACH STATEMENT EXECUTE FUNCTION audit_logs_append_only()`,

  // --- observability -----------------------------------------------------------------------------
  `CREATE TABLE spans (
    trace_id       TEXT NOT NULL,
    span_id        TEXT NOT NULL,
    parent_span_id TEXT,
    name           TEXT NOT NULL,
    kind           TEXT NOT NULL,
    started_at     TIMESTAMPTZ NOT NULL,
    duration_us    BIGINT NOT NULL,
    status         TEXT NOT NULL DEFAULT 'unset',
    status_message TEXT,
    attributes     JSONB NOT NULL DEFAULT '{}',
    events         JSONB NOT NULL DEFAULT '[]'
  ) PARTITION BY RANGE (started_at)`,
  `CREATE INDEX spans_trace ON spans (trace_id, started_at)`,
  `CREATE SEQUENCE logs_id_seq`,
  `CREATE TABLE logs (
    id             BIGINT NOT NULL DEFAULT nextval('logs_id_seq'),
    created_at     TIMESTAMPTZ NOT NULL DEFAULT now(),
    level          TEXT NOT NULL,
    logger         TEXT NOT NULL,
    message        TEXT NOT NULL,
    trace_id       TEXT,
    span_id        TEXT,
    job_id         BIGINT,
    agent_id       BIGINT,
    attributes     JSONB NOT NULL DEFAULT '{}',
    PRIMARY KEY (id, created_at)
  ) PARTITION BY RANGE (created_at)`,
  `ALTER SEQUENCE logs_id_seq OWNED BY logs.id`,
  `CREATE INDEX logs_agent ON logs (agent_id, id DESC) WHERE agent_id IS NOT NULL`,
  `CREATE INDEX logs_trace ON logs (trace_id, id) WHERE trace_id IS NOT NULL`,
  ...['events', 'tool_calls', 'spans', 'logs'].map(
    (table) => `CREATE TABLE ${table}_default PARTITION OF ${table} DEFAULT`,
  ),
];
