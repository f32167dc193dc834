import { Injectable, Logger } from '@nestjs/common';
import type { RedactionRule } from '@aos/contracts';
import { bulkhead } from 'cockatiel';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { setTimeout as pause } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import type { RE2JS } from 're2js';
import { Settings, readPattern } from '../../config/index.js';

/** More text than this is gone through beside this thread: a rule takes up to a second for a megabyte of it. */
const MOST_CHARS_HERE = 16 * 1024;
const MOST_AT_ONCE = 2;
const NO_END = Number.MAX_SAFE_INTEGER;
const THREAD_MS = 30_000;
const THREAD_MB = 512;

/** Goes through everything made of JSON. */
export interface Redaction {
  /** Here and at once: for questions and what is told while a tool works. */
  short<T>(subject: T): T;
  /** For answers, which may be long. */
  whole<T>(subject: T): Promise<T>;
}

/**
 * The rules of the settings (`security.redaction`) for what tools answer and servers say: numbers of cards, of people,
 * of whatever must not be kept. What a rule fits is shown as `[redacted NAME]`, in texts, in names of fields and in
 * numbers; a picture or another file within an answer (`data` or `blob` beside a `mimeType`) is handed on as it is. Values
 * of secrets are taken out before and apart, known by what they are (`Redactor`).
 *
 * A pattern is of RE2 and takes time in proportion to the text, so no rule can hold a call for ever; a long text is
 * gone through in a thread of its own all the same, with an end.
 *
 * It fails closed. Where a rule cannot be applied (it was stored by a version that reads other patterns, the thread takes
 * too long or runs out of memory) the texts that it would have seen are withheld, each of them and whole, and the log
 * says why; the call itself ends as it did, since its tool has run.
 */
@Injectable()
export class RedactionRules {
  private readonly logger = new Logger(RedactionRules.name);
  private readonly threads = bulkhead(MOST_AT_ONCE, NO_END);
  private kept: { rules: readonly RedactionRule[]; redaction: Redaction | undefined } | undefined;

  constructor(private readonly settings: Settings) {}

  /** As the settings are now. Undefined without rules: then nothing has to be gone through. */
  async inForce(): Promise<Redaction | undefined> {
    const rules = (await this.settings.system()).security.redaction;
    if (this.kept?.rules !== rules) this.kept = { rules, redaction: this.made(rules) };
    return this.kept.redaction;
  }

  private made(rules: readonly RedactionRule[]): Redaction | undefined {
    if (rules.length === 0) return undefined;
    let apply: (text: string) => string;
    try {
      const read = rules.map(({ name, pattern }) => ({ name, pattern: readPattern(pattern) }));
      apply = (text) => applied(read, text);
    } catch (error) {
      this.logger.error({ msg: 'a redaction rule cannot be read: texts are withheld', err: error });
      apply = () => WITHHELD;
    }
    const short = <T>(subject: T): T =>
      changed(subject, (texts) => texts.map((text) => this.tried(apply, text)));
    return {
      short,
      whole: async (subject) => {
        const texts = [...textsOf(subject)];
        if (texts.reduce((sum, text) => sum + text.length, 0) <= MOST_CHARS_HERE)
          return short(subject);
        const clean = await this.threads.execute(() => this.inThread(rules, texts));
        return changed(subject, () => clean);
      },
    };
  }

  private tried(apply: (text: string) => string, text: string): string {
    try {
      return apply(text);
    } catch (error) {
      this.logger.error({ msg: 'a redaction rule failed: the text is withheld', err: error });
      return WITHHELD;
    }
  }

  private async inThread(rules: readonly RedactionRule[], texts: string[]): Promise<string[]> {
    const worker = new Worker(redacts, {
      eval: true,
      workerData: { re2: re2Module, rules, texts },
      resourceLimits: { maxOldGenerationSizeMb: THREAD_MB },
    });
    const timer = new AbortController();
    try {
      return await Promise.race([
        once(worker, 'message').then(([clean]) => clean as string[]),
        pause(THREAD_MS, undefined, { signal: timer.signal }).then(() => {
          throw new Error(`the redaction rules took longer than ${THREAD_MS / 1000} s`);
        }),
      ]);
    } catch (error) {
      this.logger.error({ msg: 'the redaction rules failed: an answer is withheld', err: error });
      return texts.map(() => WITHHELD);
    } finally {
      timer.abort();
      await worker.terminate();
    }
  }
}

export const WITHHELD = '[withheld: it could not be redacted]';
const shownAs = (name: string) => `[redacted ${name}]`;

/** Names hold nothing that a replacement reads as more than itself. */
const applied = (rules: readonly { name: string; pattern: RE2JS }[], text: string): string =>
  rules.reduce((said, { name, pattern }) => pattern.matcher(said).replaceAll(shownAs(name)), text);

const redacts = `
  const { parentPort, workerData } = require('node:worker_threads');
  const { RE2JS } = require(workerData.re2);
  const rules = workerData.rules.map(({ name, pattern }) => ({ name, pattern: RE2JS.compile(pattern) }));
  parentPort.postMessage(workerData.texts.map((text) => rules.reduce(
    (said, { name, pattern }) => pattern.matcher(said).replaceAll('[redacted ' + name + ']'), text)));
`;
const re2Module = createRequire(import.meta.url).resolve('re2js');

/** Every text once: values, names of fields, and numbers as they are written. */
function textsOf(subject: unknown, texts = new Set<string>()): Set<string> {
  if (typeof subject === 'string') {
    if (!ofProtocol.has(subject)) texts.add(subject);
  } else if (typeof subject === 'number') texts.add(String(subject));
  else if (Array.isArray(subject)) for (const each of subject) textsOf(each, texts);
  else if (typeof subject === 'object' && subject !== null)
    for (const [key, value] of Object.entries(subject)) {
      if (!ofProtocol.has(key)) texts.add(key);
      if (!isFile(subject, key)) textsOf(value, texts);
    }
  return texts;
}

/** A copy with the texts that `clean` changes; what holds none of those is answered as it is. */
function changed<T>(subject: T, clean: (texts: string[]) => readonly string[]): T {
  const texts = [...textsOf(subject)];
  const news = new Map<string, string>();
  for (const [index, text] of clean(texts).entries())
    if (text !== texts[index]) news.set(texts[index]!, text);
  return news.size === 0 ? subject : (rebuilt(subject, news) as T);
}

function rebuilt(subject: unknown, news: ReadonlyMap<string, string>): unknown {
  if (typeof subject === 'string') return news.get(subject) ?? subject;
  if (typeof subject === 'number') return news.get(String(subject)) ?? subject;
  if (Array.isArray(subject)) return subject.map((each) => rebuilt(each, news));
  if (typeof subject !== 'object' || subject === null) return subject;
  const fields = new Map<string, unknown>();
  for (const [key, value] of Object.entries(subject)) {
    const name = news.get(key) ?? key;
    // Two that are shown alike are both kept.
    let place = name;
    for (let count = 2; fields.has(place); count++) place = `${name} ${count}`;
    fields.set(place, isFile(subject, key) ? value : rebuilt(value, news));
  }
  return Object.fromEntries(fields);
}

const isFile = (owner: object, key: string): boolean =>
  (key === 'data' || key === 'blob') && 'mimeType' in owner;

/** Words by which the protocol is read: alone they say nothing of anybody, and without them no client knows an answer. */
const ofProtocol = new Set(
  [
    'type text image audio resource resource_link uri mimeType data blob name title description role user assistant',
    'content contents messages message structuredContent isError _meta annotations audience priority lastModified',
    'completion values total hasMore level logger debug info notice warning error critical alert emergency',
    'method params mode form url requestedSchema properties required enum object array string number integer boolean',
    'elicitation/create sampling/createMessage roots/list application/json text/plain',
  ].flatMap((words) => words.split(' ')),
);
