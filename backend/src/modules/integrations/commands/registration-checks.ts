import { type RegisterServer, say } from '@aos/contracts';
import type { Database } from '../../../platform/database/database.js';
import { type Ctx, isAllowed } from '../../../platform/http/context.js';
import { AosError, Forbidden } from '../../../platform/http/problem.js';
import { ServerUrlRefused } from '../integrations.errors.js';
import type { Launch } from '../upstreams/launch-templates.js';
import type { Launchable, Launches } from '../upstreams/launches.js';
import { isMetadata } from '../upstreams/metadata-addresses.js';

/**
 * What is asked of a way to a server before anything is started or called: at registration, and at a trial of it.
 * Answers what would be started, for one that is.
 */
export async function requireRoute(
  input: Pick<RegisterServer, 'transport' | 'url'> & Launchable,
  launches: Launches,
): Promise<Launch | undefined> {
  if (input.transport === 'stdio') return launches.approve(input);
  const url = new URL(input.url ?? '');
  if (url.username || url.password) throw new ServerUrlRefused(say('url-holds-user'));
  if (url.hash) throw new ServerUrlRefused(say('url-holds-fragment'));
  if (isMetadata(url.hostname)) throw new ServerUrlRefused(say('url-metadata'));
  return undefined;
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
      throw new AosError('unknown_secret', say('no-secret-outside', { name }));
  }
}
