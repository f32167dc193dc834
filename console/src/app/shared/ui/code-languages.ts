import { StreamLanguage, type StringStream } from '@codemirror/language';
import type { Extension } from '@codemirror/state';
import type { CodeFamily } from './code-mirror';

/**
 * Enough of a grammar to tell comments, texts, numbers and keywords apart. A viewer of results needs no more, and
 * each full grammar would weigh as much as all of these together.
 */
interface Family {
  line: RegExp | null;
  block: [string, string] | null;
  quotes: string;
  keywords: ReadonlySet<string>;
  isCaseBlind?: boolean;
}

const list = (words: string) => new Set(words.split(' '));

const families: Record<Exclude<CodeFamily, 'markup'>, Family> = {
  'c-like': {
    line: /^\/\//,
    block: ['/*', '*/'],
    quotes: '"\'`',
    keywords: list(
      'abstract as async await bool boolean break case catch char class const continue def default defer delete do double else enum export extends final finally float fn for from func function go if impl implements import in instanceof int interface let long match mod mut namespace new of override package private protected pub public readonly return self short static struct super switch this throw trait try type typeof use var void while yield',
    ),
  },
  python: {
    line: /^#/,
    block: ['"""', '"""'],
    quotes: '"\'',
    keywords: list(
      'and as assert async await break class continue def del elif else except finally for from global if import in is lambda nonlocal not or pass raise return try while with yield',
    ),
  },
  sql: {
    line: /^--/,
    block: ['/*', '*/'],
    quotes: '\'"',
    isCaseBlind: true,
    keywords: list(
      'add all alter and as asc begin between by cascade case check column commit constraint create cross default delete desc distinct drop else end exists foreign from full group having in index inner insert into is join key left like limit not null offset on or order outer primary references returning right rollback select set table then transaction trigger union unique update using values view when where with',
    ),
  },
  shell: {
    line: /^#/,
    block: null,
    quotes: '"\'`',
    keywords: list(
      'break case cd continue do done echo elif else esac exec exit export fi for function if in local readonly return set shift source then trap unset until while',
    ),
  },
  yaml: { line: /^#/, block: null, quotes: '"\'', keywords: new Set() },
  css: { line: null, block: ['/*', '*/'], quotes: '"\'', keywords: new Set() },
};

const atoms = list('true false null none nil undefined True False None yes no');

interface State {
  /** What ends the text, comment or tag that a line began in; null outside of one. */
  until: string | null;
  is: 'comment' | 'string' | 'tag';
}

const start = (): State => ({ until: null, is: 'comment' });

export function codeLanguage(family: CodeFamily): Extension {
  return StreamLanguage.define<State>({
    name: family,
    startState: start,
    token: family === 'markup' ? markup : (stream, state) => token(stream, state, family),
  });
}

function within(stream: StringStream, state: State): string {
  const { until, is } = state;
  while (!stream.eol()) {
    if (is === 'string' && stream.eat('\\')) {
      stream.next();
      continue;
    }
    if (stream.match(until ?? '')) {
      state.until = null;
      break;
    }
    stream.next();
  }
  // A text in simple quotes ends with its line, whether or not it was closed.
  if (stream.eol() && is === 'string' && until !== '`') state.until = null;
  return is;
}

function token(
  stream: StringStream,
  state: State,
  name: Exclude<CodeFamily, 'markup'>,
): string | null {
  const family = families[name];
  if (state.until !== null) return within(stream, state);
  if (stream.eatSpace()) return null;
  if (family.block && stream.match(family.block[0])) {
    Object.assign(state, { until: family.block[1], is: 'comment' });
    return within(stream, state);
  }
  if (family.line && stream.match(family.line)) {
    stream.skipToEnd();
    return 'comment';
  }
  const quote = stream.peek() ?? '';
  if (family.quotes.includes(quote)) {
    stream.next();
    Object.assign(state, { until: quote, is: 'string' });
    return within(stream, state);
  }
  if (stream.match(/^-?(?:0x[\da-f]+|\d[\d_]*(?:\.\d+)?(?:e[+-]?\d+)?)/i)) return 'number';
  if (name === 'yaml' && stream.match(/^[\w.-]+(?=\s*:(?:\s|$))/)) return 'propertyName';
  if (name === 'css' && stream.match(/^[\w-]+(?=\s*:)/)) return 'propertyName';
  if (stream.match(/^@[\w-]+/)) return 'meta';
  const word = stream.match(/^[\p{L}_$][\p{L}\p{N}_$]*/u);
  if (!word) {
    stream.next();
    return null;
  }
  const text = (word as RegExpMatchArray)[0];
  if (family.keywords.has(family.isCaseBlind ? text.toLowerCase() : text)) return 'keyword';
  return atoms.has(text) ? 'atom' : null;
}

function markup(stream: StringStream, state: State): string | null {
  if (state.until === '-->') return within(stream, state);
  if (state.until === '>') {
    if (stream.eatSpace()) return null;
    if (stream.match(/^\/?>/)) {
      state.until = null;
      return 'tagName';
    }
    if (stream.match(/^"[^"]*"?|^'[^']*'?/)) return 'string';
    if (stream.match(/^[^\s=>/]+/)) return 'attributeName';
    stream.next();
    return null;
  }
  if (stream.match('<!--')) {
    Object.assign(state, { until: '-->', is: 'comment' });
    return within(stream, state);
  }
  if (stream.match(/^<[/?!]?[\w:-]*/)) {
    Object.assign(state, { until: '>', is: 'tag' });
    return 'tagName';
  }
  stream.match(/^[^<]+/);
  return null;
}
