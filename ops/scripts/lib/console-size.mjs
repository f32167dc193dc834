/**
 * What a browser must fetch before a room of the console stands, from the build's own record of its chunks.
 *
 *     initial     the entry and the frame with all that they import, and the words of one language: every page needs it
 *     a room      its routes, all of its pages and the words of one language, less what is there already
 *     on demand   what a page fetches when a part of it comes into sight: charts, editors, the PDF reader
 *
 * A dynamic import in a file of routes is a page; anywhere else it is a part on demand.
 */
import { basename } from 'node:path';
import { gzipSync } from 'node:zlib';

export const LIMITS = { initial: 160_000, room: 120_000 };

const MAIN = 'src/main.ts';
const ROUTES = 'src/app/app.routes.ts';
const SHELL = 'src/app/shell/shell.ts';
const isWords = (module) => /\/(words\.|i18n\/)(en|zh)\.ts$/.test(module);

/** `read(name)` gives the bytes of an emitted file. */
export function measure(stats, read, limits = LIMITS) {
  const graph = graphOf(stats, read);
  const initial = graph.closure([MAIN, SHELL]);
  const words = graph.dynamic(initial).filter(isWords);
  const rooms = graph
    .importsOf(ROUTES)
    .filter((module) => module !== SHELL)
    .map((module) => measureRoom(graph, module, initial));
  const bytes = graph.size(initial) + graph.largest(words);
  const isPart = (module) =>
    module !== SHELL && !isWords(module) && !rooms.some(({ entry }) => entry === module);
  const frame = graph.dynamic(initial).filter(isPart);
  const parts = new Map();
  for (const module of [...frame, ...rooms.flatMap(({ onDemand }) => onDemand)]) {
    const users = rooms.filter(({ onDemand }) => onDemand.includes(module)).map(({ name }) => name);
    const there = users.length === 1 ? rooms.find(({ name }) => name === users[0]).chunks : initial;
    parts.set(module, {
      name: module.replace(/^.*node_modules\//, '').replace(/^src\/app\//, ''),
      bytes: graph.size(graph.closure([module], there)),
      users: frame.includes(module) ? ['frame'] : users,
    });
  }
  return {
    rows: [
      row('initial', bytes, limits.initial),
      ...rooms.map(({ name, bytes: size }) => row(name, size, limits.room)),
    ],
    onDemand: [...parts.values()].sort((a, b) => b.bytes - a.bytes),
  };
}

const row = (name, bytes, limit) => ({ name, bytes, limit, isOver: bytes > limit });

function measureRoom(graph, entry, initial) {
  let chunks = graph.closure([entry], initial);
  const words = new Set();
  const onDemand = new Set();
  // Pages may be routes again, with pages of their own.
  for (const open = [...graph.dynamicFrom(chunks)]; open.length > 0;) {
    const { from, to } = open.pop();
    if (isWords(to)) words.add(to);
    else if (!from.endsWith('.routes.ts')) onDemand.add(to);
    else {
      const more = graph.closure([to], new Set([...initial, ...chunks]));
      if (more.size > 0) open.push(...graph.dynamicFrom(more));
      chunks = new Set([...chunks, ...more]);
    }
  }
  return {
    entry,
    name: /features\/([^/]+)\//.exec(entry)?.[1] ?? basename(entry, '.ts'),
    bytes: graph.size(chunks) + graph.largest([...words]),
    chunks: new Set([...initial, ...chunks]),
    onDemand: [...onDemand],
  };
}

function graphOf({ inputs, outputs }, read) {
  const scripts = Object.entries(outputs).filter(([name]) => name.endsWith('.js'));
  const chunkOf = new Map(
    scripts.filter(([, { entryPoint }]) => entryPoint).map(([name, o]) => [o.entryPoint, name]),
  );
  const zipped = new Map();
  const sizeOf = (chunk) => {
    if (!zipped.has(chunk)) zipped.set(chunk, gzipSync(read(chunk)).length);
    return zipped.get(chunk);
  };
  const importsOf = (module) =>
    (inputs[module]?.imports ?? [])
      .filter(({ kind }) => kind === 'dynamic-import')
      .map(({ path }) => path)
      .filter((path) => chunkOf.has(path));

  /** The chunks that come with these modules by static imports, without those that are there already. */
  function closure(modules, there = new Set()) {
    const found = new Set();
    const open = modules.map((module) => chunkOf.get(module)).filter(Boolean);
    while (open.length > 0) {
      const chunk = open.pop();
      if (found.has(chunk) || there.has(chunk)) continue;
      found.add(chunk);
      for (const { path, kind } of outputs[chunk].imports) {
        if (kind === 'import-statement' && outputs[path]) open.push(path);
      }
    }
    return found;
  }
  const dynamicFrom = (chunks) =>
    [...chunks].flatMap((chunk) =>
      Object.keys(outputs[chunk].inputs).flatMap((from) =>
        importsOf(from).map((to) => ({ from, to })),
      ),
    );
  return {
    importsOf,
    closure,
    dynamicFrom,
    dynamic: (chunks) => [...new Set(dynamicFrom(chunks).map(({ to }) => to))],
    size: (chunks) => [...chunks].reduce((sum, chunk) => sum + sizeOf(chunk), 0),
    largest: (modules) => Math.max(0, ...modules.map((module) => sizeOf(chunkOf.get(module)))),
  };
}

export const kilobytes = (bytes) => `${(bytes / 1000).toFixed(1)} kB`;

export function table({ rows, onDemand }) {
  const lines = [`${'gzip'.padEnd(16)}${'size'.padStart(10)}${'limit'.padStart(10)}`];
  for (const { name, bytes, limit, isOver } of rows) {
    const cells = [kilobytes(bytes), kilobytes(limit)].map((cell) => cell.padStart(10)).join('');
    lines.push(`${name.padEnd(16)}${cells}${isOver ? '  over the limit' : ''}`);
  }
  if (onDemand.length > 0) lines.push('', 'On demand');
  for (const { name, bytes, users } of onDemand) {
    lines.push(`${kilobytes(bytes).padStart(10)}  ${name}  (${users.join(', ')})`);
  }
  return lines.join('\n');
}
