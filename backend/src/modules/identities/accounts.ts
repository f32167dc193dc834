import type { User } from '@aos/contracts';
import { type Tx, sql } from '../../platform/database/sql.js';

export interface Account {
  user: User;
  identityId: string;
  isDisabled: boolean;
  /** Whether somebody gave them a role, somewhere: what a provider gives by default is for those without. */
  hasRoleOfPeople: boolean;
}

interface AccountRow {
  id: string;
  email: string;
  name: string;
  roles: string[];
  identity_id: string;
  is_disabled: boolean;
  has_role_of_people: boolean;
}

/** Two first sign-ins of one person at a moment make one account: the second waits here and finds it. */
export const lockSubject = (tx: Tx, issuer: string, subject: string) =>
  sql(tx, 'SELECT pg_advisory_xact_lock(hashtextextended($1, 726302))', [`${issuer}\n${subject}`]);

/**
 * The account behind an identity, which is nobody else's until the transaction ends. The person's own row is not locked: whoever
 * changes a person takes that lock behind the one on owners, and here it is the other way round.
 */
export async function accountOf(
  tx: Tx,
  by: { issuer: string; subject: string } | { identityId: string },
): Promise<Account | undefined> {
  const [where, values] =
    'identityId' in by
      ? ['i.id = $1', [by.identityId]]
      : ['i.issuer = $1 AND i.subject = $2', [by.issuer, by.subject]];
  const { rows } = await sql<AccountRow>(
    tx,
    `SELECT u.id, u.email, u.name, u.is_disabled, i.id AS identity_id,
            ARRAY(SELECT DISTINCT role FROM role_bindings WHERE user_id = u.id ORDER BY 1) AS roles,
            EXISTS (SELECT FROM role_bindings b WHERE b.user_id = u.id
                       AND b.created_by <> 'identity:' || i.id) AS has_role_of_people
       FROM identities i JOIN users u ON u.id = i.user_id WHERE ${where} FOR UPDATE OF i`,
    values,
  );
  const row = rows[0];
  return (
    row && {
      user: { id: row.id, email: row.email, name: row.name, roles: row.roles },
      identityId: row.identity_id,
      isDisabled: row.is_disabled,
      hasRoleOfPeople: row.has_role_of_people,
    }
  );
}
