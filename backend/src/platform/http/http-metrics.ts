import { Injectable } from '@nestjs/common';

const bucketsSeconds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

interface Series {
  count: number;
  sum: number;
  buckets: number[];
}

/** Requests by method, route pattern and status class, as Prometheus reads them. */
@Injectable()
export class HttpMetrics {
  private readonly series = new Map<string, Series>();
  private requests = 0;
  private errors = 0;

  /** Since the start of the process. An error is ours: 500 and above. */
  totals(): { requests: number; errors: number } {
    return { requests: this.requests, errors: this.errors };
  }

  observe(method: string, route: string, status: number, seconds: number): void {
    this.requests += 1;
    if (status >= 500) this.errors += 1;
    const key = `method="${escapeLabel(method)}",route="${escapeLabel(route)}",status="${status}"`;
    let series = this.series.get(key);
    if (!series) {
      // Methods are the client's to choose; the number of series must not be.
      if (this.series.size >= 2000) return;
      this.series.set(key, (series = { count: 0, sum: 0, buckets: bucketsSeconds.map(() => 0) }));
    }
    series.count++;
    series.sum += seconds;
    bucketsSeconds.forEach((bound, index) => {
      if (seconds <= bound) series.buckets[index]!++;
    });
  }

  render(): string {
    const lines = [
      '# HELP http_server_request_duration_seconds Duration of HTTP requests by route.',
      '# TYPE http_server_request_duration_seconds histogram',
    ];
    for (const [labels, { count, sum, buckets }] of this.series) {
      const name = 'http_server_request_duration_seconds';
      bucketsSeconds.forEach((bound, index) =>
        lines.push(`${name}_bucket{${labels},le="${bound}"} ${buckets[index]}`),
      );
      lines.push(`${name}_bucket{${labels},le="+Inf"} ${count}`);
      lines.push(`${name}_sum{${labels}} ${sum}`, `${name}_count{${labels}} ${count}`);
    }
    return lines.join('\n') + '\n';
  }
}

const escapeLabel = (text: string) =>
  text.replace(/[\\"\n]/g, (c) => (c === '\n' ? '\\n' : `\\${c}`));
