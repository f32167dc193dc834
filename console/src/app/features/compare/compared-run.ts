import { computed, signal } from '@angular/core';
import type { Episode } from '@aos/contracts';
import type { Subscription } from 'rxjs';
import type { AosApi } from '../../shared/api/aos-api';
import { type Call, done, failed, idle, loading } from '../../shared/api/problem';
import { hasEnded } from '../../shared/state/jobs';

/** One of the two runs: which one is asked for, and what the server keeps of it. */
export class ComparedRun {
  private readonly traceId = signal<string | null>(null);
  private asked: Subscription | undefined;
  readonly call = signal<Call>(idle);
  readonly episode = signal<Episode | null>(null);
  readonly problem = computed(() => {
    const call = this.call();
    return call.state === 'failed' ? call.problem : null;
  });

  constructor(private readonly api: AosApi) {}

  open(traceId: string | null): void {
    if (traceId === this.traceId() && this.call().state !== 'failed') return;
    this.traceId.set(traceId);
    this.episode.set(null);
    this.load();
  }

  load(): void {
    const traceId = this.traceId();
    this.asked?.unsubscribe();
    if (traceId === null) return this.call.set(idle);
    this.call.set(loading);
    this.asked = this.api.episode(traceId).subscribe({
      next: (episode) => {
        this.episode.set(episode);
        this.call.set(done);
      },
      error: (error: unknown) => this.call.set(failed(error)),
    });
  }

  /** What is still going on is asked for again; what is shown stays when that fails, for the next time. */
  refresh(): Subscription[] {
    const episode = this.episode();
    if (!episode || hasEnded(episode.job)) return [];
    this.asked = this.api.episode(episode.traceId).subscribe({
      next: (now) => this.episode.set(now),
      error: (error: unknown) => {
        const call = failed(error);
        // Taken away meanwhile, or not for this person any more: then it is not shown any longer either.
        if (call.state === 'failed' && call.problem.status === 404) {
          this.episode.set(null);
          this.call.set(call);
        }
      },
    });
    return [this.asked];
  }

  close(): void {
    this.asked?.unsubscribe();
  }
}
