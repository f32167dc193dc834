import { open } from 'node:fs/promises';
import { Injectable } from '@nestjs/common';
import { type JobError, type RerunRequest, type Said, oneByOne, say, Step } from '@aos/contracts';
import { Database } from '../../platform/database/database.js';
import { sql } from '../../platform/database/sql.js';
import { AosError } from '../../platform/http/problem.js';
import { ArtifactStore } from '../artifacts/index.js';
import { MemoryQueries } from '../memory/index.js';
import { listed } from './findings.js';
import { type GoalFile, readGoal } from './goal-grammar.js';
import type { RunEnding, RunValues } from './orchestrator.js';
import {
  type PlanFault,
  completePlan,
  inputsIn,
  isToolAllowed,
  referredSteps,
  validatePlan,
} from './plan.js';
import type { Run } from './run.js';
import { type RunEvent, episodeLink, saying } from './run-record.js';

type Source = 'task' | 'sop' | 'rerun' | 'model' | 'goal';
interface Draft {
  source: Source;
  steps: Step[];
  /** Results of the earlier run that stand for their steps. */
  reused: Map<string, unknown>;
}

/**
 * Where the steps of a run come from, in this order: the task itself; for a rerun, the plan of the run
 * before; the standard way of work (SOP) of the agent; a language model, if one is configured; a goal
 * that names known skills and files. Wherever they come from, they pass the same checks.
 */
@Injectable()
export class Planner {
  constructor(
    private readonly database: Database,
    private readonly artifacts: ArtifactStore,
    private readonly memory: MemoryQueries,
  ) {}

  async plan(run: Run): Promise<Partial<RunValues>> {
    await run.record.load();
    if (run.record.steps.size > 0) return {}; // written before the crash
    const { spec } = run.job;
    if (run.agent) await this.noteAgentRun(run, run.agent.id);
    const given = { inputs: spec.inputs?.length ?? 0, tools: run.tools.size };
    await run.record.tell({
      type: 'run.sense',
      summary: run.agent
        ? say('goal-read-by', { ...given, agent: run.agent.name })
        : say('goal-read', given),
      payload: {
        goal: spec.goal,
        inputs: spec.inputs ?? [],
        env: run.env,
        agent: run.agent?.name ?? null,
        tools: run.tools.size,
        hasModel: run.model !== undefined,
      },
    });
    const draft = await this.draft(run);
    if ('spent' in draft) return this.refuse(run, draft.spent, {});
    if ('needs' in draft)
      return this.refuse(run, { code: 'plan_needed', ...saying(draft.needs) }, {});
    const faults = validatePlan(draft.steps, [...run.tools.values()], await run.givens());
    if (faults.length > 0) return this.refuseFaults(run, draft.source, faults);
    const toRun = draft.steps.length - draft.reused.size;
    const { maxSteps } = run.budget;
    if (maxSteps !== undefined && toRun > maxSteps)
      return this.refuse(
        run,
        {
          code: 'budget_steps',
          ...saying(say('plan-over-budget', { count: toRun, most: maxSteps })),
        },
        { steps: toRun, maxSteps },
      );
    const steps = completePlan(draft.steps);
    await run.record.plan(steps, draft.reused, [planEvent(draft, steps)]);
    return {};
  }

  private async noteAgentRun(run: Run, agentId: string): Promise<void> {
    await run.record.write(async (tx) => {
      await sql(
        tx,
        `INSERT INTO agent_runs (agent_id, trace_id, status, started_at) VALUES ($1, $2, 'running', now())
         ON CONFLICT (agent_id, trace_id) DO NOTHING`,
        [agentId, run.job.traceId],
      );
    });
  }

  private async draft(run: Run): Promise<Draft | { needs: Said } | { spent: JobError }> {
    const { spec, rerunOf } = run.job;
    if (rerunOf !== null) {
      const again = await this.again(rerunOf, (run.job.rerun ?? {}) as RerunRequest);
      if (again) return again;
    }
    const fresh = (source: Source, steps: Step[]): Draft => ({ source, steps, reused: new Map() });
    if (spec.steps) return fresh('task', spec.steps);
    const sop = run.agent?.config.sop ?? [];
    if (sop.length > 0)
      return fresh(
        'sop',
        bindSoleInput(
          sop,
          (spec.inputs ?? []).map((input) => input.name),
        ),
      );
    const files = await this.files(run);
    let modelFault: string | undefined;
    if (run.model) {
      const planned = await this.askModel(run, files);
      if ('spent' in planned) return planned;
      if ('steps' in planned) return fresh('model', planned.steps);
      modelFault = planned.fault;
      await run.record.tell({
        type: 'anomaly.detected',
        severity: 'warning',
        summary: say('model-failed', { why: modelFault.slice(0, 500) }),
        payload: { code: 'model_failed', message: modelFault },
        links: [
          { rel: 'settings', href: '/console/settings', title: 'Check the model' },
          episodeLink(run.job),
        ],
      });
    }
    const allowed = run.allowedTools;
    const tools = [...run.tools.keys()].filter((name) => !allowed || isToolAllowed(name, allowed));
    const reading = readGoal(spec.goal, files, new Set(tools));
    if ('steps' in reading) return fresh('goal', reading.steps);
    return {
      needs: say(modelFault ? 'plan-needed-model-failed' : 'plan-needed', {
        needs: reading.needs,
      }),
    };
  }

  /** The plan of the earlier run, with other arguments and recorded results where they were asked for. */
  private async again(jobId: string, rerun: RerunRequest): Promise<Draft | undefined> {
    const rows = await this.database.query<EarlierStep>(
      `SELECT step_id, tool, args, needs, approval, on_error, retries, state, result
         FROM job_steps WHERE job_id = $1 ORDER BY position`,
      [jobId],
    );
    if (rows.length === 0) return undefined; // it never had a plan: plan anew
    const steps = rows.map((row): Step => {
      const other = rerun.args?.[row.step_id];
      return {
        id: row.step_id,
        tool: row.tool,
        args: other ?? row.args,
        needs: row.needs,
        approval: row.approval,
        onError: row.on_error,
        retries: row.retries,
      };
    });
    const reused = new Map<string, unknown>();
    const recorded = rerun.recorded ?? (rerun.fromStep === undefined ? 'call' : 'reuse');
    if (recorded === 'reuse') {
      const anew = new Set<string>(Object.keys(rerun.args ?? {}));
      let isBefore = true;
      for (const [index, row] of rows.entries()) {
        if (row.step_id === rerun.fromStep) isBefore = false;
        const step = steps[index]!;
        const dependsOnNew = [...(step.needs ?? []), ...referredSteps(step.args)].some((id) =>
          anew.has(id),
        );
        if (isBefore && row.state === 'done' && !dependsOnNew && !anew.has(row.step_id))
          reused.set(row.step_id, row.result);
        else anew.add(row.step_id);
      }
    }
    return { source: 'rerun', steps, reused };
  }

  /** Faults of a model's plan are told to it once; what it says then is its last word. */
  private async askModel(
    run: Run,
    files: GoalFile[],
  ): Promise<{ steps: Step[] } | { fault: string } | { spent: JobError }> {
    const given = await run.givens();
    const tools = [...run.tools.values()].filter(
      ({ tool }) => !given.allowedTools || isToolAllowed(tool, given.allowedTools),
    );
    const { goal } = run.job.spec;
    const memory = await this.memory.recall(run.ctx, goal, run.job.projectId);
    const person = await this.memory.personOf(run.ctx);
    if (memory.length > 0)
      await run.record.tell({
        type: 'run.recall',
        summary: say('memory-recalled', {
          count: memory.length,
          about: listed(
            memory.map(({ subject }) => subject),
            4,
          ),
        }),
        payload: { items: memory.map(({ id }) => id) },
      });
    let fault = '';
    for (let attempt = 1; attempt <= 2; attempt++) {
      const answer = await run.model!.plan(
        {
          goal,
          prompt: run.agent?.config.prompt ?? '',
          inputs: files.map((file) => ({
            name: file.input,
            file: file.fileName,
            columns: file.columns,
          })),
          vars: given.vars,
          secrets: given.secrets,
          tools: tools.map(({ tool, description, inputSchema }) => ({
            tool,
            description,
            inputSchema,
          })),
          memory: memory.map(({ kind, subject, text }) => ({ kind, about: subject, text })),
          ...(person ? { person } : {}),
          ...(fault ? { faults: [fault] } : {}),
        },
        run.callSignal,
      );
      if (answer.use) await run.charge(answer.use);
      const spent = await run.spentCost();
      if (spent) return { spent };
      if ('fault' in answer) {
        fault = answer.fault;
        if (!answer.use) break; // it could not be reached: asking again at once will not help
        continue;
      }
      const faults = validatePlan(answer.value.steps, tools, given);
      if (faults.length === 0) return { steps: answer.value.steps };
      fault = faults.map(({ path, message }) => `${path}: ${message}`).join('; ');
    }
    return { fault };
  }

  private async files(run: Run): Promise<GoalFile[]> {
    const files: GoalFile[] = [];
    for (const { name, artifactId } of run.job.spec.inputs ?? []) {
      try {
        const artifact = await this.artifacts.open(run.ctx, artifactId);
        files.push({
          input: name,
          artifactId,
          fileName: artifact.name,
          columns: await headerOf(artifact.path),
        });
      } catch (error) {
        if (!(error instanceof AosError)) throw error;
        files.push({ input: name, artifactId, fileName: name, columns: [] }); // the step that opens it will tell
      }
    }
    return files;
  }

  private async refuseFaults(
    run: Run,
    source: Source,
    faults: PlanFault[],
  ): Promise<Partial<RunValues>> {
    const list = faults.map(({ path, said: what }) => say('plan-fault', { path, what }));
    const told = oneByOne(list, 3);
    const said =
      faults.length === 1
        ? say('plan-invalid-one', { faults: told })
        : say('plan-invalid', { count: faults.length, faults: told });
    return this.refuse(run, { code: 'plan_invalid', ...saying(said) }, { source, faults });
  }

  private async refuse(
    run: Run,
    error: JobError,
    payload: Record<string, unknown>,
  ): Promise<{ ending: RunEnding }> {
    const { code, message, said } = error;
    // Budgets are told where the job ends, whichever budget it is.
    if (!code.startsWith('budget_'))
      await run.record.tell({
        type: 'anomaly.detected',
        severity: 'error',
        summary: said ?? message,
        payload: { code, ...payload },
      });
    return { ending: { status: 'failed', error } };
  }
}

const planEvent = (
  { source, reused }: Draft,
  steps: readonly (Step & { needs: string[] })[],
): RunEvent => ({
  type: 'run.plan',
  summary: planSaying(steps.map((step) => step.id)),
  payload: {
    source,
    reused: [...reused.keys()],
    steps: steps.map(({ id, tool, needs, approval }) => ({
      id,
      tool,
      needs,
      approval: approval ?? 'auto',
    })),
  },
});

function planSaying(ids: readonly string[]): Said {
  const steps = listed(ids, 6);
  return ids.length === 1
    ? say('plan-made-one', { steps })
    : say('plan-made', { count: ids.length, steps });
}

/** An SOP names its file as it likes; a task that brings exactly one means that one. */
function bindSoleInput(sop: readonly Step[], inputs: readonly string[]): Step[] {
  const named = new Set(sop.flatMap((step) => [...inputsIn(step.args)]));
  const unresolved = [...named].filter((name) => !inputs.includes(name));
  const given = inputs[0];
  if (inputs.length !== 1 || unresolved.length !== 1 || named.size !== 1 || given === undefined)
    return [...sop];
  const from = `\${inputs.${unresolved[0]}}`;
  const replace = (value: unknown): unknown => {
    if (typeof value === 'string')
      return value.replaceAll(from, (at, index: number) =>
        value[index - 1] === '$' ? at : `\${inputs.${given}}`,
      );
    if (Array.isArray(value)) return value.map(replace);
    if (value === null || typeof value !== 'object') return value;
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, replace(item)]));
  };
  return sop.map((step) => ({ ...step, args: replace(step.args) as Record<string, unknown> }));
}

const HEADER_BYTES = 64 * 1024;

/** The first line of a text file as column names. Good enough to match a word of a goal, and no more. */
async function headerOf(path: string): Promise<string[]> {
  const handle = await open(path, 'r');
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(HEADER_BYTES), 0, HEADER_BYTES, 0);
    const [line = ''] = buffer
      .subarray(0, bytesRead)
      .toString('utf8')
      .replace(/^\ufeff/, '')
      .split(/\r?\n/, 1);
    if (line.includes('\u0000') || line.length > 20_000) return [];
    const counts = [',', ';', '\t', '|'].map((each) => [each, line.split(each).length] as const);
    const [delimiter] = counts.reduce((best, each) => (each[1] > best[1] ? each : best));
    return line.split(delimiter).map((name) =>
      name
        .trim()
        .replace(/^"(.*)"$/, '$1')
        .replaceAll('""', '"'),
    );
  } finally {
    await handle.close();
  }
}

interface EarlierStep {
  step_id: string;
  tool: string;
  args: Record<string, unknown>;
  needs: string[];
  approval: 'auto' | 'required';
  on_error: 'revise' | 'skip' | 'abort';
  retries: number;
  state: string;
  result: unknown;
}
