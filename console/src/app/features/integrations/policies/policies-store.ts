import { Injectable, computed, inject, signal } from '@angular/core';
import type { Policies, PolicyDocument, PolicyRule } from '@aos/contracts';
import { Store } from '@ngrx/store';
import { firstValueFrom } from 'rxjs';
import { type Call, done, failed, idle, loading, toProblem } from '../../../shared/api/problem';
import { isProposal } from '../../../shared/proposals/is-proposal';
import { session } from '../../../shared/state/session';
import { IntegrationsApi } from '../integrations-api';
import { type Rebased, isSame, moved, rebased } from './policy-draft';

interface Kept {
  /** What the draft was begun on, and is compared with. */
  base: Policies;
  document: PolicyDocument;
}

/**
 * The rules as they are saved, and a draft beside them. There is a draft as long as it says something else than what
 * it was begun on. When somebody saves meanwhile the draft stays as it is, and `newer` says so until it is put upon
 * the new version.
 */
@Injectable()
export class PoliciesStore {
  private readonly api = inject(IntegrationsApi);
  /**
   * Survives a reload and a look at another room; gone when its writer signs out, as all drafts are. A session that ran
   * out leaves it to them: whoever signs in there instead has a place of their own.
   */
  private readonly place = `aos.policies-draft.${inject(Store).selectSignal(session.selectMe)()?.user.id}`;
  private readonly kept = signal<Kept | null>(read(this.place));

  readonly saved = signal<Policies | null>(null);
  readonly call = signal<Call>(loading);
  readonly saving = signal<Call>(idle);
  readonly base = computed(() => this.kept()?.base ?? this.saved());
  readonly draft = computed(() => this.kept()?.document ?? this.saved()?.document ?? null);
  readonly isChanged = computed(() => this.kept() !== null);
  readonly newer = computed(() => {
    const [kept, saved] = [this.kept(), this.saved()];
    return kept && saved && saved.version > kept.base.version ? saved : null;
  });

  async load(): Promise<void> {
    try {
      const saved = await firstValueFrom(this.api.policies());
      // Asked before a save and answered after it.
      if (saved.version < (this.saved()?.version ?? 0)) return;
      if (!isSame(saved, this.saved())) this.saved.set(saved);
      this.call.set(done);
    } catch (error) {
      this.call.set(failed(error));
    }
  }

  /** The rule under its id, in place of the one under `was`; a new one becomes the first to be asked. */
  put(rule: PolicyRule, was: string | null): void {
    this.edit((document) => ({
      ...document,
      rules:
        was === null
          ? [rule, ...document.rules]
          : document.rules.map((each) => (each.id === was ? rule : each)),
    }));
  }
  remove(id: string): void {
    this.edit((document) => ({
      ...document,
      rules: document.rules.filter((rule) => rule.id !== id),
    }));
  }
  move(id: string, by: -1 | 1): void {
    this.edit((document) => ({ ...document, rules: [...moved(document.rules, id, by)] }));
  }
  toggle(id: string): void {
    this.edit((document) => ({
      ...document,
      rules: document.rules.map((rule) =>
        rule.id === id ? { ...rule, enabled: !rule.enabled } : rule,
      ),
    }));
  }
  setDefault(effect: PolicyDocument['default']): void {
    this.edit((document) => ({ ...document, default: effect }));
  }
  discard(): void {
    this.keep(null);
  }

  /** The draft as it would stand upon what was saved meanwhile. */
  readonly rebased = computed((): Rebased | null => {
    const [kept, newer] = [this.kept(), this.newer()];
    return kept && newer && rebased(kept.base.document, kept.document, newer.document);
  });
  rebase(): void {
    const [result, newer] = [this.rebased(), this.newer()];
    if (result && newer) this.keepOn(newer, result.document);
  }

  /** @returns whether it was saved. A stale draft is kept, and `newer` tells of what came between. */
  async save(): Promise<boolean> {
    const kept = this.kept();
    if (!kept || this.saving().state === 'loading') return false;
    this.saving.set(loading);
    try {
      const saved = await firstValueFrom(this.api.savePolicies(kept.document, kept.base.version));
      // Where a second person is wanted it waits above the rules, and is no draft any more.
      if (!isProposal(saved)) this.saved.set(saved);
      this.keep(null);
      this.saving.set(idle);
      return true;
    } catch (error) {
      if (toProblem(error).status === 412) await this.load();
      this.saving.set(this.newer() ? idle : failed(error));
      return false;
    }
  }

  private edit(change: (document: PolicyDocument) => PolicyDocument): void {
    const [base, draft] = [this.base(), this.draft()];
    if (base && draft) this.keepOn(base, change(draft));
    this.saving.set(idle);
  }
  private keepOn(base: Policies, document: PolicyDocument): void {
    this.keep(isSame(base.document, document) ? null : { base, document });
  }
  private keep(kept: Kept | null): void {
    this.kept.set(kept);
    if (kept) sessionStorage.setItem(this.place, JSON.stringify(kept));
    else sessionStorage.removeItem(this.place);
  }
}

function read(place: string): Kept | null {
  const text = sessionStorage.getItem(place);
  if (text === null) return null;
  try {
    return JSON.parse(text) as Kept;
  } catch {
    return null; // not ours: there is no draft
  }
}
