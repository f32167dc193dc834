/**
 * The part of ClickHouse's HTTP interface that its client uses, in front of the real engine (chdb, which runs it within a
 * process). Each statement is handed to it whole: nothing is understood here but the way in and out.
 *
 *   node clickhouse-server.mjs <module> <folder> <port> <user> <password>
 */
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { gunzipSync } from 'node:zlib';

const [module, folder, port, user, password] = process.argv.slice(2);
const { Session } = createRequire(import.meta.url)(module);
const session = new Session(folder);
session.query('CREATE DATABASE IF NOT EXISTS aos');
const basic = `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
const own = new Set(['query', 'query_id', 'database', 'session_id', 'role']);

/** The engine has one session: what a request sets must not meet another's statement. */
let last = Promise.resolve();
const inTurn = (work) => (last = last.then(work, work));

createServer((request, response) => {
  const { pathname, searchParams } = new URL(request.url, 'http://x');
  const body = [];
  request.on('data', (chunk) => body.push(chunk));
  request.on('end', () => {
    if (pathname === '/ping') return response.end('Ok.\n');
    if (request.headers.authorization !== basic)
      return refuse(response, 516, `Code: 516. DB::Exception: ${user}: Authentication failed.`);
    const isZipped = request.headers['content-encoding'] === 'gzip';
    const whole = isZipped ? gunzipSync(Buffer.concat(body)) : Buffer.concat(body);
    const text = [searchParams.get('query'), whole.toString()];
    return inTurn(() => answer(response, text.filter(Boolean).join('\n'), searchParams));
  });
}).listen(Number(port), '127.0.0.1');

async function answer(response, statement, given) {
  const all = [...given];
  const params = all.filter(([name]) => name.startsWith('param_'));
  const settings = all.filter(([name]) => !name.startsWith('param_') && !own.has(name));
  try {
    await session.queryAsync(`USE \`${given.get('database') ?? 'default'}\``);
    for (const [name, value] of settings)
      await session.queryAsync(`SET ${name} = '${value.replaceAll("'", "\\'")}'`);
    const bound = Object.fromEntries(params.map(([name, value]) => [name.slice(6), value]));
    const result = params.length
      ? await session.queryBindAsync(statement, bound)
      : await session.queryAsync(statement);
    response.end(result.text());
  } catch (error) {
    refuse(response, /Code: (\d+)/.exec(error.message)?.[1] ?? 1001, error.message);
  }
}

function refuse(response, code, message) {
  response.writeHead(500, { 'x-clickhouse-exception-code': String(code) }).end(message);
}
