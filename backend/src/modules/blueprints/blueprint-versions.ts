import { Injectable } from '@nestjs/common';
import type { Blueprint, BlueprintContent, Said } from '@aos/contracts';
import { AuditTrail } from '../../platform/audit/audit-trail.js';
import { Database } from '../../platform/database/database.js';
import { sql } from '../../platform/database/sql.js';
import type { Ctx } from '../../platform/http/context.js';
import { requireVersion } from '../../platform/http/etag.js';
import { Outbox } from '../../platform/outbox/outbox.js';
import { contentOf } from './blueprint.js';
import { BlueprintChecks } from './blueprint-checks.js';
import { BlueprintNameTaken } from './blueprints.errors.js';
import { blueprintChanged } from './blueprint-changed.js';
import { toBlueprint } from './blueprints.queries.js';
import { type BlueprintRow, BlueprintsRepository } from './blueprints.repository.js';

interface NextVersion {
  /** What it is to hold, from the present one. */
  contentFrom(present: BlueprintRow): Promise<BlueprintContent>;
  comment: string;
  action: string;
  /** Said in the audit row besides the difference. */
  facts?: Record<string, unknown>;
  tell(next: { name: string; version: number }): Said;
}

/** The one way to a next version of a blueprint, for a change and for bringing an old one back. */
@Injectable()
export class BlueprintVersions {
  constructor(
    private readonly database: Database,
    private readonly blueprints: BlueprintsRepository,
    private readonly checks: BlueprintChecks,
    private readonly audit: AuditTrail,
    private readonly outbox: Outbox,
  ) {}

  /**
   * One that would be like the present one is none. The check asks other modules and therefore stands outside the
   * transaction; what it was made on cannot have changed in it, since that has the version `base`.
   */
  async next(
    ctx: Ctx,
    projectId: string,
    idOrName: string,
    base: number,
    wanted: NextVersion,
  ): Promise<Blueprint> {
    const present = await this.blueprints.find(projectId, idOrName);
    requireVersion(base, present.version);
    const content = contentOf(await wanted.contentFrom(present));
    const faults = await this.checks.require(ctx, projectId, content);
    // By its text: the order of its steps and of their arguments is part of what was written.
    if (JSON.stringify(content) === JSON.stringify(contentOf(present.content)))
      return toBlueprint(present, faults);
    return this.database.transaction(async (tx) => {
      const before = await this.blueprints.findForChange(tx, projectId, present.id);
      requireVersion(base, before.version);
      const next = { projectId, id: before.id, name: content.name, version: base + 1 };
      const { rows: twins } = await sql(
        tx,
        'SELECT 1 FROM blueprints WHERE project_id = $1 AND name = $2 AND id <> $3',
        [projectId, content.name, before.id],
      );
      if (twins.length > 0) throw new BlueprintNameTaken(content.name);
      await sql(tx, 'UPDATE blueprints SET name = $2, version = $3 WHERE id = $1', [
        before.id,
        next.name,
        next.version,
      ]);
      await this.blueprints.keepVersion(tx, ctx, next, content, wanted.comment);
      await this.audit.record(tx, ctx, {
        action: wanted.action,
        resource: `blueprint:${before.id}`,
        diff: {
          ...wanted.facts,
          before: contentOf(before.content),
          after: content,
          ...(wanted.comment && { comment: wanted.comment }),
        },
        projectId,
      });
      await this.outbox.append(tx, [blueprintChanged(ctx, next, wanted.tell(next))]);
      return toBlueprint(await this.blueprints.findForChange(tx, projectId, before.id), faults);
    });
  }
}
