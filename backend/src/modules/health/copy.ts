import { Inject, Injectable, Optional } from '@nestjs/common';
import { Backlog, type Behind } from '../../platform/olap/backlog.js';
import { OLAP, type Olap } from '../../platform/olap/olap.js';

/** A batch goes every few seconds, and a slow writer is waited for. */
const LAGGING_SECONDS = 300;
/** What a probe waits for; see Probe. */
const PATIENCE_MS = 2_000;
const GOOD_FOR_MS = 5_000;

export interface CopyState {
  isUp: boolean;
  isGood: boolean;
  /** For whoever asks, who need not be known: it names no place and no reason. */
  detail: string;
  /** Empty when the database did not say in time. */
  behind: readonly Behind[];
}

/** The copy of the history in ClickHouse: whether it is there, and how far behind. Undefined where there is none. */
@Injectable()
export class Copy {
  private looking: Promise<readonly Behind[] | undefined> | undefined;
  private last: { at: number; behind: readonly Behind[] } | undefined;

  constructor(
    private readonly backlog: Backlog,
    @Optional() @Inject(OLAP) private readonly olap?: Olap,
  ) {}

  async state(): Promise<CopyState | undefined> {
    if (!this.olap) return undefined;
    const [isUp, known] = await Promise.all([this.olap.isUp(), this.behind()]);
    const behind = known ?? [];
    const seconds = Math.max(0, ...behind.map((each) => each.seconds));
    const lost = behind.reduce((sum, each) => sum + each.lost, 0);
    const isLagging = seconds > LAGGING_SECONDS;
    return {
      isUp,
      isGood: isUp && !isLagging,
      behind,
      detail: [
        isUp
          ? 'ClickHouse answers.'
          : 'ClickHouse does not answer, or refuses; the log says why. Monitor answers from Postgres until it is back.',
        known
          ? `The oldest row that is not copied has waited ${seconds.toFixed(0)} s.`
          : 'How far it is behind is not known: the database did not say in time.',
        ...(lost > 0
          ? [`Retention in Postgres took ${lost} rows before they were copied; they are gone.`]
          : []),
      ].join(' '),
    };
  }

  /** One look at a time, however many probe: see Probe. */
  private async behind(): Promise<readonly Behind[] | undefined> {
    if (this.last && performance.now() - this.last.at < GOOD_FOR_MS) return this.last.behind;
    this.looking ??= this.backlog
      .look()
      .then((behind) => ((this.last = { at: performance.now(), behind }), behind))
      .catch(() => undefined) // that the database is away is told of the database
      .finally(() => (this.looking = undefined));
    let timer: NodeJS.Timeout | undefined;
    const tooLong = new Promise<undefined>((resolve) => {
      timer = setTimeout(resolve, PATIENCE_MS, undefined);
    });
    try {
      return await Promise.race([this.looking, tooLong]);
    } finally {
      clearTimeout(timer);
    }
  }
}
