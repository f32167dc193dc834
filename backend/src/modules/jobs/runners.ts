import { Injectable } from '@nestjs/common';
import type { JobRunner } from './lease.js';

/** Who can work on which kind of job. Runners register themselves in `onModuleInit`, before the worker starts. */
@Injectable()
export class Runners {
  private readonly byKind = new Map<string, JobRunner>();

  register(runner: JobRunner): void {
    if (this.byKind.has(runner.kind))
      throw new Error(`two runners for jobs of the kind ${runner.kind}`);
    this.byKind.set(runner.kind, runner);
  }

  of(kind: string): JobRunner | undefined {
    return this.byKind.get(kind);
  }

  kinds(): string[] {
    return [...this.byKind.keys()];
  }
}
