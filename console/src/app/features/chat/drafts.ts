import type { Attachment } from './uploads';

export interface Draft {
  mode: 'text' | 'dsl';
  text: string;
  /** The steps, as they are typed. */
  dsl: string;
  agentId: string | null;
}
export interface KeptDraft extends Draft {
  files: Attachment[];
}

export const emptyDraft: Draft = { mode: 'text', text: '', dsl: '', agentId: null };
const MAX_SAID = 50;

/**
 * What a person was writing, by conversation, and what they wrote before. It lasts as long as the tab, and is told
 * apart by person; signing out empties it (see `leave` in shared/state/session.ts).
 */
export class Drafts {
  constructor(private readonly userId: () => string) {}

  read(conversationId: string | null): KeptDraft {
    const kept = this.get<Partial<KeptDraft>>(this.key(conversationId));
    return { ...emptyDraft, files: [], ...kept };
  }

  write(conversationId: string | null, draft: KeptDraft): void {
    const isEmpty = draft.text === '' && draft.dsl === '' && draft.files.length === 0;
    // A file that had not arrived cannot be sent after a reload: the browser no longer has it.
    const files = draft.files.filter(({ artifactId }) => artifactId !== null);
    this.set(this.key(conversationId), isEmpty && !draft.agentId ? null : { ...draft, files });
  }

  /** Oldest first. */
  said(): string[] {
    return this.get<string[]>(this.key('said', 'said')) ?? [];
  }
  say(text: string): void {
    const before = this.said().filter((one) => one !== text);
    this.set(this.key('said', 'said'), [...before, text].slice(-MAX_SAID));
  }

  private key(id: string | null, kind = 'draft'): string {
    return `aos.${kind}.${this.userId()}.${id ?? 'new'}`;
  }
  private get<T>(key: string): T | null {
    try {
      return JSON.parse(sessionStorage.getItem(key) ?? 'null') as T | null;
    } catch {
      return null;
    }
  }
  private set(key: string, value: unknown): void {
    try {
      if (value === null) sessionStorage.removeItem(key);
      else sessionStorage.setItem(key, JSON.stringify(value));
    } catch {
      // Storage is full or forbidden: the draft lasts as long as the page.
    }
  }
}
