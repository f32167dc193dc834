import { Injectable } from '@nestjs/common';
import { AosError } from '../../../platform/http/problem.js';
import { inSpan } from '../../../platform/telemetry/span.js';
import type { CallEnd } from './ledger.js';
import type { Link, Next, Passage } from './link.js';
import { ToolMetrics } from './tool-metrics.js';

/** The span of a call in the trace of its job, and its place in the metrics; outermost, so that it sees refusals. */
@Injectable()
export class TraceLink implements Link {
  readonly name = 'trace';

  constructor(private readonly metrics: ToolMetrics) {}

  pass(passage: Passage, next: Next): Promise<CallEnd> {
    const { call } = passage;
    const attributes = {
      'aos.tool.server': call.server,
      'aos.tool.name': call.tool,
      ...(call.run
        ? {
            'aos.job.id': call.run.jobId,
            'aos.step.id': call.run.stepId,
            'aos.step.attempt': call.run.attempt,
          }
        : {}),
    };
    return inSpan('tool', `tool ${passage.name}`, attributes, async (span) => {
      passage.span = span;
      const began = performance.now();
      try {
        const end = await next();
        if (passage.isRecorded) span.setAttribute('aos.tool.recorded', true);
        else this.observe(passage, end.status === 'succeeded' ? 'ok' : end.kind, began);
        return end;
      } catch (error) {
        this.observe(passage, error instanceof AosError ? error.code : 'internal', began);
        throw error;
      }
    });
  }

  /** Names that nobody registered are the caller's to choose; the number of series must not be. */
  private observe(passage: Passage, outcome: string, began: number): void {
    const { server, tool } = passage.hasTarget ? passage.call : { server: '', tool: '' };
    this.metrics.observe(server, tool, outcome, (performance.now() - began) / 1000);
  }
}
