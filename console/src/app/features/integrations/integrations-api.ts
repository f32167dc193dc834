import { Injectable, inject } from '@angular/core';
import { Api } from '@aos/api-client';
import {
  approvePin,
  callTool,
  changeServer,
  getPolicies,
  getServer,
  getToolReport,
  importOpenApi,
  importServers,
  listLaunchTemplates,
  listPins,
  listRecentCalls,
  listRoles,
  listServerStandings,
  listServers,
  listToolActivity,
  listTools,
  previewPolicies,
  putPolicies,
  registerServer,
  removeServer,
  testNewServer,
  testServer,
} from '@aos/api-client/functions';
import type {
  ApprovePin,
  CallAnswer,
  ImportOpenApi,
  ImportServers,
  LaunchTemplate,
  McpServerInfo,
  McpTool,
  OpenApiImport,
  Page,
  PatchServer,
  PinState,
  Policies,
  PoliciesPreview,
  PolicyDocument,
  Proposal,
  PreviewPolicies,
  RecentCall,
  RegisterServer,
  ServerStanding,
  ServerTrial,
  ServersImport,
  ToolActivity,
  ToolPin,
  ToolReport,
} from '@aos/contracts';
import { EMPTY, type Observable, expand, map, reduce } from 'rxjs';

const LONGEST_PAGE = 200;
const PAGE = 50;
/** A room with more pages than this is not looked through in the browser. */
const MOST_PAGES = 25;

/** What this room asks of the server; typed by the contract, as in `shared/api/aos-api.ts`. */
@Injectable({ providedIn: 'root' })
export class IntegrationsApi {
  private readonly api = inject(Api);

  servers(): Observable<McpServerInfo[]> {
    return this.all((cursor) => this.api.invoke(listServers, { limit: LONGEST_PAGE, cursor }));
  }
  /** A twelfth of `servers()`, for who has those. */
  standings(): Observable<ServerStanding[]> {
    return this.all((cursor) =>
      this.api.invoke(listServerStandings, { limit: LONGEST_PAGE, cursor }),
    );
  }
  server(name: string): Observable<McpServerInfo> {
    return this.api.invoke(getServer, { name });
  }
  tools(server?: string): Observable<McpTool[]> {
    return this.all((cursor): Observable<Page<McpTool>> =>
      this.api.invoke(listTools, { limit: LONGEST_PAGE, cursor, server }),
    );
  }
  /** Null where its server does not offer it: it is gone, or off. */
  tool(server: string, tool: string): Observable<McpTool | null> {
    return this.api.invoke(listTools, { server, tool }).pipe(map(({ items }) => items[0] ?? null));
  }
  activity(server?: string): Observable<ToolActivity[]> {
    return this.all((cursor): Observable<Page<ToolActivity>> =>
      this.api.invoke(listToolActivity, { limit: LONGEST_PAGE, cursor, server }),
    );
  }
  calls(server: string, tool?: string, cursor?: string): Observable<Page<RecentCall>> {
    return this.api.invoke(listRecentCalls, { server, tool, cursor, limit: PAGE });
  }
  /** The definitions of a server's tools, those that wait for approval among them. */
  pins(server: string): Observable<ToolPin[]> {
    return this.all((cursor) => this.api.invoke(listPins, { limit: LONGEST_PAGE, cursor, server }));
  }
  /** Of all servers, or of one; a page at a time. */
  allPins(query: {
    state?: PinState;
    server?: string;
    cursor?: string;
  }): Observable<Page<ToolPin>> {
    return this.api.invoke(listPins, { limit: PAGE, ...query });
  }
  /** Where a second person is wanted the answer is a proposal, here and wherever a server is changed. */
  approvePin(approval: ApprovePin): Observable<ToolPin | Proposal> {
    return this.api.invoke(approvePin, { body: approval });
  }

  toolReport(server: string, tool: string): Observable<ToolReport> {
    return this.api.invoke(getToolReport, { server, tool });
  }

  policies(): Observable<Policies> {
    return this.api.invoke(getPolicies, {});
  }
  /** What a draft would change; with a call, what every link would do with that one. */
  previewPolicies(body: PreviewPolicies): Observable<PoliciesPreview> {
    return this.api.invoke(previewPolicies, { body });
  }
  /** Where a second person is wanted the answer is a proposal. */
  savePolicies(body: PolicyDocument, version: number): Observable<Policies | Proposal> {
    return this.api.invoke(putPolicies, { body, 'If-Match': `"${version}"` });
  }
  roleNames(): Observable<string[]> {
    return this.api
      .invoke(listRoles, { limit: LONGEST_PAGE })
      .pipe(map(({ items }) => items.map(({ name }) => name)));
  }

  importServers(body: ImportServers): Observable<ServersImport | Proposal> {
    return this.api.invoke(importServers, { body });
  }
  importOpenApi(body: ImportOpenApi): Observable<OpenApiImport | Proposal> {
    return this.api.invoke(importOpenApi, { body });
  }

  launchTemplates(): Observable<LaunchTemplate[]> {
    return this.api.invoke(listLaunchTemplates, {}).pipe(map(({ items }) => items));
  }
  tryNew(server: RegisterServer): Observable<ServerTrial> {
    return this.api.invoke(testNewServer, { body: server });
  }
  try(name: string): Observable<ServerTrial> {
    return this.api.invoke(testServer, { name });
  }
  register(server: RegisterServer): Observable<McpServerInfo | Proposal> {
    return this.api.invoke(registerServer, { body: server });
  }
  change(
    { name, version }: McpServerInfo,
    body: PatchServer,
  ): Observable<McpServerInfo | Proposal> {
    return this.api.invoke(changeServer, { name, body, 'If-Match': `"${version}"` });
  }
  remove({ name, version }: McpServerInfo): Observable<Proposal | null> {
    return this.api.invoke(removeServer, { name, 'If-Match': `"${version}"` });
  }
  call(server: string, tool: string, args: Record<string, unknown>): Observable<CallAnswer> {
    return this.api.invoke(callTool, { body: { server, tool, args } });
  }
  wouldCall(server: string, tool: string, args: Record<string, unknown>): Observable<CallAnswer> {
    return this.api.invoke(callTool, { body: { server, tool, args, dryRun: true } });
  }

  private all<T>(page: (cursor?: string) => Observable<Page<T>>): Observable<T[]> {
    let pages = 1;
    return page().pipe(
      expand(({ nextCursor }) =>
        nextCursor && (pages += 1) <= MOST_PAGES ? page(nextCursor) : EMPTY,
      ),
      reduce((items: T[], next) => items.concat(next.items), []),
    );
  }
}
