import { ConsoleLogger, type LogLevel } from '@nestjs/common';
import type { LogLine } from '@aos/contracts';
import type { LogStore } from './log-store.js';
import type { Redactor } from './redactor.js';

/** What Nest says of itself at every start: hundreds of lines that answer no question. */
const chatter = new Set(['InstanceLoader', 'RouterExplorer', 'RoutesResolver', 'NestFactory']);

/**
 * Nest's logger: to the terminal what the level of the environment lets through, and everything from `info` up into
 * the log that Monitor searches; neither holds a value of a secret.
 */
export class ServerLog extends ConsoleLogger {
  private store: LogStore | undefined;
  private secrets: Redactor | undefined;

  constructor(levels: LogLevel[] | false) {
    super({ logLevels: levels || [] });
  }

  /** Before this, lines go to the terminal only: there is no database yet. */
  attach(store: LogStore, redactor: Redactor): void {
    this.store = store;
    this.secrets = redactor;
  }

  override log(message: unknown, ...rest: unknown[]): void {
    super.log(this.clean(message), ...this.clean(rest));
    this.keep('info', message, rest);
  }
  override warn(message: unknown, ...rest: unknown[]): void {
    super.warn(this.clean(message), ...this.clean(rest));
    this.keep('warn', message, rest);
  }
  override error(message: unknown, ...rest: unknown[]): void {
    super.error(this.clean(message), ...this.clean(rest));
    this.keep('error', message, rest);
  }
  override fatal(message: unknown, ...rest: unknown[]): void {
    super.fatal(this.clean(message), ...this.clean(rest));
    this.keep('error', message, rest);
  }

  /** A terminal is read by others, and often kept by them. */
  private clean<T>(said: T): T {
    return this.secrets ? this.secrets.redact(said) : said;
  }

  /** Nest appends the name of the logger, and before it, for an error, the stack. */
  private keep(level: LogLine['level'], message: unknown, rest: unknown[]): void {
    const logger = typeof rest.at(-1) === 'string' ? (rest.at(-1) as string) : 'server';
    if (!this.store || chatter.has(logger)) return;
    const stack = level === 'error' && rest.length > 1 ? rest[0] : undefined;
    this.store.add({
      level,
      logger,
      message: message instanceof Error ? message.message : asText(message),
      ...(typeof stack === 'string' ? { attributes: { stack } } : {}),
    });
  }
}

const asText = (message: unknown) =>
  typeof message === 'string' ? message : (JSON.stringify(message) ?? String(message));
