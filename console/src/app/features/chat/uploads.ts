import { HttpEventType } from '@angular/common/http';
import { computed, signal } from '@angular/core';
import type { Problem } from '@aos/contracts';
import type { Subscription } from 'rxjs';
import { toProblem } from '../../shared/api/problem';
import type { ChatApi } from './chat-api';

export interface Attachment {
  key: string;
  /** How a step refers to it: `${inputs.<name>}`. */
  name: string;
  fileName: string;
  bytes: number;
  artifactId: string | null;
  /** How much of it has left, from 0 to 1. */
  sent: number;
  problem: Problem | null;
}

/** The files of a message that is being written: each on its way, here, or refused with a reason. */
export class Uploads {
  readonly all = signal<Attachment[]>([]);
  readonly areHere = computed(() => this.all().every(({ artifactId }) => artifactId !== null));
  private readonly files = new Map<string, File>();
  private readonly underWay = new Map<string, Subscription>();

  constructor(private readonly api: Pick<ChatApi, 'upload'>) {}

  add(files: readonly File[]): void {
    for (const file of files) {
      const key = crypto.randomUUID();
      const name = inputName(
        file.name,
        this.all().map((other) => other.name),
      );
      const fresh = { artifactId: null, sent: 0, problem: null };
      this.files.set(key, file);
      this.all.update((all) => [
        ...all,
        { key, name, fileName: file.name, bytes: file.size, ...fresh },
      ]);
      this.send(key);
    }
  }

  retry(key: string): void {
    this.change(key, { problem: null, sent: 0 });
    this.send(key);
  }

  /** Also ends an upload that is under way. */
  remove(key: string): void {
    this.stop(key);
    this.files.delete(key);
    this.all.update((all) => all.filter((one) => one.key !== key));
  }

  /** In place of what there is; what is under way for another draft is given up. */
  replace(kept: readonly Attachment[]): void {
    for (const key of [...this.underWay.keys()]) this.stop(key);
    this.files.clear();
    this.all.set([...kept]);
  }

  private send(key: string): void {
    const file = this.files.get(key);
    if (!file) return;
    const sending = this.api.upload(file, key).subscribe({
      next: (event) => {
        if (event.type === HttpEventType.UploadProgress && event.total)
          this.change(key, { sent: event.loaded / event.total });
        if (event.type === HttpEventType.Response && event.body)
          this.change(key, { artifactId: event.body.artifactId, sent: 1 });
      },
      error: (error: unknown) => this.change(key, { problem: toProblem(error) }),
    });
    this.underWay.set(key, sending);
    sending.add(() => this.underWay.delete(key));
  }

  private stop(key: string): void {
    this.underWay.get(key)?.unsubscribe();
  }

  private change(key: string, changes: Partial<Attachment>): void {
    this.all.update((all) => all.map((one) => (one.key === key ? { ...one, ...changes } : one)));
  }
}

/** `Bird strikes (2).csv` -> `Bird_strikes_2`, told apart from those that are taken. */
export function inputName(fileName: string, taken: readonly string[]): string {
  const stem = fileName
    .replace(/\.[^.]*$/, '')
    .replace(/[^A-Za-z0-9_-]+/g, '_')
    .replace(/^[^A-Za-z]+|_+$/g, '')
    .slice(0, 56);
  const name = stem || 'file';
  let unique = name;
  for (let n = 2; taken.includes(unique); n += 1) unique = `${name}_${n}`;
  return unique;
}
