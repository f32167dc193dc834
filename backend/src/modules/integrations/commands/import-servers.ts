import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import {
  type ImportedServer,
  type ImportServers as Input,
  type Said,
  type ServersImport,
  inEnglish,
  say,
} from '@aos/contracts';
import { RegisterServer } from '@aos/contracts';
import { Database } from '../../../platform/database/database.js';
import type { Ctx } from '../../../platform/http/context.js';
import { AosError } from '../../../platform/http/problem.js';
import { Proposed } from '../../proposals/index.js';
import { readEntry, readEntries } from '../import/mcp-servers.js';
import { ServerReports } from '../server-reports.js';
import { downloadOf } from '../upstreams/launch-templates.js';
import { Launches } from '../upstreams/launches.js';
import { Registration } from './registration.js';
import { Registrations } from './registrations.js';
import { requireRoute, requireSecret } from './registration-checks.js';

/**
 * Takes over the servers of another program's settings. Each entry is held to the checks of a registration; the
 * answer says of every one what becomes of it. All that can be added are added in one transaction: an error
 * leaves none behind. Where a second person is wanted, all of them are one proposal. Secrets that stand in the document are not kept: such an entry asks for the name of one.
 */
export class ImportMcpServers extends Command<ServersImport | Proposed> {
  constructor(
    readonly ctx: Ctx,
    readonly input: Input,
  ) {
    super();
  }
}

interface Judged {
  told: ImportedServer;
  registration: RegisterServer | undefined;
}

@CommandHandler(ImportMcpServers)
export class ImportMcpServersHandler implements ICommandHandler<ImportMcpServers> {
  constructor(
    private readonly database: Database,
    private readonly registration: Registration,
    private readonly registrations: Registrations,
    private readonly reports: ServerReports,
    private readonly launches: Launches,
  ) {}

  async execute({ ctx, input }: ImportMcpServers): Promise<ServersImport | Proposed> {
    const entries = readEntries(input).filter(
      ([entry]) => !input.include || input.include.includes(entry),
    );
    const taken = new Set(
      (await this.database.query<{ name: string }>('SELECT name FROM mcp_registry')).map(
        ({ name }) => name,
      ),
    );
    const judged: Judged[] = [];
    for (const [entry, value] of entries) {
      const each = await this.judge(ctx, entry, value, secretOf(input, entry));
      // What is refused for its own sake says so, and takes no name from another.
      const isFit = each.told.outcome !== 'refused';
      if (isFit && taken.has(each.told.name))
        refuse(each, say('import-name-taken', { name: each.told.name }));
      if (isFit) taken.add(each.told.name);
      judged.push(each);
    }
    const items = judged.map(({ told }) => told);
    if (input.preview) return { items, added: [] };
    const wanted = judged.flatMap(({ registration }) => registration ?? []);
    const answer = await this.registrations.add(ctx, wanted, 'servers.import');
    if (answer instanceof Proposed) return answer;
    return { items, added: await Promise.all(answer.map((row) => this.reports.of(row))) };
  }

  private async judge(
    ctx: Ctx,
    entry: string,
    value: unknown,
    secret: string | undefined,
  ): Promise<Judged> {
    const read = readEntry(entry, value);
    const told: ImportedServer = {
      entry,
      name: read.name,
      outcome: 'add',
      why: null,
      wants: read.wants ?? null,
      server: read.refused === undefined ? { ...read.route, secret: secret ?? null } : null,
    };
    const judged: Judged = { told, registration: undefined };
    if (read.refused !== undefined) return refuse(judged, read.refused);
    if (read.wants !== undefined && secret === undefined) {
      told.outcome = 'needs-secret';
      tellWhy(told, say('import-wants-secret', { variable: read.wants }));
      return judged;
    }
    // A variable of a process has the name of its secret.
    if (read.route.transport === 'stdio' && secret !== undefined && secret !== read.wants)
      return refuse(judged, say('import-secret-name', { variable: read.wants! }));
    const { url, command, args, transport } = read.route;
    const parsed = RegisterServer.safeParse({
      name: read.name,
      transport,
      ...(url === null ? {} : { url }),
      ...(command === null ? {} : { command, args }),
      ...(secret === undefined ? {} : { auth: { secret } }),
      description: `Taken over from "${entry.slice(0, 200)}"`,
    });
    if (!parsed.success)
      return refuse(
        judged,
        parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`).join('; '),
      );
    try {
      this.registration.requireName(parsed.data.name);
      const launch = await requireRoute(parsed.data, this.launches);
      await requireSecret(this.database, ctx, parsed.data);
      const name = launch && downloadOf(launch);
      if (name !== undefined) tellWhy(told, say('launch-downloads', { name }));
    } catch (error) {
      if (!(error instanceof AosError)) throw error;
      return refuse(
        judged,
        [
          error.message,
          ...(error.errors ?? []).map(({ path, message }) => `${path} ${message}`),
        ].join(' '),
      );
    }
    judged.registration = parsed.data;
    return judged;
  }
}

/** An entry may be called like something that every object has: `constructor`. */
const secretOf = ({ secrets }: Input, entry: string): string | undefined =>
  Object.hasOwn(secrets, entry) ? secrets[entry] : undefined;

function tellWhy(told: ImportedServer, why: string | Said): void {
  told.why = typeof why === 'string' ? why : inEnglish(why);
  if (typeof why !== 'string') told.said = why;
}

function refuse(judged: Judged, why: string | Said): Judged {
  judged.told.outcome = 'refused';
  tellWhy(judged.told, why);
  judged.registration = undefined;
  return judged;
}
