import { Injectable, inject } from '@angular/core';
import { Api } from '@aos/api-client';
import {
  changeOwnPassword,
  checkAccess,
  checkProvider,
  connectIdentity,
  createBinding,
  createRole,
  createToken,
  createUser,
  deleteBinding,
  deleteRole,
  deleteSecret,
  disconnectIdentity,
  disableUser,
  enableUser,
  endSession,
  getInstallation,
  getRuntimeConfig,
  getSecondFactor,
  getSystemConfig,
  getSystemConfigSchema,
  listAudit,
  listBindings,
  listIdentities,
  listProjects,
  listRoles,
  listSessions,
  listSystemConfigHistory,
  listTokens,
  listUsers,
  previewSystemConfig,
  putRole,
  putRuntimeConfig,
  putSecret,
  putSystemConfig,
  resetSecondFactor,
  revokeToken,
  setPassword,
  tryModel,
  verifyAudit,
} from '@aos/api-client/functions';
import type {
  AccessAnswer,
  AccessQuery,
  ApiToken,
  AuditQuery,
  AuditRow,
  AuditVerification,
  Binding,
  ChangeOwnPassword,
  ConfigPreview,
  ConfigVersion,
  CreateBinding,
  CreateRole,
  CreateToken,
  CreateUser,
  CreatedToken,
  Identity,
  Installation,
  ModelTrial,
  Page,
  Person,
  Project,
  Proposal,
  ProviderCheck,
  ProviderSignIn,
  PutRole,
  PutSecret,
  Role,
  RuntimeConfig,
  SecondFactor,
  SecretInfo,
  Session,
  SignInProvider,
  SystemConfig,
  SystemConfigAnswer,
} from '@aos/contracts';
import { type Observable, switchMap, map } from 'rxjs';
import { projectsApart } from '../../shared/api/told-apart';

const PAGE = 100;
const LONGEST_PAGE = 200;

/** What this room asks of the server; as `shared/api/aos-api.ts`, typed by the contract. */
@Injectable({ providedIn: 'root' })
export class SettingsApi {
  private readonly api = inject(Api);

  system(): Observable<SystemConfigAnswer> {
    return this.api.invoke(getSystemConfig, {});
  }
  schema(): Observable<object> {
    return this.api.invoke(getSystemConfigSchema, {});
  }
  preview(config: SystemConfig): Observable<ConfigPreview> {
    return this.api.invoke(previewSystemConfig, { body: config });
  }
  /** Where a second person is wanted the answer is a proposal, here and where roles are changed. */
  save(
    config: SystemConfig,
    version: number,
    comment: string,
  ): Observable<SystemConfigAnswer | Proposal> {
    return this.api.invoke(putSystemConfig, {
      body: config,
      'If-Match': `"${version}"`,
      ...(comment && { comment }),
    });
  }
  history(cursor?: string): Observable<Page<ConfigVersion>> {
    return this.api.invoke(listSystemConfigHistory, { limit: PAGE, cursor });
  }
  installation(): Observable<Installation> {
    return this.api.invoke(getInstallation, {});
  }

  runtime(): Observable<RuntimeConfig> {
    return this.api.invoke(getRuntimeConfig, {});
  }
  /** Names a secret that waits for its value, or says anew what one is for. */
  nameSecret(named: Pick<SecretInfo, 'name' | 'projectId' | 'purpose'>): Observable<RuntimeConfig> {
    return this.api.invoke$Response(getRuntimeConfig, {}).pipe(
      switchMap(({ body, headers }) => {
        const others = body.secrets.filter(
          ({ name, projectId }) => name !== named.name || projectId !== named.projectId,
        );
        return this.api.invoke(putRuntimeConfig, {
          'If-Match': headers.get('etag') ?? '',
          body: { secrets: [...others, named] },
        });
      }),
    );
  }
  putSecret(name: string, body: PutSecret): Observable<SecretInfo | Proposal> {
    return this.api.invoke(putSecret, { name, body });
  }
  deleteSecret(name: string, projectId: string | null): Observable<unknown> {
    return this.api.invoke(deleteSecret, { name, ...(projectId !== null && { projectId }) });
  }

  people(cursor?: string): Observable<Page<Person>> {
    return this.api.invoke(listUsers, { limit: LONGEST_PAGE, cursor });
  }
  createPerson(body: CreateUser): Observable<Person> {
    return this.api.invoke(createUser, { body });
  }
  disable(id: string): Observable<unknown> {
    return this.api.invoke(disableUser, { id });
  }
  enable(id: string): Observable<unknown> {
    return this.api.invoke(enableUser, { id });
  }
  setPassword(id: string, password: string): Observable<unknown> {
    return this.api.invoke(setPassword, { id, body: { password } });
  }
  resetSecondFactor(id: string): Observable<unknown> {
    return this.api.invoke(resetSecondFactor, { id });
  }
  bindings(cursor?: string): Observable<Page<Binding>> {
    return this.api.invoke(listBindings, { limit: LONGEST_PAGE, cursor });
  }
  grant(body: CreateBinding): Observable<Binding> {
    return this.api.invoke(createBinding, { body });
  }
  revoke(id: string): Observable<unknown> {
    return this.api.invoke(deleteBinding, { id });
  }
  roles(): Observable<Page<Role>> {
    return this.api.invoke(listRoles, { limit: LONGEST_PAGE });
  }
  createRole(body: CreateRole): Observable<Role | Proposal> {
    return this.api.invoke(createRole, { body });
  }
  putRole(name: string, version: number, body: PutRole): Observable<Role | Proposal> {
    return this.api.invoke(putRole, { name, body, 'If-Match': `"${version}"` });
  }
  deleteRole(name: string): Observable<unknown> {
    return this.api.invoke(deleteRole, { name });
  }
  check(query: AccessQuery): Observable<AccessAnswer> {
    return this.api.invoke(checkAccess, query);
  }
  projects(): Observable<Page<Project>> {
    return this.api.invoke(listProjects, { limit: LONGEST_PAGE }).pipe(map(projectsApart));
  }

  tokens(): Observable<Page<ApiToken>> {
    return this.api.invoke(listTokens, { limit: LONGEST_PAGE });
  }
  createToken(body: CreateToken): Observable<CreatedToken> {
    return this.api.invoke(createToken, { body });
  }
  revokeToken(id: string): Observable<unknown> {
    return this.api.invoke(revokeToken, { id });
  }
  secondFactor(): Observable<SecondFactor> {
    return this.api.invoke(getSecondFactor, {});
  }
  identities(): Observable<Page<Identity>> {
    return this.api.invoke(listIdentities, { limit: LONGEST_PAGE });
  }
  connectIdentity(provider: string, currentPassword?: string): Observable<ProviderSignIn> {
    const body = { provider, ...(currentPassword !== undefined && { currentPassword }) };
    return this.api.invoke(connectIdentity, { body });
  }
  disconnectIdentity(id: string): Observable<unknown> {
    return this.api.invoke(disconnectIdentity, { id });
  }
  checkProvider(provider: SignInProvider): Observable<ProviderCheck> {
    return this.api.invoke(checkProvider, { body: provider });
  }
  tryModel(section: 'llm' | 'embeddings'): Observable<ModelTrial> {
    return this.api.invoke(tryModel, { body: { section } });
  }
  sessions(): Observable<Page<Session>> {
    return this.api.invoke(listSessions, { limit: LONGEST_PAGE });
  }
  endSession(id: string): Observable<unknown> {
    return this.api.invoke(endSession, { id });
  }
  changePassword(body: ChangeOwnPassword): Observable<unknown> {
    return this.api.invoke(changeOwnPassword, { body });
  }

  audit(query: Partial<AuditQuery>): Observable<Page<AuditRow>> {
    return this.api.invoke(listAudit, { limit: PAGE, ...query });
  }
  verifyAudit(from: number): Observable<AuditVerification> {
    return this.api.invoke(verifyAudit, { from });
  }
}
