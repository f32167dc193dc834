import { Injectable, inject } from '@angular/core';
import { Api } from '@aos/api-client';
import {
  decideProposal,
  getProposal,
  getSecondPersonRule,
  listProposals,
} from '@aos/api-client/functions';
import type {
  DecideProposal,
  Page,
  Proposal,
  ProposalKind,
  SecondPersonRule,
} from '@aos/contracts';
import type { Observable } from 'rxjs';

const PAGE = 50;

@Injectable({ providedIn: 'root' })
export class ProposalsApi {
  private readonly api = inject(Api);

  rule(): Observable<SecondPersonRule> {
    return this.api.invoke(getSecondPersonRule, {});
  }
  list(query: {
    state?: Proposal['state'];
    kind?: ProposalKind;
    cursor?: string;
  }): Observable<Page<Proposal>> {
    return this.api.invoke(listProposals, { limit: PAGE, ...query }) as Observable<Page<Proposal>>;
  }
  one(id: string): Observable<Proposal> {
    return this.api.invoke(getProposal, { id }) as Observable<Proposal>;
  }
  decide(id: string, body: DecideProposal): Observable<Proposal> {
    return this.api.invoke(decideProposal, { id, body }) as Observable<Proposal>;
  }
}
