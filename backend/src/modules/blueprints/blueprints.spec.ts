import {
  type Blueprint,
  type BlueprintDifference,
  type BlueprintSummary,
  type BlueprintVersion,
  type BlueprintVersionSummary,
  type Job,
  type Page,
  type RunAccepted,
  say,
} from '@aos/contracts';
import { randomUUID } from 'node:crypto';
import { BlueprintVersions } from './blueprint-versions.js';
import { type RunBench, openRunBench, step } from '../../../test/factories/runs.js';
import type { SignedIn } from '../../../test/http-app.js';

const all = '/projects/birds/blueprints';
let bench: RunBench;
let operator: SignedIn;
let viewer: SignedIn;
let stranger: SignedIn;
let sales: string;
beforeAll(async () => {
  bench = await openRunBench();
  bench.worker();
  await bench.database.query(
    `INSERT INTO projects (id, name, created_by) VALUES ('birds', 'Birds', 'test'), ('fish', 'Fish', 'test')`,
  );
  await bench.database.query(
    `INSERT INTO project_vars (project_id, name, value) VALUES ('birds', 'limit', '7')`,
  );
  operator = await bench.signIn('operator', 'birds');
  viewer = await bench.signIn('viewer', 'birds');
  // Of another project, so that it is not the guard before the routes that refuses.
  await bench.database.query(
    `INSERT INTO role_bindings (id, user_id, role, project_id, created_by) VALUES ($1, $2, 'operator', 'fish', 'test')`,
    [randomUUID(), viewer.userId],
  );
  stranger = await bench.signIn('operator', 'fish');
  sales = await bench.upload('sales.csv', 'a,b\n1,2\n');
  // Of the project, so that its operator may give it.
  await bench.database.query(`UPDATE artifacts SET project_id = 'birds' WHERE id = $1`, [sales]);
}, 120_000);
afterAll(() => bench.close());
beforeEach(() => bench.probe.reset());

const draft = (overrides: object = {}) => ({
  name: `Monthly ${randomUUID().slice(0, 8)}`,
  inputs: [{ name: 'sales', mediaType: 'text/csv' }],
  steps: [step('read', { any: '${inputs.sales}' }), step('tell', { any: '${steps.read.any}' })],
  ...overrides,
});
const create = (body: object = draft(), as = operator, headers = {}) =>
  bench.call<Blueprint>(all, { method: 'POST', as, body, headers });
const made = async (overrides: object = {}) => {
  const answer = await create(draft(overrides));
  if (answer.status !== 201) throw new Error(answer.text);
  return answer.body;
};
const write = <T = Blueprint>(
  method: string,
  path: string,
  version: number | null,
  body?: object,
  as = operator,
) =>
  bench.call<T>(`${all}/${path}`, {
    method,
    as,
    ...(body === undefined ? {} : { body }),
    headers: version === null ? {} : { 'if-match': `"${version}"` },
  });
const read = <T>(path: string, as = operator) => bench.call<T>(`${all}/${path}`, { as });
const run = (path: string, body: object, as = operator) =>
  bench.call<RunAccepted>(`${all}/${path}/run`, { method: 'POST', as, body });
const told = (id: string) =>
  bench.database.query<{ action: string; diff: Record<string, unknown> }>(
    `SELECT action, diff, project_id FROM audit_logs WHERE resource = $1 ORDER BY id`,
    [`blueprint:${id}`],
  );
const eventsOf = (id: string) =>
  bench.database.query<{ said: unknown[] }>(
    `SELECT e.payload->'said' AS said FROM events e
      WHERE e.type = 'config.changed' AND e.project_id = 'birds' AND e.payload->>'blueprintId' = $1 ORDER BY e.id`,
    [id],
  );
const faultsOf = (answer: { body: unknown }) =>
  ((answer.body as { errors?: { path: string; said?: { code: string } }[] }).errors ?? []).map(
    ({ path, said }) => [path, said?.code],
  );

describe('a blueprint that is made', () => {
  it('is kept with its order, its audit row and an event, once', async () => {
    const steps = [step('read', { text: '${vars.limit}', any: { z: 1, a: 2 } })];
    const body = draft({
      steps,
      inputs: [],
      description: 'What is done each month',
      comment: 'First',
    });
    const headers = { 'idempotency-key': randomUUID() };
    const first = await create(body, operator, headers);
    const again = await create(body, operator, headers);
    expect([first.status, first.headers.get('etag'), again.body.id]).toEqual([
      201,
      '"1"',
      first.body.id,
    ]);
    const { id } = first.body;
    const got = await read<Blueprint>(id);
    expect(got.headers.get('etag')).toBe('"1"');
    expect(got.body).toEqual({
      ...{ id, projectId: 'birds', version: 1, name: body.name, env: [], inputs: [] },
      ...{ description: 'What is done each month', steps, faults: [] },
      ...{ createdBy: 'operator', updatedBy: 'operator' },
      createdAt: expect.any(String),
      updatedAt: expect.any(String),
    });
    expect(Object.keys(got.body.steps[0]!.args['any'] as object)).toEqual(['z', 'a']);
    expect((await read<Blueprint>(encodeURIComponent(body.name))).body.id).toBe(id);
    expect(await told(id)).toEqual([
      {
        action: 'blueprint.create',
        project_id: 'birds',
        diff: { before: null, after: expect.objectContaining({ name: body.name, steps }) },
      },
    ]);
    expect(await eventsOf(id)).toEqual([
      { said: [say('blueprint-made', { who: 'operator', blueprint: body.name })] },
    ]);
    const twin = await create({ ...body, comment: '' });
    expect([twin.status, twin.text]).toEqual([409, expect.stringContaining('already_exists')]);
  });

  it('is refused with every fault of it, and nothing is kept', async () => {
    const name = `Faulty ${randomUUID()}`;
    const answer = await create({
      name,
      inputs: [{ name: 'sales' }, { name: 'sales' }],
      steps: [
        step('a', { n: 'many', text: '${inputs.sails}' }, { needs: ['b', 'nobody'] }),
        step('b', { text: '${steps.a.x} ${secret.KEY}' }),
      ],
    });
    expect(answer.status).toBe(422);
    expect(faultsOf(answer).map(([path]) => path)).toEqual(
      expect.arrayContaining([
        'inputs.1.name',
        'steps.0.needs',
        'steps.0.args.text',
        'steps.0.args.n',
        'steps.1.args.text',
        'steps', // the circle
      ]),
    );
    expect((await read(encodeURIComponent(name))).status).toBe(404);
    for (const body of [
      { ...draft(), unknown: 1 },
      draft({ steps: [] }),
      draft({ inputs: [{ name: 'sales', mediaType: 'csv' }] }),
      draft({ name: ' ' }),
    ])
      expect((await create(body)).status).toBe(400);
    const long = await create(
      draft({
        inputs: [],
        steps: Array.from({ length: 5 }, (_, n) => step(`s${n}`, { any: 'x'.repeat(41_000) })),
      }),
    );
    expect([long.status, faultsOf(long)]).toEqual([422, [['steps', 'blueprint-long']]]);
    // jsonb refuses it and json does not: kept once, it would break every list that it is in.
    const nul = await create(draft({ inputs: [], steps: [step('a', { text: 'a\0b' })] }));
    expect([nul.status, faultsOf(nul)]).toEqual([400, [['steps.0.args.text', 'holds-nul']]]);
  });

  it('may name what is not there today, and says so until it is', async () => {
    const answer = await create(
      draft({
        inputs: [],
        env: ['LATER_KEY'],
        steps: [
          step('a', { text: '${vars.later} ${secret.LATER_KEY}' }),
          step('b', {}, { tool: 'later.do' }),
        ],
      }),
    );
    expect(answer.status).toBe(201);
    const absent = [
      ['env.0', 'no-secret-named'],
      ['steps.0.args.text', 'unknown-of'],
      ['steps.1.tool', 'unknown-of'],
    ];
    const codes = ({ faults }: Blueprint) => faults.map(({ path, said }) => [path, said!.code]);
    expect(codes(answer.body)).toEqual(absent);
    const refused = await run(answer.body.id, {});
    expect(refused.status).toBe(422);
    await bench.database.query(
      `INSERT INTO project_vars (project_id, name, value) VALUES ('birds', 'later', '1')`,
    );
    expect(codes((await read<Blueprint>(answer.body.id)).body)).toEqual([absent[0], absent[2]]);
  });
});

describe('a change', () => {
  it('is made against a version and makes the next one, with what was and what is', async () => {
    const { id, name, steps } = await made();
    expect((await write('PATCH', id, null, { description: 'x' })).status).toBe(428);
    expect((await write('PATCH', id, 1, { comment: 'nothing' })).status).toBe(400);
    const same = await write('PATCH', id, 1, { name, steps });
    expect([same.status, same.headers.get('etag')]).toEqual([200, '"1"']);
    const changed = await write('PATCH', id, 1, {
      steps: [...steps].reverse(),
      comment: 'Other way round',
    });
    expect([changed.status, changed.headers.get('etag'), changed.body.version]).toEqual([
      200,
      '"2"',
      2,
    ]);
    const late = await write('PATCH', id, 1, { description: 'Late' });
    expect([late.status, late.text]).toEqual([412, expect.stringContaining('version-moved')]);
    const [, row, ...more] = await told(id);
    expect(more).toEqual([]);
    expect(row).toMatchObject({
      action: 'blueprint.change',
      diff: {
        before: { steps },
        after: { steps: [...steps].reverse() },
        comment: 'Other way round',
      },
    });
    expect((await eventsOf(id)).map(({ said }) => said)).toEqual([
      [say('blueprint-made', { who: 'operator', blueprint: name })],
      [say('blueprint-changed', { who: 'operator', blueprint: name, version: 2 })],
    ]);
    const broken = await write('PATCH', id, 2, { inputs: [] });
    expect([broken.status, faultsOf(broken)]).toEqual([422, [['steps.1.args.any', 'unknown-of']]]);
  });

  it('gives no two of a project one name', async () => {
    const [one, other] = [await made(), await made()];
    const twin = await write('PATCH', one.id, 1, { name: other.name });
    expect([twin.status, twin.text]).toEqual([409, expect.stringContaining('blueprint-exists')]);
  });

  it('is made on what was there when it was checked, or not at all', async () => {
    const { id } = await made();
    const ctx = {
      actor: {
        ...{ kind: 'user' as const, id: 'user:late', name: 'Late', userId: null },
        grants: [],
      },
      traceId: 'e'.repeat(32),
      ip: null,
    };
    const late = bench.app.get(BlueprintVersions, { strict: false }).next(ctx, 'birds', id, 1, {
      contentFrom: async ({ content }) => {
        expect((await write('PATCH', id, 1, { description: 'Between' })).status).toBe(200);
        return { ...content, description: 'Late' };
      },
      comment: '',
      action: 'blueprint.change',
      tell: ({ name, version }) =>
        say('blueprint-changed', { who: 'Late', blueprint: name, version }),
    });
    await expect(late).rejects.toMatchObject({ code: 'precondition_failed' });
    expect((await read<Blueprint>(id)).body).toMatchObject({ version: 2, description: 'Between' });
  });
});

describe('versions', () => {
  it('are listed, read, compared and brought back as the next one', async () => {
    const first = await made();
    const { id, name } = first;
    await write('PATCH', id, 1, {
      steps: [...first.steps, step('end', {}, { approval: 'required' })],
      comment: 'With an end',
    });
    const list = await read<Page<BlueprintVersionSummary>>(`${id}/versions?limit=1`, viewer);
    expect(list.body.items).toMatchObject([
      { version: 2, name, steps: 3, comment: 'With an end', createdBy: 'operator' },
    ]);
    const rest = await read<Page<BlueprintVersionSummary>>(
      `${id}/versions?limit=1&cursor=${list.body.nextCursor}`,
    );
    expect([rest.body.items.map(({ version }) => version), rest.body.nextCursor]).toEqual([
      [1],
      null,
    ]);
    const { body: old } = await read<BlueprintVersion>(`${id}/versions/1`);
    expect(old).toMatchObject({ version: 1, name, content: { name, steps: first.steps } });
    const difference = async (path: string) =>
      (await read<BlueprintDifference>(`${id}/versions/${path}`)).body;
    expect(await difference('1/difference')).toEqual({
      ...{ from: 1, to: 2 },
      changes: [
        { path: 'order', before: ['read', 'tell'], after: ['read', 'tell', 'end'] },
        {
          path: 'steps.end',
          before: null,
          after: { tool: 'probe.again', args: { text: 'end' }, approval: 'required' },
        },
      ],
    });
    expect(await difference('2/difference?to=2')).toEqual({ from: 2, to: 2, changes: [] });
    for (const path of ['versions/3', 'versions/0', 'versions/x', 'versions/1/difference?to=9'])
      expect((await read(`${id}/${path}`)).status).toBe(404);
    expect((await write('POST', `${id}/restore`, 2, { version: 9 })).status).toBe(404);
    expect((await write('POST', `${id}/restore`, 1, { version: 1 })).status).toBe(412);
    const restored = await write('POST', `${id}/restore`, 2, { version: 1, comment: 'Back' });
    expect(restored.body).toMatchObject({ version: 3, steps: first.steps });
    expect((await told(id)).at(-1)).toMatchObject({
      action: 'blueprint.restore',
      diff: { from: 1, after: { steps: first.steps }, comment: 'Back' },
    });
    expect((await eventsOf(id)).at(-1)!.said).toEqual([
      say('blueprint-restored', { who: 'operator', blueprint: name, from: 1, version: 3 }),
    ]);
  });
});

describe('a run', () => {
  it('is the task that the blueprint describes, and says of which version it is', async () => {
    const { id, name } = await made();
    const answer = await run(encodeURIComponent(name), {
      inputs: [{ name: 'sales', artifactId: sales }],
      priority: 3,
    });
    expect(answer.status).toBe(202);
    await bench.ended(answer.body.jobId);
    const { body: job } = await bench.call<Job>(`/jobs/${answer.body.jobId}`, { as: operator });
    expect(job).toMatchObject({
      ...{ status: 'succeeded', goal: name, projectId: 'birds', priority: 3 },
      spec: { blueprint: { id, name, version: 1 }, inputs: [{ name: 'sales', artifactId: sales }] },
    });
    expect(bench.probe.calls[0]!.args).toMatchObject({ any: sales });
    // What it is made of stays with it, also when it is run again; nobody can claim it for a task of their own.
    const again = await bench.call<RunAccepted>(`/jobs/${job.id}/rerun`, {
      method: 'POST',
      as: operator,
    });
    const { body: rerun } = await bench.call<Job>(`/jobs/${again.body.jobId}`, { as: operator });
    expect(rerun.spec!.blueprint).toEqual({ id, name, version: 1 });
    const runsOf = async (blueprint: string, as = operator) =>
      (await bench.call<{ items: Job[] }>(`/jobs?blueprintId=${blueprint}`, { as })).body.items.map(
        (each) => each.id,
      );
    expect(await runsOf(id)).toEqual([rerun.id, job.id]);
    expect(await runsOf('another')).toEqual([]);
    expect(await runsOf(id, stranger)).toEqual([]);
    const claimed = await bench.call('/api/run', {
      method: 'POST',
      as: operator,
      body: { goal: 'x', projectId: 'birds', blueprint: { id, name, version: 1 } },
    });
    expect(claimed.status).toBe(400);
  });

  it('takes an older version, and leaves out what an input that is not there was for', async () => {
    const first = await made({
      inputs: [{ name: 'sales' }, { name: 'last', required: false }],
      steps: [step('read', { any: '${inputs.sales}' }), step('old', { any: '${inputs.last}' })],
    });
    await write('PATCH', first.id, 1, { inputs: [], steps: [step('only')] });
    const answer = await run(first.id, {
      version: 1,
      goal: 'Without last month',
      inputs: [{ name: 'sales', artifactId: sales }],
    });
    const { body: job } = await bench.call<Job>(`/jobs/${answer.body.jobId}`, { as: operator });
    expect(job).toMatchObject({ goal: 'Without last month', spec: { blueprint: { version: 1 } } });
    expect(job.spec!.steps!.map(({ id }) => id)).toEqual(['read']);
    expect((await run(first.id, { version: 9 })).status).toBe(404);
  });

  it('is refused with what is wrong with its inputs, and no job is made', async () => {
    const { id } = await made();
    const bare = await run(id, {});
    expect([bare.status, faultsOf(bare)]).toEqual([422, [['inputs', 'input-missing']]]);
    const nowhere = await run(id, { inputs: [{ name: 'sales', artifactId: randomUUID() }] });
    expect(faultsOf(nowhere)).toEqual([['inputs.0.artifactId', 'no-artifact']]);
    const optional = await made({
      inputs: [{ name: 'sales', required: false }],
      steps: [step('read', { any: '${inputs.sales}' })],
    });
    expect(faultsOf(await run(optional.id, {}))).toEqual([['inputs', 'blueprint-nothing-left']]);
    const jobs = await bench.database.query(
      `SELECT 1 FROM jobs WHERE spec->'blueprint'->>'id' = ANY($1)`,
      [[id, optional.id]],
    );
    expect(jobs).toEqual([]);
  });
});

describe('what a role may do', () => {
  it('is to look for a viewer, and nothing for a stranger, whose tries are recorded', async () => {
    const { id } = await made();
    expect((await read<Blueprint>(id, viewer)).status).toBe(200);
    const list = await bench.call<Page<BlueprintSummary>>(`${all}?limit=2`, { as: viewer });
    expect(list.body.items).toHaveLength(2);
    const next = await bench.call<Page<BlueprintSummary>>(
      `${all}?limit=2&cursor=${list.body.nextCursor}`,
      { as: viewer },
    );
    expect(next.body.items[0]!.name > list.body.items[1]!.name).toBe(true);
    const tries = (as: SignedIn) =>
      Promise.all([
        read(id, as),
        bench.call(all, { as }),
        read(`${id}/versions`, as),
        read(`${id}/versions/1`, as),
        read(`${id}/versions/1/difference`, as),
        create(draft(), as),
        write('PATCH', id, 1, { description: 'x' }, as),
        write('POST', `${id}/restore`, 1, { version: 1 }, as),
        write('DELETE', id, 1, undefined, as),
        run(id, { inputs: [{ name: 'sales', artifactId: sales }] }, as),
      ]);
    expect((await tries(viewer)).map(({ status }) => status)).toEqual([
      ...[200, 200, 200, 200, 200],
      ...[403, 403, 403, 403, 403],
    ]);
    expect((await tries(stranger)).map(({ status }) => status)).toEqual(Array(10).fill(404));
    const denied = await bench.database.query<{ resource: string }>(
      `SELECT resource FROM audit_logs WHERE outcome = 'denied' AND actor_user = $1`,
      [stranger.userId],
    );
    expect(denied).toHaveLength(10);
    // Its id is of no use in a project of one's own either.
    const elsewhere = await bench.call(`/projects/fish/blueprints/${id}`, { as: stranger });
    expect(elsewhere.status).toBe(404);
  });

  it('is to delete for an operator, with every version; its tasks keep what they were made of', async () => {
    const { id, name, steps } = await made();
    await write('PATCH', id, 1, { description: 'Second' });
    expect((await write('DELETE', id, 1)).status).toBe(412);
    expect((await write('DELETE', id, 2)).status).toBe(204);
    expect((await read(id)).status).toBe(404);
    const left = await bench.database.query(
      'SELECT 1 FROM blueprint_versions WHERE blueprint_id = $1',
      [id],
    );
    expect(left).toEqual([]);
    expect((await told(id)).at(-1)).toMatchObject({
      action: 'blueprint.delete',
      diff: { before: { name, steps, description: 'Second' }, after: null },
    });
    expect((await create(draft({ name }))).status).toBe(201);
  });
});

it('keeps so many of a project and no more', async () => {
  await bench.database.query(
    `INSERT INTO blueprints (id, project_id, name, version, created_by)
     SELECT gen_random_uuid(), 'fish', 'Filling ' || n, 1, 'test' FROM generate_series(1, 500) AS n`,
  );
  const answer = await bench.call('/projects/fish/blueprints', {
    method: 'POST',
    as: stranger,
    body: draft(),
  });
  expect([answer.status, answer.text]).toEqual([
    409,
    expect.stringContaining('too_many_blueprints'),
  ]);
});
