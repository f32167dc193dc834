-- Written by `npm run db:schema` from the migrations; never edited by hand. Partitions by date are left out.

CREATE EXTENSION vector;

CREATE OR REPLACE FUNCTION public.approvals_need_votes()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
      BEGIN
        IF (SELECT count(*) FILTER (WHERE is_break_glass) = 0 AND count(*) < NEW.required_count
              FROM approval_votes
             WHERE approval_id = NEW.id AND decision = 'continue' AND voter_user IS NOT NULL
               AND NOT (NEW.second_person AND voter_user IS NOT DISTINCT FROM NEW.requested_by_user))
        THEN
          RAISE EXCEPTION 'the approval % wants % votes', NEW.id, NEW.required_count
            USING ERRCODE = 'check_violation';
        END IF;
        RETURN NEW;
      END $function$;

CREATE OR REPLACE FUNCTION public.audit_logs_append_only()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
    BEGIN
      RAISE EXCEPTION 'audit_logs is append-only: % refused', TG_OP USING ERRCODE = 'insufficient_privilege';
    END $function$;

CREATE OR REPLACE FUNCTION public.audit_logs_await_seal()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
    BEGIN
      INSERT INTO audit_unsealed (audit_id) VALUES (NEW.id);
      RETURN NULL;
    END $function$;

CREATE OR REPLACE FUNCTION public.audit_seals_append_only()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
    BEGIN
      RAISE EXCEPTION 'audit_seals is append-only: % refused', TG_OP USING ERRCODE = 'insufficient_privilege';
    END $function$;

CREATE OR REPLACE FUNCTION public.claim_jobs(most integer, kinds text[], owner text, lease_ms double precision)
 RETURNS SETOF jobs
 LANGUAGE plpgsql
 ROWS 100
 SET enable_seqscan TO 'off'
 SET enable_bitmapscan TO 'off'
 SET enable_sort TO 'off'
 SET enable_hashjoin TO 'off'
 SET enable_mergejoin TO 'off'
 SET jit TO 'off'
AS $function$
    DECLARE
      found_ids bigint[];
      of_agents bigint[];
      full_agents bigint[];
      claimed int;
      taken int := 0;
    BEGIN
      LOOP
        SELECT array_agg(n.id), array_agg(DISTINCT n.agent_id) FILTER (WHERE n.agent_id IS NOT NULL)
          INTO found_ids, of_agents
          FROM (SELECT q.id, q.agent_id FROM jobs q WHERE q.status = 'queued' AND NOT q.awaits_replica AND q.kind = ANY(kinds)
                 ORDER BY q.priority DESC, q.run_at, q.id LIMIT most - taken FOR UPDATE SKIP LOCKED) AS n;
        EXIT WHEN found_ids IS NULL;
        full_agents := NULL;
        IF of_agents IS NOT NULL THEN
          PERFORM 1 FROM agents a WHERE a.id = ANY(of_agents) ORDER BY a.id FOR NO KEY UPDATE;
          WITH turn AS (
            SELECT j.id, j.agent_id,
                   row_number() OVER (PARTITION BY j.agent_id ORDER BY j.started_at IS NULL, j.priority DESC, j.run_at, j.id) AS place
              FROM jobs j WHERE j.id = ANY(found_ids) AND j.agent_id IS NOT NULL),
          surplus AS (
            SELECT turn.id, turn.agent_id FROM turn JOIN agents a ON a.id = turn.agent_id
             WHERE turn.place > a.replicas - (SELECT count(*) FROM jobs r WHERE r.agent_id = a.id AND r.status = 'running' AND NOT r.awaits_replica)),
          held AS (UPDATE jobs h SET awaits_replica = true FROM surplus WHERE h.id = surplus.id RETURNING h.agent_id)
          SELECT array_agg(DISTINCT held.agent_id) INTO full_agents FROM held;
        END IF;
        RETURN QUERY
        UPDATE jobs j SET status = 'running', lease_owner = owner,
               lease_until = now() + lease_ms * interval '1 millisecond', fence = j.fence + 1,
               attempts = j.attempts + 1, claimed_at = now(), started_at = coalesce(j.started_at, now())
         WHERE j.id = ANY(found_ids) AND NOT j.awaits_replica RETURNING j.*;
        GET DIAGNOSTICS claimed = ROW_COUNT;
        taken := taken + claimed;
        EXIT WHEN full_agents IS NULL OR taken >= most;
        UPDATE jobs h SET awaits_replica = true WHERE h.id IN (
          SELECT q.id FROM jobs q WHERE q.agent_id = ANY(full_agents) AND q.status = 'queued' AND NOT q.awaits_replica
           LIMIT 1000 FOR UPDATE SKIP LOCKED);
      END LOOP;
    END $function$;

CREATE OR REPLACE FUNCTION public.config_wants_second_person()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
    DECLARE
      rule jsonb := second_person_rule();
    BEGIN
      -- Written at every start, and there already.
      IF EXISTS (SELECT FROM config_versions WHERE scope = NEW.scope AND version = NEW.version) THEN
        RETURN NEW;
      END IF;
      IF NEW.scope = 'policies' AND coalesce((rule->>'policies')::boolean, false) AND NOT is_confirmed('policies')
         OR NEW.scope = 'system' AND NOT is_confirmed('settings')
            AND (coalesce((rule->>'settings')::boolean, false)
                 OR NEW.config #> '{security,secondPerson}' IS DISTINCT FROM rule
                    AND EXISTS (SELECT FROM jsonb_each(rule) WHERE value = 'true'))
      THEN
        RAISE EXCEPTION 'a second person has to confirm a change of %', NEW.scope USING ERRCODE = 'check_violation';
      END IF;
      RETURN NEW;
    END $function$;

CREATE OR REPLACE FUNCTION public.finish_jobs(ids bigint[], fences bigint[], statuses text[], errors text[])
 RETURNS void
 LANGUAGE plpgsql
 SET enable_seqscan TO 'off'
 SET enable_bitmapscan TO 'off'
 SET enable_sort TO 'off'
 SET enable_hashjoin TO 'off'
 SET enable_mergejoin TO 'off'
 SET jit TO 'off'
AS $function$
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
    END $function$;

CREATE OR REPLACE FUNCTION public.forget_proposed_secret()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
    BEGIN
      DELETE FROM proposed_secrets WHERE proposal_id = NEW.id;
      RETURN NULL;
    END $function$;

CREATE OR REPLACE FUNCTION public.held_definition(definition jsonb)
 RETURNS jsonb
 LANGUAGE sql
 IMMUTABLE
AS $function$
    SELECT jsonb_build_array(definition->'name', definition->'title', definition->'description', definition->'inputSchema',
                             definition->'outputSchema', definition->'annotations')
  $function$;

CREATE OR REPLACE FUNCTION public.is_confirmed(of text)
 RETURNS boolean
 LANGUAGE sql
 STABLE
AS $function$
    SELECT EXISTS (SELECT FROM proposals WHERE applied_in = pg_current_xact_id_if_assigned() AND kind = of
                      AND status = 'applied' AND decided_at = now())
  $function$;

CREATE OR REPLACE FUNCTION public.let_go(agent bigint, most integer)
 RETURNS integer
 LANGUAGE plpgsql
AS $function$
    DECLARE
      gone int;
    BEGIN
      PERFORM 1 FROM agents a WHERE a.id = agent FOR NO KEY UPDATE;
      UPDATE jobs h SET awaits_replica = false WHERE h.id IN (
        SELECT q.id FROM jobs q WHERE q.agent_id = agent AND q.awaits_replica AND q.status = 'queued'
         ORDER BY q.started_at IS NULL, q.priority DESC, q.run_at, q.id LIMIT most FOR UPDATE SKIP LOCKED);
      GET DIAGNOSTICS gone = ROW_COUNT;
      RETURN gone;
    END $function$;

CREATE OR REPLACE FUNCTION public.let_next_go()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
    BEGIN
      PERFORM let_go(NEW.agent_id, 1);
      RETURN NULL;
    END $function$;

CREATE OR REPLACE FUNCTION public.lock_traces(traces text[])
 RETURNS boolean
 LANGUAGE plpgsql
 SET plan_cache_mode TO 'force_generic_plan'
 SET enable_seqscan TO 'off'
 SET enable_bitmapscan TO 'off'
 SET jit TO 'off'
AS $function$
BEGIN
  PERFORM pg_advisory_xact_lock(hashtextextended(t, 726301)) FROM unnest(traces) AS t;
  RETURN NOT EXISTS (SELECT 1 FROM unnest(traces) AS t
    WHERE (SELECT e.seq IS NULL FROM events e WHERE e.trace_id = t ORDER BY e.seq DESC LIMIT 1));
END $function$;

CREATE OR REPLACE FUNCTION public.memory_grams(whole text)
 RETURNS text[]
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
AS $function$
     SELECT coalesce(array_agg(DISTINCT one || next), '{}')
       FROM (SELECT one, lead(one) OVER (ORDER BY n) AS next
               FROM regexp_split_to_table(lower(whole), '') WITH ORDINALITY AS chars (one, n)) AS pairs
      WHERE next IS NOT NULL
   $function$;

CREATE OR REPLACE FUNCTION public.new_tools_want_second_person()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
    BEGIN
      IF NOT EXISTS (SELECT FROM mcp_tools WHERE server = NEW.server AND name = NEW.name)
         AND NOT EXISTS (SELECT FROM mcp_registry WHERE name = NEW.server AND transport IN ('builtin', 'agent'))
         AND servers_are_held()
      THEN
        NEW.pin_state := 'quarantined';
      END IF;
      RETURN NEW;
    END $function$;

CREATE OR REPLACE FUNCTION public.number_events(ids bigint[], reserve bigint)
 RETURNS bigint
 LANGUAGE plpgsql
 SET plan_cache_mode TO 'force_generic_plan'
 SET enable_seqscan TO 'off'
 SET enable_bitmapscan TO 'off'
 SET jit TO 'off'
AS $function$
DECLARE
  first_seq bigint := take_numbers(cardinality(ids), reserve);
BEGIN
  IF first_seq IS NOT NULL THEN
    UPDATE events e SET seq = first_seq + array_position(ids, e.id) - 1
     WHERE e.id = ANY (ids) AND e.created_at = now();
  END IF;
  RETURN first_seq;
END $function$;

CREATE OR REPLACE FUNCTION public.roles_want_second_person()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
    BEGIN
      IF TG_TABLE_NAME = 'role_bindings' AND TG_OP <> 'UPDATE'
         AND coalesce(to_jsonb(NEW), to_jsonb(OLD))->>'created_by' LIKE 'identity:%' THEN
        RETURN NULL;
      END IF;
      IF coalesce((second_person_rule()->>'roles')::boolean, false) AND NOT is_confirmed('roles') THEN
        RAISE EXCEPTION 'a second person has to confirm a change of %', TG_TABLE_NAME USING ERRCODE = 'check_violation';
      END IF;
      RETURN NULL;
    END $function$;

CREATE OR REPLACE FUNCTION public.second_person_rule()
 RETURNS jsonb
 LANGUAGE sql
 STABLE
AS $function$
    SELECT config #> '{security,secondPerson}' FROM config_versions WHERE scope = 'system' ORDER BY version DESC LIMIT 1
  $function$;

CREATE OR REPLACE FUNCTION public.secrets_want_second_person()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
    DECLARE
      it secrets := coalesce(NEW, OLD);
    BEGIN
      IF coalesce((second_person_rule()->>'secrets')::boolean, false) AND NOT is_confirmed('secrets') THEN
        RAISE EXCEPTION 'a second person has to confirm a change of %', TG_TABLE_NAME USING ERRCODE = 'check_violation';
      END IF;
      DELETE FROM proposed_secrets v USING proposals p
       WHERE p.id = v.proposal_id AND p.target = 'secret:' || it.name AND p.project_id IS NOT DISTINCT FROM it.project_id;
      RETURN NULL;
    END $function$;

CREATE OR REPLACE FUNCTION public.servers_are_held()
 RETURNS boolean
 LANGUAGE sql
 STABLE
AS $function$
    SELECT coalesce((second_person_rule()->>'servers')::boolean, false) AND NOT is_confirmed('servers')
  $function$;

CREATE OR REPLACE FUNCTION public.servers_want_second_person()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
    BEGIN
      IF servers_are_held() THEN
        RAISE EXCEPTION 'a second person has to confirm a change of %', TG_TABLE_NAME USING ERRCODE = 'check_violation';
      END IF;
      RETURN NULL;
    END $function$;

CREATE OR REPLACE FUNCTION public.sessions_need_second_factor()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
      BEGIN
        IF EXISTS (SELECT FROM second_factors WHERE user_id = NEW.user_id AND confirmed_at IS NOT NULL) THEN
          RAISE EXCEPTION 'a session of this person takes a second factor' USING ERRCODE = 'check_violation';
        END IF;
        RETURN NEW;
      END $function$;

CREATE OR REPLACE FUNCTION public.stamp_events(most integer, reserve bigint, is_patient boolean)
 RETURNS SETOF events
 LANGUAGE plpgsql
 ROWS 10
 SET plan_cache_mode TO 'force_generic_plan'
 SET enable_seqscan TO 'off'
 SET enable_bitmapscan TO 'off'
 SET jit TO 'off'
AS $function$
DECLARE
  relay relay_state;
  ids bigint[];
  oldest timestamptz;
  newest timestamptz;
  after_seq bigint;
  up_to bigint;
BEGIN
  IF is_patient THEN
    IF NOT EXISTS (SELECT 1 FROM events WHERE seq IS NULL) THEN RETURN; END IF;
    SELECT * INTO relay FROM relay_state WHERE id = 1 FOR UPDATE;
  ELSE
    SELECT * INTO relay FROM relay_state WHERE id = 1 FOR UPDATE SKIP LOCKED;
    IF NOT FOUND THEN RETURN; END IF;
  END IF;
  SELECT array_agg(b.id ORDER BY b.id), min(b.created_at), max(b.created_at) INTO ids, oldest, newest
    FROM (SELECT e.id, e.created_at FROM events e WHERE e.seq IS NULL ORDER BY e.id LIMIT most) AS b;
  IF ids IS NULL THEN RETURN; END IF;

  after_seq := CASE WHEN EXISTS (SELECT 1 FROM relay_alive) THEN relay.last_seq
                    ELSE greatest(relay.last_seq, relay.reserved_seq) END;
  up_to := after_seq + cardinality(ids);
  IF up_to <= relay.reserved_seq THEN
    PERFORM set_config('synchronous_commit', 'off', true);
    UPDATE relay_state SET last_seq = up_to WHERE id = 1;
  ELSE
    UPDATE relay_state SET last_seq = up_to, reserved_seq = up_to + reserve WHERE id = 1;
    INSERT INTO relay_alive VALUES (1) ON CONFLICT DO NOTHING;
  END IF;
  RETURN QUERY
    UPDATE events e SET seq = after_seq + array_position(ids, e.id)
     WHERE e.id = ANY (ids) AND e.created_at BETWEEN oldest AND newest AND e.seq IS NULL
    RETURNING e.*;
END $function$;

CREATE OR REPLACE FUNCTION public.take_numbers(many bigint, reserve bigint)
 RETURNS bigint
 LANGUAGE plpgsql
AS $function$
DECLARE
  up_to bigint;
  is_reserved boolean;
BEGIN
  UPDATE relay_state AS r SET last_seq = n.up_to,
         reserved_seq = CASE WHEN n.up_to > r.reserved_seq THEN n.up_to + reserve ELSE r.reserved_seq END
    FROM (SELECT s.id, s.reserved_seq, many + CASE WHEN EXISTS (SELECT 1 FROM relay_alive) THEN s.last_seq
                                  ELSE greatest(s.last_seq, s.reserved_seq) END AS up_to
            FROM relay_state s WHERE s.id = 1 FOR UPDATE OF s SKIP LOCKED) AS n
   WHERE r.id = n.id RETURNING n.up_to, n.up_to > n.reserved_seq INTO up_to, is_reserved;
  IF NOT FOUND THEN RETURN NULL; END IF;
  IF is_reserved THEN INSERT INTO relay_alive VALUES (1) ON CONFLICT DO NOTHING; END IF;
  RETURN up_to - many + 1;
END $function$;

CREATE OR REPLACE FUNCTION public.tools_want_second_person()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
    BEGIN
      IF (NEW.server <> OLD.server OR NEW.name <> OLD.name
          OR NEW.is_read_only AND NOT OLD.is_read_only OR NEW.is_idempotent AND NOT OLD.is_idempotent
          -- One that was let in goes off and on again with the definition that it was let in with, and with no other.
          OR NEW.pin_state <> 'quarantined'
             AND (OLD.pin_state = 'quarantined' OR held_definition(NEW.definition) <> held_definition(OLD.definition)
                  OR NEW.told_hash = NEW.definition_hash
                     AND held_definition(NEW.told::jsonb) IS DISTINCT FROM held_definition(NEW.definition)))
         AND EXISTS (SELECT FROM mcp_registry
                      WHERE name IN (OLD.server, NEW.server) AND transport NOT IN ('builtin', 'agent'))
         AND servers_are_held()
      THEN
        RAISE EXCEPTION 'a second person has to confirm a change of %', TG_TABLE_NAME USING ERRCODE = 'check_violation';
      END IF;
      RETURN NULL;
    END $function$;

CREATE TABLE agent_runs (
  run_id bigint DEFAULT nextval('agent_runs_run_id_seq'::regclass) NOT NULL,
  agent_id bigint,
  trace_id text,
  status text,
  stats jsonb,
  started_at timestamp with time zone,
  finished_at timestamp with time zone,
  CONSTRAINT agent_runs_pkey PRIMARY KEY (run_id),
  CONSTRAINT agent_runs_agent_id_fkey FOREIGN KEY (agent_id) REFERENCES agents(id),
  CONSTRAINT agent_runs_agent_id_trace_id_key UNIQUE (agent_id, trace_id)
);

CREATE TABLE agent_versions (
  agent_id bigint NOT NULL,
  version text NOT NULL,
  config jsonb NOT NULL,
  comment text DEFAULT ''::text NOT NULL,
  created_by text NOT NULL,
  created_at timestamp with time zone DEFAULT now() NOT NULL,
  CONSTRAINT agent_versions_pkey PRIMARY KEY (agent_id, version),
  CONSTRAINT agent_versions_agent_id_fkey FOREIGN KEY (agent_id) REFERENCES agents(id)
);

CREATE TABLE agents (
  id bigint DEFAULT nextval('agents_id_seq'::regclass) NOT NULL,
  name text NOT NULL,
  type text,
  version text,
  route_prefix text,
  replicas integer DEFAULT 1,
  status text,
  config jsonb,
  caps jsonb,
  created_at timestamp with time zone DEFAULT now(),
  revision integer DEFAULT 1 NOT NULL,
  last_error text,
  created_by text,
  deleted_at timestamp with time zone,
  CONSTRAINT agents_pkey PRIMARY KEY (id),
  CONSTRAINT agents_name_key UNIQUE (name),
  CONSTRAINT agents_type_check CHECK ((type = ANY (ARRAY['local'::text, 'remote'::text])))
);

CREATE TABLE api_tokens (
  id uuid NOT NULL,
  user_id uuid NOT NULL,
  name text NOT NULL,
  token_hash bytea NOT NULL,
  scopes text[] NOT NULL,
  created_at timestamp with time zone DEFAULT now() NOT NULL,
  expires_at timestamp with time zone,
  last_used_at timestamp with time zone,
  revoked_at timestamp with time zone,
  CONSTRAINT api_tokens_pkey PRIMARY KEY (id),
  CONSTRAINT api_tokens_token_hash_key UNIQUE (token_hash),
  CONSTRAINT api_tokens_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(id) ON DELETE CASCADE
);
CREATE INDEX api_tokens_user ON public.api_tokens USING btree (user_id);

CREATE TABLE approval_votes (
  approval_id uuid NOT NULL,
  voter text NOT NULL,
  voter_user uuid,
  voter_name text NOT NULL,
  decision text NOT NULL,
  comment text,
  is_break_glass boolean DEFAULT false NOT NULL,
  counted boolean,
  created_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
  CONSTRAINT approval_votes_pkey PRIMARY KEY (approval_id, voter),
  CONSTRAINT approval_votes_approval_id_fkey FOREIGN KEY (approval_id) REFERENCES approvals(id) ON DELETE CASCADE,
  CONSTRAINT approval_votes_decision_check CHECK ((decision = ANY (ARRAY['continue'::text, 'degrade'::text, 'abort'::text])))
);

CREATE TABLE approvals (
  id uuid NOT NULL,
  job_id bigint,
  trace_id text NOT NULL,
  step_id text NOT NULL,
  round integer DEFAULT 1 NOT NULL,
  kind text DEFAULT 'policy'::text NOT NULL,
  project_id text,
  tool text NOT NULL,
  reason text DEFAULT ''::text NOT NULL,
  args jsonb NOT NULL,
  args_hash text NOT NULL,
  schema jsonb NOT NULL,
  status text DEFAULT 'pending'::text NOT NULL,
  second_person boolean DEFAULT false NOT NULL,
  requested_by text NOT NULL,
  requested_by_user uuid,
  created_at timestamp with time zone DEFAULT now() NOT NULL,
  expires_at timestamp with time zone NOT NULL,
  decided_by text,
  decided_by_user uuid,
  decided_at timestamp with time zone,
  decision_args jsonb,
  comment text,
  used_at timestamp with time zone,
  said jsonb,
  required_count integer DEFAULT 1 NOT NULL,
  approver_roles text[],
  CONSTRAINT approvals_pkey PRIMARY KEY (id),
  CONSTRAINT approvals_job_id_fkey FOREIGN KEY (job_id) REFERENCES jobs(id),
  CONSTRAINT approvals_job_id_step_id_round_key UNIQUE (job_id, step_id, round),
  CONSTRAINT approvals_kind_check CHECK ((kind = ANY (ARRAY['policy'::text, 'open-call'::text, 'call'::text]))),
  CONSTRAINT approvals_status_check CHECK ((status = ANY (ARRAY['pending'::text, 'continued'::text, 'degraded'::text, 'aborted'::text, 'expired'::text, 'void'::text])))
);
CREATE INDEX approvals_pending ON public.approvals USING btree (expires_at) WHERE (status = 'pending'::text);
CREATE TRIGGER approvals_need_votes BEFORE UPDATE OF status ON public.approvals FOR EACH ROW WHEN (((new.status = 'continued'::text) AND (old.status <> 'continued'::text) AND ((new.required_count > 1) OR (new.approver_roles IS NOT NULL)))) EXECUTE FUNCTION approvals_need_votes();

CREATE TABLE artifacts (
  id uuid NOT NULL,
  name text NOT NULL,
  media_type text NOT NULL,
  bytes bigint NOT NULL,
  sha256 text NOT NULL,
  job_id bigint,
  step_id text,
  trace_id text,
  project_id text,
  created_by text NOT NULL,
  created_at timestamp with time zone DEFAULT now() NOT NULL,
  CONSTRAINT artifacts_pkey PRIMARY KEY (id)
);
CREATE INDEX artifacts_job ON public.artifacts USING btree (job_id) WHERE (job_id IS NOT NULL);

CREATE TABLE audit_logs (
  id bigint DEFAULT nextval('audit_logs_id_seq'::regclass) NOT NULL,
  actor text,
  action text,
  resource text,
  diff jsonb,
  created_at timestamp with time zone DEFAULT now(),
  outcome text DEFAULT 'allowed'::text NOT NULL,
  actor_user uuid,
  project_id text,
  trace_id text,
  ip text,
  CONSTRAINT audit_logs_pkey PRIMARY KEY (id)
);
CREATE INDEX audit_logs_actor ON public.audit_logs USING btree (actor, id DESC);
CREATE INDEX audit_logs_resource ON public.audit_logs USING btree (resource, id DESC);
CREATE INDEX audit_logs_trace ON public.audit_logs USING btree (trace_id) WHERE (trace_id IS NOT NULL);
CREATE TRIGGER audit_logs_no_change BEFORE DELETE OR UPDATE ON public.audit_logs FOR EACH ROW EXECUTE FUNCTION audit_logs_append_only();
CREATE TRIGGER audit_logs_no_truncate BEFORE TRUNCATE ON public.audit_logs FOR EACH STATEMENT EXECUTE FUNCTION audit_logs_append_only();
CREATE TRIGGER audit_logs_wait AFTER INSERT ON public.audit_logs FOR EACH ROW EXECUTE FUNCTION audit_logs_await_seal();

CREATE TABLE audit_seals (
  seq bigint NOT NULL,
  audit_id bigint NOT NULL,
  hash bytea NOT NULL,
  CONSTRAINT audit_seals_pkey PRIMARY KEY (seq),
  CONSTRAINT audit_seals_audit_id_key UNIQUE (audit_id),
  CONSTRAINT audit_seals_hash_check CHECK ((octet_length(hash) = 32))
);
CREATE TRIGGER audit_seals_no_change BEFORE DELETE OR UPDATE ON public.audit_seals FOR EACH ROW EXECUTE FUNCTION audit_seals_append_only();
CREATE TRIGGER audit_seals_no_truncate BEFORE TRUNCATE ON public.audit_seals FOR EACH STATEMENT EXECUTE FUNCTION audit_seals_append_only();

CREATE TABLE audit_unsealed (
  audit_id bigint NOT NULL,
  CONSTRAINT audit_unsealed_pkey PRIMARY KEY (audit_id)
);

CREATE TABLE blueprint_versions (
  blueprint_id uuid NOT NULL,
  version integer NOT NULL,
  content json NOT NULL,
  comment text DEFAULT ''::text NOT NULL,
  created_by text NOT NULL,
  created_at timestamp with time zone DEFAULT now() NOT NULL,
  CONSTRAINT blueprint_versions_pkey PRIMARY KEY (blueprint_id, version),
  CONSTRAINT blueprint_versions_blueprint_id_fkey FOREIGN KEY (blueprint_id) REFERENCES blueprints(id) ON DELETE CASCADE
);

CREATE TABLE blueprints (
  id uuid NOT NULL,
  version integer NOT NULL,
  project_id text NOT NULL,
  name text NOT NULL,
  created_by text NOT NULL,
  created_at timestamp with time zone DEFAULT now() NOT NULL,
  CONSTRAINT blueprints_pkey PRIMARY KEY (id),
  CONSTRAINT blueprints_name_key UNIQUE (project_id, name),
  CONSTRAINT blueprints_project_id_fkey FOREIGN KEY (project_id) REFERENCES projects(id)
);

CREATE TABLE config_versions (
  scope text NOT NULL,
  version integer NOT NULL,
  config jsonb NOT NULL,
  comment text DEFAULT ''::text NOT NULL,
  created_by text NOT NULL,
  created_at timestamp with time zone DEFAULT now() NOT NULL,
  CONSTRAINT config_versions_pkey PRIMARY KEY (scope, version)
);
CREATE TRIGGER config_wants_second_person BEFORE INSERT ON public.config_versions FOR EACH ROW WHEN ((new.scope = ANY (ARRAY['system'::text, 'policies'::text]))) EXECUTE FUNCTION config_wants_second_person();

CREATE TABLE conversations (
  id uuid NOT NULL,
  title text NOT NULL,
  project_id text,
  created_by text NOT NULL,
  created_by_user uuid,
  created_at timestamp with time zone DEFAULT now() NOT NULL,
  updated_at timestamp with time zone DEFAULT now() NOT NULL,
  version integer DEFAULT 1 NOT NULL,
  CONSTRAINT conversations_pkey PRIMARY KEY (id)
);
CREATE INDEX conversations_recent ON public.conversations USING btree (updated_at DESC, id);

CREATE TABLE event_inbox (
  consumer text NOT NULL,
  event_id bigint NOT NULL,
  handled_at timestamp with time zone DEFAULT now() NOT NULL,
  CONSTRAINT event_inbox_pkey PRIMARY KEY (consumer, event_id)
);

CREATE TABLE event_payloads (
  id uuid NOT NULL,
  payload jsonb NOT NULL,
  created_at timestamp with time zone DEFAULT now() NOT NULL,
  CONSTRAINT event_payloads_pkey PRIMARY KEY (id)
);
CREATE INDEX event_payloads_age ON public.event_payloads USING btree (created_at);

CREATE TABLE events (
  id bigint DEFAULT nextval('events_id_seq'::regclass) NOT NULL,
  trace_id text,
  topic text,
  type text NOT NULL,
  severity text,
  payload jsonb NOT NULL,
  created_at timestamp with time zone DEFAULT now() NOT NULL,
  seq bigint,
  job_id bigint,
  project_id text,
  actor text,
  summary text DEFAULT ''::text NOT NULL,
  links jsonb DEFAULT '[]'::jsonb NOT NULL,
  payload_ref uuid,
  CONSTRAINT events_pkey PRIMARY KEY (id, created_at)
) PARTITION BY RANGE (created_at);
CREATE INDEX events_seq ON ONLY public.events USING btree (seq) WHERE (seq IS NOT NULL);
CREATE INDEX events_trace ON ONLY public.events USING btree (trace_id, seq);
CREATE INDEX events_unstamped ON ONLY public.events USING btree (id) WHERE (seq IS NULL);

CREATE TABLE idempotency_keys (
  principal text NOT NULL,
  route text NOT NULL,
  key text NOT NULL,
  body_hash text NOT NULL,
  status integer,
  response jsonb,
  created_at timestamp with time zone DEFAULT now() NOT NULL,
  CONSTRAINT idempotency_keys_pkey PRIMARY KEY (principal, route, key)
);
CREATE INDEX idempotency_keys_age ON public.idempotency_keys USING btree (created_at);

CREATE TABLE identities (
  id uuid NOT NULL,
  user_id uuid NOT NULL,
  issuer text NOT NULL,
  subject text NOT NULL,
  provider text NOT NULL,
  email text,
  created_at timestamp with time zone DEFAULT now() NOT NULL,
  last_used_at timestamp with time zone,
  CONSTRAINT identities_pkey PRIMARY KEY (id),
  CONSTRAINT identities_issuer_subject_key UNIQUE (issuer, subject),
  CONSTRAINT identities_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(id) ON DELETE CASCADE,
  CONSTRAINT identities_user_id_issuer_key UNIQUE (user_id, issuer)
);

CREATE TABLE job_steps (
  job_id bigint NOT NULL,
  step_id text NOT NULL,
  position integer NOT NULL,
  tool text NOT NULL,
  needs text[] DEFAULT '{}'::text[] NOT NULL,
  approval text DEFAULT 'auto'::text NOT NULL,
  args jsonb DEFAULT '{}'::jsonb NOT NULL,
  state text DEFAULT 'pending'::text NOT NULL,
  attempts integer DEFAULT 0 NOT NULL,
  on_error text DEFAULT 'revise'::text NOT NULL,
  retries integer DEFAULT 1 NOT NULL,
  round integer DEFAULT 1 NOT NULL,
  result jsonb,
  error text,
  started_at timestamp with time zone,
  finished_at timestamp with time zone,
  error_said jsonb,
  CONSTRAINT job_steps_pkey PRIMARY KEY (job_id, step_id),
  CONSTRAINT job_steps_job_id_fkey FOREIGN KEY (job_id) REFERENCES jobs(id) ON DELETE CASCADE,
  CONSTRAINT job_steps_state_check CHECK ((state = ANY (ARRAY['pending'::text, 'running'::text, 'waiting'::text, 'done'::text, 'failed'::text, 'skipped'::text])))
);

CREATE TABLE jobs (
  id bigint DEFAULT nextval('jobs_id_seq'::regclass) NOT NULL,
  trace_id text,
  spec jsonb NOT NULL,
  status text DEFAULT 'queued'::text NOT NULL,
  priority integer DEFAULT 0 NOT NULL,
  scheduled_at timestamp with time zone,
  started_at timestamp with time zone,
  finished_at timestamp with time zone,
  error jsonb,
  kind text DEFAULT 'task'::text NOT NULL,
  run_at timestamp with time zone DEFAULT now() NOT NULL,
  attempts integer DEFAULT 0 NOT NULL,
  max_attempts integer DEFAULT 5 NOT NULL,
  lease_owner text,
  lease_until timestamp with time zone,
  claimed_at timestamp with time zone,
  active_ms bigint DEFAULT 0 NOT NULL,
  recovery jsonb,
  fence bigint DEFAULT 0 NOT NULL,
  cancel_requested_at timestamp with time zone,
  cancel_reason text,
  project_id text,
  agent_id bigint,
  conversation_id uuid,
  rerun_of bigint,
  rerun jsonb,
  trace_context text,
  progress jsonb,
  receipt jsonb,
  created_by text DEFAULT 'system'::text NOT NULL,
  created_by_user uuid,
  created_at timestamp with time zone DEFAULT now() NOT NULL,
  awaits_replica boolean DEFAULT false NOT NULL,
  CONSTRAINT jobs_pkey PRIMARY KEY (id),
  CONSTRAINT jobs_status_check CHECK ((status = ANY (ARRAY['scheduled'::text, 'queued'::text, 'running'::text, 'waiting'::text, 'succeeded'::text, 'failed'::text, 'cancelled'::text])))
);
CREATE INDEX jobs_agent ON public.jobs USING btree (agent_id, id DESC) WHERE (agent_id IS NOT NULL);
CREATE INDEX jobs_attention ON public.jobs USING btree (status, id DESC) WHERE (status = ANY (ARRAY['waiting'::text, 'failed'::text, 'cancelled'::text]));
CREATE INDEX jobs_awaiting_replica ON public.jobs USING btree (agent_id, ((started_at IS NULL)), priority DESC, run_at, id) WHERE (awaits_replica AND (status = 'queued'::text));
CREATE INDEX jobs_conversation ON public.jobs USING btree (conversation_id) WHERE (conversation_id IS NOT NULL);
CREATE INDEX jobs_lease ON public.jobs USING btree (lease_until) WHERE (status = 'running'::text);
CREATE INDEX jobs_next ON public.jobs USING btree (priority DESC, run_at, id) WHERE ((status = 'queued'::text) AND (NOT awaits_replica));
CREATE INDEX jobs_of_agent ON public.jobs USING btree (agent_id) WHERE ((agent_id IS NOT NULL) AND (status = ANY (ARRAY['queued'::text, 'running'::text])) AND (NOT awaits_replica));
CREATE INDEX jobs_project ON public.jobs USING btree (project_id, id DESC) WHERE (project_id IS NOT NULL);
CREATE INDEX jobs_scheduled ON public.jobs USING btree (run_at) WHERE (status = 'scheduled'::text);
CREATE INDEX jobs_waiting ON public.jobs USING btree (id) WHERE (status = 'waiting'::text);
CREATE UNIQUE INDEX jobs_trace ON public.jobs USING btree (trace_id) WHERE (trace_id IS NOT NULL);
CREATE TRIGGER jobs_let_next_go AFTER UPDATE ON public.jobs FOR EACH ROW WHEN (((old.agent_id IS NOT NULL) AND (old.status = ANY (ARRAY['queued'::text, 'running'::text])) AND (NOT old.awaits_replica) AND (new.status <> ALL (ARRAY['queued'::text, 'running'::text])))) EXECUTE FUNCTION let_next_go();

CREATE TABLE logs (
  id bigint DEFAULT nextval('logs_id_seq'::regclass) NOT NULL,
  created_at timestamp with time zone DEFAULT now() NOT NULL,
  level text NOT NULL,
  logger text NOT NULL,
  message text NOT NULL,
  trace_id text,
  span_id text,
  job_id bigint,
  agent_id bigint,
  attributes jsonb DEFAULT '{}'::jsonb NOT NULL,
  CONSTRAINT logs_pkey PRIMARY KEY (id, created_at)
) PARTITION BY RANGE (created_at);
CREATE INDEX logs_agent ON ONLY public.logs USING btree (agent_id, id DESC) WHERE (agent_id IS NOT NULL);
CREATE INDEX logs_created ON ONLY public.logs USING btree (created_at DESC, id DESC);
CREATE INDEX logs_job ON ONLY public.logs USING btree (job_id, created_at DESC, id DESC) WHERE (job_id IS NOT NULL);
CREATE INDEX logs_problems ON ONLY public.logs USING btree (created_at DESC, id DESC) WHERE (level = ANY (ARRAY['warn'::text, 'error'::text]));
CREATE INDEX logs_trace ON ONLY public.logs USING btree (trace_id, id) WHERE (trace_id IS NOT NULL);

CREATE TABLE mcp_lists (
  server text NOT NULL,
  kind text NOT NULL,
  items jsonb NOT NULL,
  read_at timestamp with time zone DEFAULT now() NOT NULL,
  CONSTRAINT mcp_lists_pkey PRIMARY KEY (server, kind),
  CONSTRAINT mcp_lists_kind_check CHECK ((kind = ANY (ARRAY['prompts'::text, 'resources'::text, 'resourceTemplates'::text]))),
  CONSTRAINT mcp_lists_server_fkey FOREIGN KEY (server) REFERENCES mcp_registry(name) ON DELETE CASCADE
);

CREATE TABLE mcp_registry (
  name text NOT NULL,
  base_url text NOT NULL,
  description text,
  capabilities jsonb NOT NULL,
  auth_token text,
  timeout_ms integer,
  created_at timestamp with time zone DEFAULT now(),
  updated_at timestamp with time zone DEFAULT now(),
  transport text DEFAULT 'http'::text NOT NULL,
  command text,
  args text[] DEFAULT '{}'::text[] NOT NULL,
  idempotent_tools text[] DEFAULT '{}'::text[] NOT NULL,
  use_prefix boolean DEFAULT true NOT NULL,
  is_enabled boolean DEFAULT true NOT NULL,
  agent_id bigint,
  health jsonb DEFAULT '{"state": "unknown"}'::jsonb NOT NULL,
  version integer DEFAULT 1 NOT NULL,
  limits jsonb DEFAULT '{}'::jsonb NOT NULL,
  auth jsonb,
  openapi jsonb,
  left_out jsonb DEFAULT '[]'::jsonb NOT NULL,
  is_launch_kept boolean DEFAULT false NOT NULL,
  CONSTRAINT mcp_registry_pkey PRIMARY KEY (name),
  CONSTRAINT mcp_registry_agent_id_fkey FOREIGN KEY (agent_id) REFERENCES agents(id),
  CONSTRAINT mcp_registry_transport_check CHECK ((transport = ANY (ARRAY['http'::text, 'sse'::text, 'stdio'::text, 'builtin'::text, 'agent'::text, 'openapi'::text])))
);
CREATE TRIGGER servers_changed_want_second_person AFTER UPDATE OF base_url, description, capabilities, auth_token, timeout_ms, transport, command, args, idempotent_tools, use_prefix, is_enabled, agent_id, limits, auth, openapi, is_launch_kept, created_at, name ON public.mcp_registry FOR EACH ROW WHEN (((((((((((((((((((
        CASE
            WHEN (new.transport <> 'builtin'::text) THEN new.base_url
            ELSE NULL::text
        END IS DISTINCT FROM
        CASE
            WHEN (old.transport <> 'builtin'::text) THEN old.base_url
            ELSE NULL::text
        END) OR (new.description IS DISTINCT FROM old.description)) OR (new.capabilities IS DISTINCT FROM old.capabilities)) OR (new.auth_token IS DISTINCT FROM old.auth_token)) OR (new.timeout_ms IS DISTINCT FROM old.timeout_ms)) OR (new.transport IS DISTINCT FROM old.transport)) OR (new.command IS DISTINCT FROM old.command)) OR (new.args IS DISTINCT FROM old.args)) OR (new.idempotent_tools IS DISTINCT FROM old.idempotent_tools)) OR (new.use_prefix IS DISTINCT FROM old.use_prefix)) OR (new.is_enabled IS DISTINCT FROM old.is_enabled)) OR (new.agent_id IS DISTINCT FROM old.agent_id)) OR (new.limits IS DISTINCT FROM old.limits)) OR (new.auth IS DISTINCT FROM old.auth)) OR (new.openapi IS DISTINCT FROM old.openapi)) OR (new.is_launch_kept IS DISTINCT FROM old.is_launch_kept)) OR (new.created_at IS DISTINCT FROM old.created_at)) OR (new.name IS DISTINCT FROM old.name))) EXECUTE FUNCTION servers_want_second_person();
CREATE TRIGGER servers_made_want_second_person AFTER INSERT ON public.mcp_registry FOR EACH ROW WHEN ((new.transport <> 'builtin'::text)) EXECUTE FUNCTION servers_want_second_person();
CREATE TRIGGER servers_removed_want_second_person AFTER DELETE ON public.mcp_registry FOR EACH ROW EXECUTE FUNCTION servers_want_second_person();

CREATE TABLE mcp_tools (
  server text NOT NULL,
  name text NOT NULL,
  definition jsonb NOT NULL,
  definition_hash text NOT NULL,
  is_idempotent boolean DEFAULT false NOT NULL,
  is_read_only boolean DEFAULT false NOT NULL,
  is_gone boolean DEFAULT false NOT NULL,
  seen_at timestamp with time zone DEFAULT now() NOT NULL,
  pin_state text DEFAULT 'pinned'::text NOT NULL,
  seen_definition jsonb,
  seen_hash text,
  hidden_text jsonb DEFAULT '[]'::jsonb NOT NULL,
  pin_changed_at timestamp with time zone,
  pinned_by text,
  told json,
  told_hash text,
  CONSTRAINT mcp_tools_pkey PRIMARY KEY (server, name),
  CONSTRAINT mcp_tools_pin_state_check CHECK ((pin_state = ANY (ARRAY['pinned'::text, 'changed'::text, 'quarantined'::text]))),
  CONSTRAINT mcp_tools_server_fkey FOREIGN KEY (server) REFERENCES mcp_registry(name) ON DELETE CASCADE
);
CREATE INDEX mcp_tools_waiting ON public.mcp_tools USING btree (server, name) WHERE (pin_state <> 'pinned'::text);
CREATE TRIGGER new_tools_want_second_person BEFORE INSERT ON public.mcp_tools FOR EACH ROW WHEN ((new.pin_state <> 'quarantined'::text)) EXECUTE FUNCTION new_tools_want_second_person();
CREATE TRIGGER tools_want_second_person AFTER UPDATE ON public.mcp_tools FOR EACH ROW EXECUTE FUNCTION tools_want_second_person();

CREATE TABLE mcp_used_states (
  id uuid NOT NULL,
  expires_at timestamp with time zone NOT NULL,
  CONSTRAINT mcp_used_states_pkey PRIMARY KEY (id)
);
CREATE INDEX mcp_used_states_expiry ON public.mcp_used_states USING btree (expires_at);

CREATE TABLE mem_embeddings (
  id bigint DEFAULT nextval('mem_embeddings_id_seq'::regclass) NOT NULL,
  subject text,
  project_id text,
  meta jsonb,
  updated_at timestamp with time zone DEFAULT now(),
  kind text DEFAULT 'fact'::text NOT NULL,
  text text DEFAULT ''::text NOT NULL,
  version integer DEFAULT 1 NOT NULL,
  created_by text DEFAULT 'system'::text NOT NULL,
  created_at timestamp with time zone DEFAULT now() NOT NULL,
  embedded_version integer DEFAULT 0 NOT NULL,
  embedded_by text DEFAULT ''::text NOT NULL,
  embedding_claimed_until timestamp with time zone,
  embedding vector(1536),
  CONSTRAINT mem_embeddings_pkey PRIMARY KEY (id)
);
CREATE INDEX mem_embeddings_by ON public.mem_embeddings USING btree (embedded_by);
CREATE INDEX mem_embeddings_changed ON public.mem_embeddings USING btree (id) WHERE (embedded_version <> version);
CREATE INDEX mem_embeddings_grams ON public.mem_embeddings USING gin (memory_grams(((COALESCE(subject, ''::text) || ' '::text) || text)));
CREATE INDEX mem_embeddings_project ON public.mem_embeddings USING btree (project_id, id);

CREATE TABLE messages (
  id uuid NOT NULL,
  conversation_id uuid NOT NULL,
  role text NOT NULL,
  author text NOT NULL,
  text text NOT NULL,
  job_id bigint,
  trace_id text,
  created_at timestamp with time zone DEFAULT now() NOT NULL,
  said jsonb,
  CONSTRAINT messages_pkey PRIMARY KEY (id),
  CONSTRAINT messages_conversation_id_fkey FOREIGN KEY (conversation_id) REFERENCES conversations(id) ON DELETE CASCADE,
  CONSTRAINT messages_role_check CHECK ((role = ANY (ARRAY['user'::text, 'assistant'::text])))
);
CREATE INDEX messages_conversation ON public.messages USING btree (conversation_id, created_at, id);

CREATE TABLE metric_samples (
  at timestamp with time zone NOT NULL,
  step_s smallint NOT NULL,
  process text NOT NULL,
  roles text NOT NULL,
  cpu_percent real NOT NULL,
  rss_bytes bigint NOT NULL,
  heap_bytes bigint NOT NULL,
  loop_mean_ms real NOT NULL,
  loop_p99_ms real NOT NULL,
  clients integer NOT NULL,
  queued integer NOT NULL,
  running integer NOT NULL,
  waiting integer NOT NULL,
  scheduled integer NOT NULL,
  relay_lag_ms real NOT NULL,
  events integer NOT NULL,
  requests integer NOT NULL,
  request_errors integer NOT NULL,
  jobs_succeeded integer NOT NULL,
  jobs_failed integer NOT NULL,
  jobs_cancelled integer NOT NULL,
  calls_succeeded integer NOT NULL,
  calls_failed integer NOT NULL,
  job_ms jsonb NOT NULL,
  call_ms jsonb NOT NULL,
  CONSTRAINT metric_samples_pkey PRIMARY KEY (step_s, at, process)
) PARTITION BY RANGE (at);

CREATE TABLE olap_copies (
  source text NOT NULL,
  position bigint DEFAULT 0 NOT NULL,
  copied_at timestamp with time zone,
  lost bigint DEFAULT 0 NOT NULL,
  CONSTRAINT olap_copies_pkey PRIMARY KEY (source)
);

CREATE TABLE olap_lease (
  id smallint DEFAULT 1 NOT NULL,
  owner text DEFAULT ''::text NOT NULL,
  lease_until timestamp with time zone DEFAULT '-infinity'::timestamp with time zone NOT NULL,
  CONSTRAINT olap_lease_pkey PRIMARY KEY (id),
  CONSTRAINT olap_lease_id_check CHECK ((id = 1))
);

CREATE TABLE project_vars (
  id bigint DEFAULT nextval('project_vars_id_seq'::regclass) NOT NULL,
  project_id text,
  name text,
  scope text,
  usage text,
  secret_ref text,
  last_rotated timestamp with time zone,
  audit_ref text,
  value jsonb,
  version integer DEFAULT 1 NOT NULL,
  updated_at timestamp with time zone DEFAULT now() NOT NULL,
  CONSTRAINT project_vars_pkey PRIMARY KEY (id),
  CONSTRAINT project_vars_project_id_name_key UNIQUE NULLS NOT DISTINCT (project_id, name)
);

CREATE TABLE projects (
  id text NOT NULL,
  name text NOT NULL,
  description text DEFAULT ''::text NOT NULL,
  version integer DEFAULT 1 NOT NULL,
  created_by text NOT NULL,
  created_at timestamp with time zone DEFAULT now() NOT NULL,
  archived_at timestamp with time zone,
  CONSTRAINT projects_pkey PRIMARY KEY (id)
);

CREATE TABLE proposals (
  id uuid NOT NULL,
  kind text NOT NULL,
  action text NOT NULL,
  target text NOT NULL,
  project_id text,
  base integer,
  before jsonb,
  after jsonb,
  comment text DEFAULT ''::text NOT NULL,
  trace_id text NOT NULL,
  proposed_by text NOT NULL,
  proposed_by_user uuid,
  proposed_by_name text NOT NULL,
  created_at timestamp with time zone DEFAULT now() NOT NULL,
  expires_at timestamp with time zone NOT NULL,
  status text DEFAULT 'pending'::text NOT NULL,
  decided_by text,
  decided_by_user uuid,
  decided_by_name text,
  decided_at timestamp with time zone,
  decision_comment text,
  is_break_glass boolean DEFAULT false NOT NULL,
  applied_in xid8,
  CONSTRAINT proposals_pkey PRIMARY KEY (id),
  CONSTRAINT proposals_kind_check CHECK ((kind = ANY (ARRAY['settings'::text, 'policies'::text, 'roles'::text, 'secrets'::text, 'servers'::text]))) NOT VALID,
  CONSTRAINT proposals_second_person CHECK (((status <> 'applied'::text) OR is_break_glass OR ((decided_by_user IS NOT NULL) AND (decided_by_user IS DISTINCT FROM proposed_by_user)))),
  CONSTRAINT proposals_status_check CHECK ((status = ANY (ARRAY['pending'::text, 'applied'::text, 'refused'::text, 'withdrawn'::text])))
);
CREATE INDEX proposals_applied ON public.proposals USING btree (applied_in) WHERE (applied_in IS NOT NULL);
CREATE INDEX proposals_waiting ON public.proposals USING btree (id) WHERE (status = 'pending'::text);
CREATE CONSTRAINT TRIGGER decided_secrets_are_forgotten AFTER UPDATE ON public.proposals DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (((new.kind = 'secrets'::text) AND (new.status <> 'pending'::text))) EXECUTE FUNCTION forget_proposed_secret();

CREATE TABLE proposed_secrets (
  proposal_id uuid NOT NULL,
  ciphertext bytea NOT NULL,
  wrapped_key bytea NOT NULL,
  key_id text NOT NULL,
  CONSTRAINT proposed_secrets_pkey PRIMARY KEY (proposal_id),
  CONSTRAINT proposed_secrets_proposal_id_fkey FOREIGN KEY (proposal_id) REFERENCES proposals(id) ON DELETE CASCADE
);

CREATE TABLE proposed_services (
  proposal_id uuid NOT NULL,
  service jsonb NOT NULL,
  CONSTRAINT proposed_services_pkey PRIMARY KEY (proposal_id),
  CONSTRAINT proposed_services_proposal_id_fkey FOREIGN KEY (proposal_id) REFERENCES proposals(id) ON DELETE CASCADE
);

CREATE TABLE rate_buckets (
  key text NOT NULL,
  full_at_ms double precision NOT NULL,
  taken integer NOT NULL,
  CONSTRAINT rate_buckets_pkey PRIMARY KEY (key)
);

CREATE TABLE rate_limits (
  key character varying(255) NOT NULL,
  points integer DEFAULT 0 NOT NULL,
  expire bigint,
  CONSTRAINT rate_limits_pkey PRIMARY KEY (key)
);

CREATE TABLE recovery_codes (
  user_id uuid NOT NULL,
  code_hash bytea NOT NULL,
  used_at timestamp with time zone,
  CONSTRAINT recovery_codes_pkey PRIMARY KEY (user_id, code_hash),
  CONSTRAINT recovery_codes_user_id_fkey FOREIGN KEY (user_id) REFERENCES second_factors(user_id) ON DELETE CASCADE
);

CREATE TABLE relay_alive (
  id integer NOT NULL,
  CONSTRAINT relay_alive_pkey PRIMARY KEY (id),
  CONSTRAINT relay_alive_id_check CHECK ((id = 1))
);

CREATE TABLE relay_state (
  id integer NOT NULL,
  last_seq bigint DEFAULT 0 NOT NULL,
  reserved_seq bigint DEFAULT 0 NOT NULL,
  epoch uuid DEFAULT gen_random_uuid() NOT NULL,
  CONSTRAINT relay_state_pkey PRIMARY KEY (id),
  CONSTRAINT relay_state_id_check CHECK ((id = 1))
);

CREATE TABLE role_bindings (
  id uuid NOT NULL,
  user_id uuid NOT NULL,
  role text NOT NULL,
  project_id text,
  created_by text NOT NULL,
  created_at timestamp with time zone DEFAULT now() NOT NULL,
  CONSTRAINT role_bindings_pkey PRIMARY KEY (id),
  CONSTRAINT role_bindings_role_fkey FOREIGN KEY (role) REFERENCES roles(name),
  CONSTRAINT role_bindings_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(id) ON DELETE CASCADE,
  CONSTRAINT role_bindings_user_id_role_project_id_key UNIQUE NULLS NOT DISTINCT (user_id, role, project_id)
);
CREATE TRIGGER bindings_want_second_person AFTER INSERT OR DELETE OR UPDATE ON public.role_bindings FOR EACH ROW EXECUTE FUNCTION roles_want_second_person();

CREATE TABLE roles (
  name text NOT NULL,
  description text DEFAULT ''::text NOT NULL,
  permissions text[] NOT NULL,
  is_builtin boolean DEFAULT false NOT NULL,
  created_at timestamp with time zone DEFAULT now() NOT NULL,
  version integer DEFAULT 1 NOT NULL,
  CONSTRAINT roles_pkey PRIMARY KEY (name)
);
CREATE TRIGGER roles_changed_want_second_person AFTER UPDATE ON public.roles FOR EACH ROW WHEN ((NOT new.is_builtin)) EXECUTE FUNCTION roles_want_second_person();
CREATE TRIGGER roles_deleted_want_second_person AFTER DELETE ON public.roles FOR EACH ROW EXECUTE FUNCTION roles_want_second_person();
CREATE TRIGGER roles_made_want_second_person AFTER INSERT ON public.roles FOR EACH ROW WHEN ((NOT new.is_builtin)) EXECUTE FUNCTION roles_want_second_person();

CREATE TABLE sandbox_scripts (
  id uuid NOT NULL,
  name text NOT NULL,
  entry_file text NOT NULL,
  description text,
  schedule_ms bigint,
  env jsonb,
  created_at timestamp with time zone DEFAULT now(),
  updated_at timestamp with time zone DEFAULT now(),
  CONSTRAINT sandbox_scripts_pkey PRIMARY KEY (id)
);

CREATE TABLE saved_views (
  id uuid NOT NULL,
  user_id uuid NOT NULL,
  room text NOT NULL,
  name text NOT NULL,
  query jsonb NOT NULL,
  created_at timestamp with time zone DEFAULT now() NOT NULL,
  CONSTRAINT saved_views_pkey PRIMARY KEY (id),
  CONSTRAINT saved_views_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(id) ON DELETE CASCADE,
  CONSTRAINT saved_views_user_id_room_name_key UNIQUE (user_id, room, name)
);

CREATE TABLE schema_migrations (
  id integer DEFAULT nextval('schema_migrations_id_seq'::regclass) NOT NULL,
  timestamp bigint NOT NULL,
  name character varying NOT NULL,
  CONSTRAINT PK_62441bec32630ced9e4cccae336 PRIMARY KEY (id)
);

CREATE TABLE second_factors (
  user_id uuid NOT NULL,
  ciphertext bytea NOT NULL,
  key_id text NOT NULL,
  confirmed_at timestamp with time zone,
  last_step bigint DEFAULT 0 NOT NULL,
  failures integer DEFAULT 0 NOT NULL,
  paused_until timestamp with time zone,
  created_at timestamp with time zone DEFAULT now() NOT NULL,
  CONSTRAINT second_factors_pkey PRIMARY KEY (user_id),
  CONSTRAINT second_factors_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(id) ON DELETE CASCADE
);

CREATE TABLE secret_names (
  name text NOT NULL,
  project_id text,
  purpose text DEFAULT ''::text NOT NULL,
  created_by text NOT NULL,
  created_at timestamp with time zone DEFAULT now() NOT NULL,
  CONSTRAINT secret_names_project_id_fkey FOREIGN KEY (project_id) REFERENCES projects(id) ON DELETE CASCADE,
  CONSTRAINT secret_names_project_id_name_key UNIQUE NULLS NOT DISTINCT (project_id, name)
);

CREATE TABLE secrets (
  id uuid NOT NULL,
  name text NOT NULL,
  project_id text,
  purpose text DEFAULT ''::text NOT NULL,
  version integer DEFAULT 1 NOT NULL,
  ciphertext bytea NOT NULL,
  wrapped_key bytea NOT NULL,
  key_id text NOT NULL,
  created_by text NOT NULL,
  created_at timestamp with time zone DEFAULT now() NOT NULL,
  last_rotated timestamp with time zone DEFAULT now() NOT NULL,
  last_used_at timestamp with time zone,
  CONSTRAINT secrets_pkey PRIMARY KEY (id),
  CONSTRAINT secrets_project_id_name_key UNIQUE NULLS NOT DISTINCT (project_id, name)
);
CREATE TRIGGER secrets_changed_want_second_person AFTER UPDATE OF id, name, project_id, version, ciphertext, wrapped_key, key_id ON public.secrets FOR EACH ROW EXECUTE FUNCTION secrets_want_second_person();
CREATE TRIGGER secrets_made_want_second_person AFTER INSERT OR DELETE ON public.secrets FOR EACH ROW EXECUTE FUNCTION secrets_want_second_person();

CREATE TABLE sessions (
  id uuid NOT NULL,
  user_id uuid NOT NULL,
  token_hash bytea NOT NULL,
  csrf_token text NOT NULL,
  ip text,
  user_agent text,
  created_at timestamp with time zone DEFAULT now() NOT NULL,
  last_seen_at timestamp with time zone DEFAULT now() NOT NULL,
  expires_at timestamp with time zone NOT NULL,
  revoked_at timestamp with time zone,
  second_factor text,
  identity_id uuid,
  provider text,
  provider_ends boolean,
  CONSTRAINT sessions_pkey PRIMARY KEY (id),
  CONSTRAINT sessions_second_factor_check CHECK ((second_factor = ANY (ARRAY['app'::text, 'recovery'::text, 'provider'::text]))) NOT VALID,
  CONSTRAINT sessions_token_hash_key UNIQUE (token_hash),
  CONSTRAINT sessions_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(id) ON DELETE CASCADE
);
CREATE INDEX sessions_expiry ON public.sessions USING btree (expires_at);
CREATE INDEX sessions_user ON public.sessions USING btree (user_id);
CREATE TRIGGER sessions_need_second_factor BEFORE INSERT ON public.sessions FOR EACH ROW WHEN ((new.second_factor IS NULL)) EXECUTE FUNCTION sessions_need_second_factor();

CREATE TABLE sign_in_flows (
  token_hash bytea NOT NULL,
  provider text NOT NULL,
  redirect_uri text NOT NULL,
  return_to text NOT NULL,
  connects uuid,
  session_id uuid,
  waits_for uuid,
  ends_session boolean DEFAULT false NOT NULL,
  expires_at timestamp with time zone NOT NULL,
  CONSTRAINT sign_in_flows_pkey PRIMARY KEY (token_hash),
  CONSTRAINT sign_in_flows_connects_fkey FOREIGN KEY (connects) REFERENCES users(id) ON DELETE CASCADE,
  CONSTRAINT sign_in_flows_waits_for_fkey FOREIGN KEY (waits_for) REFERENCES identities(id) ON DELETE CASCADE
);
CREATE INDEX sign_in_flows_over ON public.sign_in_flows USING btree (expires_at);

CREATE TABLE spans (
  trace_id text NOT NULL,
  span_id text NOT NULL,
  parent_span_id text,
  name text NOT NULL,
  kind text NOT NULL,
  started_at timestamp with time zone NOT NULL,
  duration_us bigint NOT NULL,
  status text DEFAULT 'unset'::text NOT NULL,
  status_message text,
  attributes jsonb DEFAULT '{}'::jsonb NOT NULL,
  events jsonb DEFAULT '[]'::jsonb NOT NULL,
  id bigint DEFAULT nextval('spans_id_seq'::regclass)
) PARTITION BY RANGE (started_at);
CREATE INDEX spans_errors ON ONLY public.spans USING btree (trace_id) WHERE (status = 'error'::text);
CREATE INDEX spans_id ON ONLY public.spans USING btree (id) WHERE (id IS NOT NULL);
CREATE INDEX spans_started ON ONLY public.spans USING btree (started_at DESC);
CREATE INDEX spans_trace ON ONLY public.spans USING btree (trace_id, started_at);

CREATE TABLE tool_calls (
  id uuid NOT NULL,
  created_at timestamp with time zone NOT NULL,
  idempotency_key text NOT NULL,
  job_id bigint,
  trace_id text NOT NULL,
  step_id text,
  attempt integer DEFAULT 1 NOT NULL,
  fence bigint,
  server text NOT NULL,
  tool text NOT NULL,
  args jsonb NOT NULL,
  args_hash text NOT NULL,
  status text NOT NULL,
  result jsonb,
  error text,
  error_kind text,
  error_fingerprint text,
  actor text NOT NULL,
  project_id text,
  span_id text,
  started_at timestamp with time zone DEFAULT now() NOT NULL,
  finished_at timestamp with time zone,
  error_said jsonb,
  CONSTRAINT tool_calls_pkey PRIMARY KEY (created_at, idempotency_key),
  CONSTRAINT tool_calls_status_check CHECK ((status = ANY (ARRAY['started'::text, 'succeeded'::text, 'failed'::text, 'unknown'::text])))
) PARTITION BY RANGE (created_at);
CREATE INDEX tool_calls_job ON ONLY public.tool_calls USING btree (job_id, started_at);
CREATE INDEX tool_calls_tool ON ONLY public.tool_calls USING btree (server, tool, started_at DESC);

CREATE TABLE traces (
  trace_id text NOT NULL,
  status text,
  cost_cny numeric,
  latency_ms integer,
  started_at timestamp with time zone,
  finished_at timestamp with time zone,
  job_id bigint,
  project_id text,
  name text DEFAULT ''::text NOT NULL,
  input_tokens bigint DEFAULT 0 NOT NULL,
  output_tokens bigint DEFAULT 0 NOT NULL,
  CONSTRAINT traces_pkey PRIMARY KEY (trace_id)
);
CREATE INDEX traces_project ON public.traces USING btree (project_id, started_at DESC, trace_id DESC) WHERE (project_id IS NOT NULL);
CREATE INDEX traces_started ON public.traces USING btree (started_at DESC, trace_id);

CREATE TABLE user_profiles (
  user_id uuid NOT NULL,
  profile jsonb NOT NULL,
  version integer DEFAULT 1 NOT NULL,
  updated_at timestamp with time zone DEFAULT now() NOT NULL,
  CONSTRAINT user_profiles_pkey PRIMARY KEY (user_id),
  CONSTRAINT user_profiles_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(id) ON DELETE CASCADE
);

CREATE TABLE users (
  id uuid NOT NULL,
  email text NOT NULL,
  name text NOT NULL,
  password_hash text,
  is_disabled boolean DEFAULT false NOT NULL,
  created_at timestamp with time zone DEFAULT now() NOT NULL,
  CONSTRAINT users_pkey PRIMARY KEY (id)
);
CREATE UNIQUE INDEX users_email ON public.users USING btree (lower(email));
