import type { RegisterServer } from '@aos/contracts';
import type { Database } from '../../../platform/database/database.js';
import { type Ctx, isAllowed } from '../../../platform/http/context.js';
import { AosError, Forbidden } from '../../../platform/http/problem.js';
import { ServerUrlRefused } from '../integrations.errors.js';
import { type LaunchFolders, approveLaunch } from '../upstreams/launch-templates.js';

/** What is asked of a way to a server before anything is started or called: at registration, and at a trial of it. */
export function requireRoute(
  input: Pick<RegisterServer, 'transport' | 'url' | 'command' | 'args'>,
  folders: LaunchFolders,
): void {
  if (input.transport === 'stdio') {
    approveLaunch(input.command ?? '', input.args ?? [], folders);
    return;
  }
  const url = new URL(input.url ?? '');
  if (url.username || url.password)
    throw new ServerUrlRefused(
      'holds a user or a password; keep those as a secret and name it in auth',
    );
  if (url.hash) throw new ServerUrlRefused('holds a fragment');
  // The metadata services of clouds hand out credentials to whoever asks from within.
  if (
    /^(169\.254\.|\[fe80:|\[fd00:ec2:)/i.test(url.hostname) ||
    url.hostname === 'metadata.google.internal'
  )
    throw new ServerUrlRefused('is an address of the metadata service of this machine');
}

/** Who sends a secret to a new place could as well read it. */
export async function requireSecret(
  database: Database,
  ctx: Ctx,
  { auth }: Pick<RegisterServer, 'auth'>,
): Promise<void> {
  if (!auth) return;
  if (!isAllowed(ctx.actor, 'secret.write'))
    throw new Forbidden(
      'Giving a server a secret to sign in with takes the permission secret.write.',
    );
  const names = [auth.secret, ...('subjectSecret' in auth ? [auth.subjectSecret ?? ''] : [])];
  for (const name of names.filter((each) => each !== '')) {
    const known = await database.query(
      'SELECT 1 FROM secrets WHERE name = $1 AND project_id IS NULL',
      [name],
    );
    if (known.length === 0)
      throw new AosError(
        'unknown_secret',
        `There is no secret named "${name}" outside the projects.`,
      );
  }
}
