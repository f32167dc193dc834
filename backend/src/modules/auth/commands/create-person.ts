import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { type CreateUser, type Person, say } from '@aos/contracts';
import { randomUUID } from 'node:crypto';
import { Database } from '../../../platform/database/database.js';
import { sql } from '../../../platform/database/sql.js';
import type { Ctx } from '../../../platform/http/context.js';
import { AosError } from '../../../platform/http/problem.js';
import { Proposed } from '../../proposals/index.js';
import { RoleGrants } from '../../rbac/index.js';
import { Passwords } from '../passwords.js';

export class CreatePerson extends Command<Person> {
  constructor(
    readonly ctx: Ctx,
    readonly input: CreateUser,
  ) {
    super();
  }
}

@CommandHandler(CreatePerson)
export class CreatePersonHandler implements ICommandHandler<CreatePerson> {
  constructor(
    private readonly database: Database,
    private readonly passwords: Passwords,
    private readonly grants: RoleGrants,
  ) {}

  async execute({ ctx, input: { email, name, password, role } }: CreatePerson): Promise<Person> {
    const hash = await this.passwords.hash(password);
    const id = randomUUID();
    return this.database.transaction(async (tx) => {
      const { rows } = await sql<{ created_at: Date }>(
        tx,
        `INSERT INTO users (id, email, name, password_hash) VALUES ($1, $2, $3, $4)
         ON CONFLICT DO NOTHING RETURNING created_at`,
        [id, email, name, hash],
      );
      if (!rows[0]) throw new AosError('already_exists', say('email-taken'));
      await this.grants.changed(tx, ctx, `user:${id}`, 'user.create', {
        before: null,
        after: { email, name },
      });
      // Where a second person has to confirm the role, there is the account, and it holds nothing yet.
      const granted = await this.grants.grant(tx, ctx, { userId: id, role, projectId: null });
      const proposalId = granted instanceof Proposed ? granted.proposal.id : undefined;
      return {
        id,
        email,
        name,
        roles: proposalId ? [] : [role],
        disabled: false,
        hasSecondFactor: false,
        hasPassword: true,
        providers: [],
        createdAt: rows[0].created_at.toISOString(),
        ...(proposalId && { proposalId }),
      };
    });
  }
}
