import { Injectable } from '@nestjs/common';
import { type TopologyRange, type Topology, topologyKinds } from '@aos/contracts';
import { Database } from '../../platform/database/database.js';
import { type Ctx, allowedProjects } from '../../platform/http/context.js';
import { rangeMs } from './metrics.queries.js';

/** The newest spans of the range; a busy day has more than a picture needs. */
const MOST_SPANS = 20_000;
const MOST_EDGES = 300;

type Kind = (typeof topologyKinds)[number];

/** What stands for a span in the picture: all HTTP routes are one place, so are all statements. */
const PLACE = `CASE s.kind
    WHEN 'http' THEN 'api' WHEN 'database' THEN 'database' WHEN 'job' THEN 'job'
    WHEN 'node' THEN 'node:' || s.name
    WHEN 'tool' THEN 'server:' || split_part(substr(s.name, 6), '.', 1)
    WHEN 'model' THEN 'model:' || coalesce(s.attributes->>'gen_ai.request.model', substr(s.name, 7))
  END`;

@Injectable()
export class TopologyQueries {
  constructor(private readonly database: Database) {}

  async topology(ctx: Ctx, range: TopologyRange, at = Date.now()): Promise<Topology> {
    const from = new Date(at - rangeMs(range)).toISOString();
    const to = new Date(at).toISOString();
    const allowed = allowedProjects(ctx.actor, 'monitor.read');
    const rows = await this.database.query<EdgeRow>(topologySql, [
      from,
      to,
      allowed === 'all' ? null : allowed,
    ]);
    const spans = Number(rows[0]?.spans ?? 0);
    const traffic = rows.flatMap(({ parent, place, calls, errors, p95 }) =>
      place === null
        ? []
        : [{ parent, place, calls: Number(calls), errors: Number(errors), p95Ms: Math.round(p95) }],
    );
    return {
      range,
      from,
      to,
      spans,
      truncated: spans >= MOST_SPANS,
      nodes: traffic
        .filter(({ parent }) => parent === TOTAL)
        .map(({ place, calls, errors, p95Ms }) => ({
          id: place,
          ...kindAndName(place),
          calls,
          errors,
          p95Ms,
        })),
      edges: traffic
        .filter(({ parent }) => parent !== TOTAL && parent !== null)
        .map(({ parent, place, calls, errors, p95Ms }) => ({
          from: parent!,
          to: place,
          calls,
          errors,
          p95Ms,
        })),
    };
  }
}

interface EdgeRow {
  parent: string | null;
  place: string | null;
  calls: string;
  errors: string;
  p95: number;
  spans: string;
}

const TOTAL = '*';

function kindAndName(place: string): { kind: Kind; name: string } {
  const at = place.indexOf(':');
  const kind = at < 0 ? place : place.slice(0, at);
  return {
    kind: topologyKinds.find((known) => known === kind) ?? 'node',
    name: at < 0 ? place : place.slice(at + 1),
  };
}

/**
 * A span within its own place (a statement inside a transaction) is the same call seen twice: it counts for the
 * place, and makes no edge. Internal spans have no place, and a database calls nobody (a job that was started inside a
 * transaction belongs to who opened it): their children hang on the parent's parent.
 */
const topologySql = `
  WITH s AS MATERIALIZED (
    SELECT s.trace_id, s.span_id, s.parent_span_id, s.duration_us, s.status, ${PLACE} AS place
      FROM spans s LEFT JOIN traces t ON $3::text[] IS NOT NULL AND t.trace_id = s.trace_id
     WHERE s.started_at >= $1 AND s.started_at < $2
       AND ($3::text[] IS NULL OR t.project_id = ANY ($3))
     ORDER BY s.started_at DESC LIMIT ${MOST_SPANS}),
  linked AS (
    SELECT c.place, c.duration_us, c.status,
           CASE WHEN p.place IS NULL OR (p.place = 'database' AND c.place <> 'database') THEN g.place
                ELSE p.place END AS parent
      FROM s AS c
      LEFT JOIN s AS p ON p.trace_id = c.trace_id AND p.span_id = c.parent_span_id
      LEFT JOIN s AS g ON g.trace_id = p.trace_id AND g.span_id = p.parent_span_id
     WHERE c.place IS NOT NULL),
  grouped AS (
    SELECT CASE WHEN grouping(parent) = 1 THEN '${TOTAL}' ELSE parent END AS parent, place,
           count(*) AS calls, count(*) FILTER (WHERE status = 'error') AS errors,
           percentile_cont(0.95) WITHIN GROUP (ORDER BY duration_us) / 1000 AS p95
      FROM linked
     GROUP BY GROUPING SETS ((place), (parent, place)))
  SELECT g.*, (SELECT count(*) FROM s) AS spans
    FROM (SELECT 1) AS one LEFT JOIN
         (SELECT * FROM grouped WHERE parent IS DISTINCT FROM place ORDER BY parent = '${TOTAL}' DESC NULLS LAST, calls DESC LIMIT ${MOST_EDGES}) AS g ON true`;
