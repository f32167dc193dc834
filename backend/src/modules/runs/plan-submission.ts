import { Injectable, type OnModuleInit } from '@nestjs/common';
import type { AgentConfig, TaskSpec } from '@aos/contracts';
import { Database } from '../../platform/database/database.js';
import type { Ctx } from '../../platform/http/context.js';
import { Gateway } from '../integrations/index.js';
import { type SubmissionFault, SubmissionChecks } from '../jobs/index.js';
import { validatePlan } from './plan.js';

/** Variables that stand for a secret, by name. */
export const secretVarsOf = (rows: readonly { name: string; secret_ref: string | null }[]) =>
  Object.fromEntries(
    rows.flatMap(({ name, secret_ref }) => (secret_ref === null ? [] : [[name, secret_ref]])),
  ) as Record<string, string>;

/** A task that brings its own steps is checked before it is accepted, so that its faults are an answer and not an anomaly. */
@Injectable()
export class PlanSubmission implements OnModuleInit {
  constructor(
    private readonly checks: SubmissionChecks,
    private readonly database: Database,
    private readonly gateway: Gateway,
  ) {}

  onModuleInit(): void {
    this.checks.register((ctx, spec) => this.faults(ctx, spec));
  }

  private async faults(_ctx: Ctx, spec: TaskSpec): Promise<SubmissionFault[]> {
    if (!spec.steps) return [];
    const agent = spec.agentId === undefined ? undefined : await this.agentConfig(spec.agentId);
    const vars = spec.projectId
      ? await this.database.query<{ name: string; secret_ref: string | null }>(
          `SELECT name, secret_ref FROM project_vars WHERE project_id = $1 AND name IS NOT NULL`,
          [spec.projectId],
        )
      : [];
    return validatePlan(spec.steps, await this.gateway.tools(), {
      inputs: (spec.inputs ?? []).map((input) => input.name),
      vars: vars.map((row) => row.name),
      secretVars: secretVarsOf(vars),
      secrets: [...(spec.env ?? []), ...(agent?.env ?? [])],
      allowedTools: agent?.tools,
    });
  }

  private async agentConfig(id: string): Promise<AgentConfig | undefined> {
    const rows = await this.database.query<{ config: AgentConfig }>(
      'SELECT config FROM agents WHERE id::text = $1 AND deleted_at IS NULL',
      [id],
    );
    return rows[0]?.config;
  }
}
