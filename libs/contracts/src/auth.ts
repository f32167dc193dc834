import { z } from 'zod';
import { Said } from './said.js';
import { Permission } from './permissions.js';
import { Id, Moment, PageQuery, Timestamp, pageOf, shownName } from './page.js';

/** Spaces and hyphens in it do not count, nor does the case of letters. */
const SecondFactorCode = z.string().trim().min(1).max(64);

export const LoginRequest = z
  .strictObject({
    email: z.string().trim().toLowerCase().max(254),
    password: z.string().min(1).max(1024),
    /**
     * For people with a second factor: six figures of their app, or a recovery code. Without it they are answered 401
     * `second_factor_needed`, and send the same again with it; who has none may send one all the same.
     */
    code: SecondFactorCode.optional(),
  })
  .meta({ id: 'LoginRequest' });
export type LoginRequest = z.infer<typeof LoginRequest>;

export const User = z
  .object({ id: z.string(), email: z.string(), name: z.string(), roles: z.array(z.string()) })
  .meta({ id: 'User' });
export type User = z.infer<typeof User>;

export const LoginAnswer = z
  .object({ accessToken: z.string(), expiresAt: Timestamp, user: User })
  .meta({ id: 'LoginAnswer' });
export type LoginAnswer = z.infer<typeof LoginAnswer>;

export const Me = z
  .object({
    user: User,
    permissions: z.array(Permission),
    authenticatedBy: z.enum(['session', 'token']),
    csrfToken: z.string().nullable(),
    /** The settings want a second factor of this person, who has none: nothing else is open to them before. */
    mustSetUpSecondFactor: z.boolean(),
    /** Whether this person has a password here. */
    hasPassword: z.boolean(),
    /** The provider that this session came from. */
    signedInBy: z
      .object({
        name: z.string(),
        title: z.string(),
        /** Whether it can be asked to sign out there as well: `GET /auth/providers/:name/sign-out`. */
        endsSession: z.boolean(),
      })
      .nullable(),
  })
  .meta({ id: 'Me' });
export type Me = z.infer<typeof Me>;

/** One's own second factor. */
export const SecondFactor = z
  .object({
    isOn: z.boolean(),
    since: Timestamp.nullable(),
    recoveryCodesLeft: z.int(),
    /** Whether the settings want one of this person. */
    isRequired: z.boolean(),
  })
  .meta({ id: 'SecondFactor' });
export type SecondFactor = z.infer<typeof SecondFactor>;
export const BeginSecondFactor = z
  .strictObject({
    /** Whoever has none shows instead that they are who they are by a sign-in of the last ten minutes. */
    currentPassword: z.string().min(1).max(1024).optional(),
  })
  .meta({ id: 'BeginSecondFactor' });
export type BeginSecondFactor = z.infer<typeof BeginSecondFactor>;
/** Shown once, by this answer alone; it counts once a code of it was shown. */
export const SecondFactorSecret = z
  .object({
    /** Base32, for whoever types it into the app. */
    secret: z.string(),
    /** `otpauth://totp/…`, for a QR code. */
    uri: z.string(),
  })
  .meta({ id: 'SecondFactorSecret' });
export type SecondFactorSecret = z.infer<typeof SecondFactorSecret>;
export const ShowCode = z.strictObject({ code: SecondFactorCode }).meta({ id: 'ShowCode' });
export type ShowCode = z.infer<typeof ShowCode>;
/** Shown once, by this answer alone. Each lets in once, in place of a code of the app. */
export const RecoveryCodes = z
  .object({ recoveryCodes: z.array(z.string()) })
  .meta({ id: 'RecoveryCodes' });
export type RecoveryCodes = z.infer<typeof RecoveryCodes>;

/** How people may sign in. Told to everybody: the door shows it. */
export const WaysIn = z
  .object({
    /** By password: everybody who has one, or owners alone. */
    password: z.enum(['everyone', 'owners']),
    providers: z.array(z.object({ name: z.string(), title: z.string() })),
  })
  .meta({ id: 'WaysIn' });
export type WaysIn = z.infer<typeof WaysIn>;
export const BeginProviderSignIn = z
  .strictObject({
    /** A path of the console, where to go afterwards. */
    returnTo: z.string().max(2000).optional(),
  })
  .meta({ id: 'BeginProviderSignIn' });
export type BeginProviderSignIn = z.infer<typeof BeginProviderSignIn>;
/** Where the browser has to go now. It comes back to `/auth/providers/:name/callback`, and has ten minutes. */
export const ProviderSignIn = z.object({ url: z.string() }).meta({ id: 'ProviderSignIn' });
export type ProviderSignIn = z.infer<typeof ProviderSignIn>;
export const ConnectIdentity = z
  .strictObject({
    provider: z.string().max(40),
    /** As for BeginSecondFactor. */
    currentPassword: z.string().min(1).max(1024).optional(),
  })
  .meta({ id: 'ConnectIdentity' });
export type ConnectIdentity = z.infer<typeof ConnectIdentity>;
/** An account at a provider by which one signs in to one's own account here. */
export const Identity = z
  .object({
    id: z.string(),
    /** The provider's name when it was connected; what ties it is the issuer. */
    provider: z.string(),
    issuer: z.string(),
    /** As the provider last said it. */
    email: z.string().nullable(),
    createdAt: Timestamp,
    lastUsedAt: Timestamp.nullable(),
  })
  .meta({ id: 'Identity' });
export type Identity = z.infer<typeof Identity>;
export const IdentityPage = pageOf(Identity).meta({ id: 'IdentityPage' });
/** What was found when a provider was asked for its metadata. Nobody signs in by that. */
export const ProviderCheck = z
  .object({
    ok: z.boolean(),
    /** What the provider has to be told to let people come back to. */
    redirectUri: z.string(),
    /** Why it cannot be used. */
    faults: z.array(z.object({ says: z.string(), said: Said })),
    endsSession: z.boolean(),
  })
  .meta({ id: 'ProviderCheck' });
export type ProviderCheck = z.infer<typeof ProviderCheck>;

export const CreateToken = z
  .strictObject({
    name: shownName(100),
    scopes: z.array(Permission).min(1).max(100).optional(),
    expiresAt: Moment.optional(),
  })
  .meta({ id: 'CreateToken' });
export type CreateToken = z.infer<typeof CreateToken>;

export const ApiToken = z
  .object({
    id: z.string(),
    name: z.string(),
    scopes: z.array(Permission),
    createdAt: Timestamp,
    expiresAt: Timestamp.nullable(),
    lastUsedAt: Timestamp.nullable(),
  })
  .meta({ id: 'ApiToken' });
export type ApiToken = z.infer<typeof ApiToken>;
export const ApiTokenPage = pageOf(ApiToken).meta({ id: 'ApiTokenPage' });
export const CreatedToken = ApiToken.extend({ token: z.string() }).meta({ id: 'CreatedToken' });
export type CreatedToken = z.infer<typeof CreatedToken>;

/** A way in that is open now. The address and the browser are as they were when it was opened. */
export const Session = z
  .object({
    id: z.string(),
    createdAt: Timestamp,
    expiresAt: Timestamp,
    ip: z.string().nullable(),
    userAgent: z.string().nullable(),
    isThis: z.boolean(),
  })
  .meta({ id: 'Session' });
export type Session = z.infer<typeof Session>;
export const SessionPage = pageOf(Session).meta({ id: 'SessionPage' });

export const ChangeOwnPassword = z
  .strictObject({
    currentPassword: z.string().min(1).max(1024),
    newPassword: z.string().min(12).max(1024),
  })
  .meta({ id: 'ChangeOwnPassword' });
export type ChangeOwnPassword = z.infer<typeof ChangeOwnPassword>;

export const CreateUser = z
  .strictObject({
    email: z.email().toLowerCase().max(254),
    name: shownName(100),
    password: z.string().min(12).max(1024),
    role: z.string().max(64),
  })
  .meta({ id: 'CreateUser' });
export type CreateUser = z.infer<typeof CreateUser>;
export const UserPage = pageOf(User).meta({ id: 'UserPage' });

/** A person as those see them who manage people. */
export const Person = User.extend({
  disabled: z.boolean(),
  hasSecondFactor: z.boolean(),
  hasPassword: z.boolean(),
  /** Names of the providers that they sign in with. */
  providers: z.array(z.string()),
  createdAt: Timestamp,
  /** Told when somebody is added and their role waits for a second person: until then they hold nothing. */
  proposalId: z.string().optional(),
}).meta({ id: 'Person' });
export type Person = z.infer<typeof Person>;
export const PersonPage = pageOf(Person).meta({ id: 'PersonPage' });
export const SetPassword = z
  .strictObject({ password: z.string().min(12).max(1024) })
  .meta({ id: 'SetPassword' });
export type SetPassword = z.infer<typeof SetPassword>;

export const Role = z
  .object({
    name: z.string(),
    builtin: z.boolean(),
    description: z.string(),
    permissions: z.array(Permission),
    version: z.number().int(),
  })
  .meta({ id: 'Role' });
export type Role = z.infer<typeof Role>;
export const RolePage = pageOf(Role).meta({ id: 'RolePage' });
export const CreateRole = z
  .strictObject({
    name: z.string().regex(/^[a-z][a-z0-9-]{1,62}$/),
    description: z.string().max(500).default(''),
    permissions: z.array(Permission).max(100),
  })
  .meta({ id: 'CreateRole' });
export type CreateRole = z.infer<typeof CreateRole>;
export const PutRole = CreateRole.omit({ name: true }).meta({ id: 'PutRole' });
export type PutRole = z.infer<typeof PutRole>;

export const Binding = z
  .object({
    id: z.string(),
    userId: z.string(),
    role: z.string(),
    projectId: z.string().nullable(),
    createdAt: Timestamp,
    /** `identity:…` where a provider said it of that identity: it goes when the provider no longer says so. */
    createdBy: z.string(),
  })
  .meta({ id: 'Binding' });
export type Binding = z.infer<typeof Binding>;
export const BindingPage = pageOf(Binding).meta({ id: 'BindingPage' });
export const CreateBinding = z
  .strictObject({ userId: Id, role: z.string().max(64), projectId: Id.nullable().default(null) })
  .meta({ id: 'CreateBinding' });
export type CreateBinding = z.infer<typeof CreateBinding>;

export const AccessQuery = z.strictObject({
  permission: Permission,
  projectId: Id.optional(),
  userId: Id.optional(),
});
export type AccessQuery = z.infer<typeof AccessQuery>;
export const AccessAnswer = z
  .object({
    allowed: z.boolean(),
    reason: z.string(),
    /** The reason by its code. */
    said: Said,
    via: z.array(z.string()),
  })
  .meta({ id: 'AccessAnswer' });
export type AccessAnswer = z.infer<typeof AccessAnswer>;

export const AuditRow = z
  .object({
    id: z.string(),
    actor: z.string(),
    action: z.string(),
    resource: z.string(),
    outcome: z.enum(['allowed', 'denied', 'failed']),
    diff: z.unknown(),
    traceId: z.string().nullable(),
    ip: z.string().nullable(),
    actorUser: z.string().nullable(),
    projectId: z.string().nullable(),
    /** With microseconds, as it is hashed. */
    createdAt: Timestamp,
    /** Its place in the chain; null until it is sealed, about a second later. */
    seq: z.int().nullable(),
    /** SHA-256 of the hash before it (64 zeros before the first), a newline, and this row without `hash`, canonical (RFC 8785). */
    hash: z.string().nullable(),
  })
  .meta({ id: 'AuditRow' });
export type AuditRow = z.infer<typeof AuditRow>;
export const AuditPage = pageOf(AuditRow).meta({ id: 'AuditPage' });
export const AuditQuery = PageQuery.extend({
  actor: z.string().max(200).optional(),
  action: z.string().max(200).optional(),
  resource: z.string().max(400).optional(),
  traceId: z.string().max(64).optional(),
  outcome: z.enum(['allowed', 'denied', 'failed']).optional(),
  /** From this moment on, and before that one. */
  since: Moment.optional(),
  until: Moment.optional(),
});
export type AuditQuery = z.infer<typeof AuditQuery>;

/** How far the chain had come at a moment, signed: `jws` is a compact JWS (EdDSA) of `{ seq, hash, at }`. */
export const AuditCheckpoint = z
  .object({ seq: z.int(), hash: z.string(), at: Timestamp, jws: z.string() })
  .meta({ id: 'AuditCheckpoint' });
export type AuditCheckpoint = z.infer<typeof AuditCheckpoint>;

export const AuditVerifyQuery = z.strictObject({
  /** The first entry to check; what is before it is taken as checked. */
  from: z.coerce.number().int().min(1).optional(),
});

export const AuditFault = z
  .object({
    /**
     * changed: the row is not what was sealed. missing: it is gone. gap: a number of the chain is. unchained: a row that was
     * never to be sealed. checkpoint: the chain is not the one that was signed.
     */
    kind: z.enum(['changed', 'missing', 'gap', 'unchained', 'checkpoint']),
    seq: z.int().nullable(),
    id: z.string().nullable(),
    says: z.string(),
    /** The same by its code. */
    said: Said,
  })
  .meta({ id: 'AuditFault' });
export type AuditFault = z.infer<typeof AuditFault>;

export const AuditVerification = z
  .object({
    ok: z.boolean(),
    /** How many entries were checked. */
    entries: z.int(),
    /** The last of them; null when there is none. */
    last: z.object({ seq: z.int(), hash: z.string() }).nullable(),
    /** Where to go on (`?from=`) when there were more than one request checks; else null. */
    next: z.int().nullable(),
    /** At most 100. */
    faults: z.array(AuditFault),
    faultCount: z.int(),
    checkpoints: z.object({
      /** How many that are kept outside the database were held against the chain. */
      checked: z.int(),
      latest: AuditCheckpoint.nullable(),
      /** The public key by which anyone can check them. */
      key: z.record(z.string(), z.string()),
    }),
    durationMs: z.int(),
  })
  .meta({ id: 'AuditVerification' });
export type AuditVerification = z.infer<typeof AuditVerification>;
export type AuditVerifyQuery = z.infer<typeof AuditVerifyQuery>;
