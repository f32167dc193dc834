import { Injectable } from '@nestjs/common';

/**
 * Takes known secret values out of anything that is about to be stored, sent or logged: as they are, and in
 * the forms in which programs tend to pass them on (base64 at any alignment, URL-encoded, hex, JSON-escaped
 * any number of times and as each language does it, HTML-escaped, made into a file name). What it cannot know is
 * a form nobody thought of; so tools get secrets only where they must, and this is the second line.
 */
@Injectable()
export class Redactor {
  private readonly names = new Map<string, string>();
  private forms = new Map<string, string>();
  private pattern: RegExp | undefined;
  /** The forms by their first characters, one to `TELLING` of them, and the length of the longest. */
  private beginnings = new Map<string, string[]>();
  private longest = 0;
  private escapes: { pattern: RegExp; name: string }[] = [];

  /** From now on `value` is shown as `[secret NAME]`. */
  know(name: string, value: string): void {
    if (this.names.get(value) === name) return;
    this.names.set(value, name);
    this.pattern = undefined;
  }

  /** Of a value that is worth nothing any more. */
  forget(value: string): void {
    if (this.names.delete(value)) this.pattern = undefined;
  }

  /** A copy without any known value; what holds none is answered as it is. */
  redact<T>(subject: T): T {
    if (this.names.size === 0) return subject;
    return this.walk(subject) as T;
  }

  /**
   * For what is sent one after the other and read together: a value may end one text and begin the next. What a text ends
   * with is taken out where a known value begins so, since what follows is not there yet; and what the next one begins with
   * where it is the rest of one. Less than the first eight characters of a value are not told from other words.
   */
  pieces(): <T>(piece: T) => T {
    // What was sent last, as far as a value begins so.
    let begun = '';
    const text = (piece: string): string => {
      const { clean, begins } = this.piece(begun, piece);
      begun = begins;
      return clean;
    };
    return (piece) => (this.names.size === 0 ? piece : (this.walk(piece, text) as typeof piece));
  }

  private piece(begun: string, piece: string): { clean: string; begins: string } {
    this.pattern ??= this.compile();
    const whole = begun + piece;
    let [from, ahead] = [begun.length, ''];
    for (const [pattern, nameOf] of begun === '' ? [] : this.patterns()) {
      pattern.lastIndex = 0; // matchAll would make the whole pattern anew
      for (let match = pattern.exec(whole); match; match = pattern.exec(whole)) {
        if (match.index >= begun.length) break;
        if (pattern.lastIndex <= from) continue;
        from = pattern.lastIndex;
        ahead = `[secret ${nameOf(match[0])}]`;
      }
    }
    const { at, name } = this.beginning(whole);
    const [to, behind] =
      name === undefined ? [whole.length, ''] : [Math.max(from, at), `[secret ${name}]`];
    return { clean: ahead + this.text(whole.slice(from, to)) + behind, begins: whole.slice(at) };
  }

  private *patterns(): Generator<[RegExp, (found: string) => string]> {
    yield [this.pattern!, (found) => this.forms.get(found)!];
    for (const { pattern, name } of this.escapes) yield [pattern, () => name];
  }

  /** From where on the text is no more than the beginning of a form; whose, where that is long enough to tell. */
  private beginning(whole: string): { at: number; name?: string } {
    for (let at = Math.max(0, whole.length - this.longest + 1); at < whole.length; at++) {
      const head = whole.slice(at, at + TELLING);
      const forms = this.beginnings.get(head);
      if (!forms) continue;
      if (head.length < TELLING) return { at };
      const rest = whole.slice(at);
      const form = forms.find((each) => each.length > rest.length && each.startsWith(rest));
      if (form !== undefined) return { at, name: this.forms.get(form)! };
    }
    return { at: whole.length };
  }

  private walk(subject: unknown, text = (said: string) => this.text(said)): unknown {
    if (typeof subject === 'string') return text(subject);
    if (Array.isArray(subject)) return subject.map((each) => this.walk(each, text));
    if (
      subject === null ||
      typeof subject !== 'object' ||
      subject instanceof Date ||
      Buffer.isBuffer(subject)
    )
      return subject;
    const source = subject instanceof Error ? errorFields(subject) : subject;
    return Object.fromEntries(
      Object.entries(source).map(([key, value]) => [this.text(key), this.walk(value, text)]),
    );
  }

  private text(text: string): string {
    const whole = this.names.get(text);
    if (whole !== undefined) return `[secret ${whole}]`;
    this.pattern ??= this.compile();
    const unescaped = this.escapes.reduce(
      (said, { pattern, name }) => said.replace(pattern, () => `[secret ${name}]`),
      text,
    );
    return unescaped.replace(this.pattern, (found) => {
      const name = this.forms.get(found);
      return name === undefined ? found : `[secret ${name}]`;
    });
  }

  private compile(): RegExp {
    this.forms = new Map();
    this.escapes = [];
    for (const [value, name] of this.names) {
      for (const form of formsOf(value)) this.forms.set(form, name);
      const pattern = spelledPattern(value);
      if (pattern) this.escapes.push({ pattern, name });
    }
    const longestFirst = [...this.forms.keys()].sort((a, b) => b.length - a.length);
    this.longest = longestFirst[0]?.length ?? 0;
    this.beginnings = new Map();
    for (const form of longestFirst)
      for (let length = 1; length <= Math.min(TELLING, form.length - 1); length++) {
        const head = form.slice(0, length);
        const known = this.beginnings.get(head);
        if (known) known.push(form);
        else this.beginnings.set(head, [form]);
      }
    return longestFirst.length === 0
      ? /(?!)/g
      : new RegExp(longestFirst.map(escapePattern).join('|'), 'g');
  }
}

/** Values shorter than this are only taken out where they stand alone: they occur everywhere by chance. */
const SHORTEST = 4;
const SHORTEST_SLUG = 8;
/** So many characters of a value are told from the beginnings of common words. */
const TELLING = 8;

function formsOf(value: string): Set<string> {
  if (value.length < SHORTEST) return new Set();
  const bytes = Buffer.from(value);
  const strict = new URLSearchParams([['', value]]).toString().slice(1); // also ! ' ( ) ~, and + for blanks
  const urls = [encodeURIComponent(value), encodeURI(value), strict, strict.replaceAll('+', '%20')];
  const forms = [
    value,
    ...slugsOf(value),
    ...urls,
    ...urls.map((url) => url.replace(/%[0-9A-F]{2}/g, (code) => code.toLowerCase())),
    bytes.toString('hex'),
    bytes.toString('hex').toUpperCase(),
    ...base64Forms(bytes),
    // PEM travels line by line, too.
    ...(value.includes('\n')
      ? value.split(/\r?\n/).filter((line) => line.length >= 16 && !line.startsWith('-----'))
      : []),
  ];
  return new Set(forms.filter((form) => form.length >= SHORTEST));
}

/**
 * The value where what is no letter or digit is spelled out, each character in any of the ways in which JSON (also within
 * JSON, and so on, with more backslashes each time) and pages do: `\"`, `\/`, `\u0026`, `&amp;`, `&#38;`, `&#x26;`.
 * Undefined for a value of which nothing is ever escaped: it looks the same in all of them.
 */
function spelledPattern(value: string): RegExp | undefined {
  if (value.length < SHORTEST || !/["'&<>+/\\`]|[^ -~]/.test(value)) return undefined;
  let isAfterBackslashes = false;
  const parts = [...value.matchAll(/\\+|[A-Za-z0-9]+|[^]/gu)].map(([part]) => {
    // Those before it have been taken with the row; to share them out in all ways would take for ever.
    const backslashes = isAfterBackslashes ? '' : '\\\\+';
    isAfterBackslashes = part.startsWith('\\');
    if (/[A-Za-z0-9]/.test(part)) return part;
    const least = part.length;
    if (isAfterBackslashes)
      return `(?:\\\\{${least},}|(?:${numbered('\\', '\\\\+').join('|')}){${least}})`;
    return `(?:${spellingsOf(part, backslashes).join('|')})`;
  });
  // A long row of backslashes is tried once, from its beginning.
  return new RegExp(`(?:(?<!\\\\)|(?!\\\\))${parts.join('')}`, 'gu');
}

function spellingsOf(character: string, backslashes: string): string[] {
  const inJson = JSON.stringify(character).slice(1, -1).replace('\\', '');
  const isEscaped = inJson.length === 1 && inJson !== character; // a line end, as `n`
  return [
    escapePattern(character),
    ...(isEscaped ? [backslashes + inJson] : []),
    ...(/["/]/.test(character) && backslashes !== '' ? [backslashes + character] : []),
    ...numbered(character, backslashes),
    ...(entities.has(character) ? [entities.get(character)!] : []),
  ];
}

/** By its number, of whatever case and length. */
function numbered(character: string, backslashes: string): string[] {
  const inAnyCase = (number: number, digits: number) =>
    number
      .toString(16)
      .padStart(digits, '0')
      .replace(/[a-f]/g, (digit) => `[${digit}${digit.toUpperCase()}]`);
  const units = character.split('').map((unit) => `u${inAnyCase(unit.charCodeAt(0), 4)}`);
  const code = character.codePointAt(0)!;
  return [backslashes + units.join('\\\\+'), `&#0*${code};`, `&#[xX]0*${inAnyCase(code, 1)};`];
}

const entities = new Map([
  ['&', '&amp;'],
  ['<', '&lt;'],
  ['>', '&gt;'],
  ['"', '&quot;'],
  ["'", '&apos;'],
]);

/** What is left of it in a name made from a text, where there is enough of it to be told from a common word. */
function slugsOf(value: string): string[] {
  const slug = value.replace(/[^\p{L}\p{N}]+/gu, '-').replace(/^-|-$/g, '');
  return slug.length < SHORTEST_SLUG || slug === value ? [] : [slug, slug.toLowerCase()];
}

/**
 * Inside a longer text (`user:secret` of basic authentication) the value starts at any of three places of a
 * base64 group. The characters that depend on its neighbours are left off each form.
 */
function base64Forms(bytes: Buffer): string[] {
  const forms = [0, 1, 2].map((before) => {
    const encoded = Buffer.concat([Buffer.alloc(before), bytes])
      .toString('base64')
      .replace(/=+$/, '');
    const from = Math.ceil((before * 8) / 6);
    const to = Math.floor(((before + bytes.length) * 8) / 6);
    return encoded.slice(from, to);
  });
  const long = forms.filter((form) => form.length >= 6);
  return [...long, ...long.map((form) => form.replaceAll('+', '-').replaceAll('/', '_'))];
}

const errorFields = ({ name, message, stack, cause }: Error) => ({ name, message, stack, cause });

const escapePattern = (text: string) => text.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&');
