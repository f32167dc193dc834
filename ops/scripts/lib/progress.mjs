/** One line per step, with the time it took; on a terminal the line counts while the step runs. */
const isTerminal = Boolean(process.stdout.isTTY) && !process.env.CI;
const running = new Map();
let ticker;

export const seconds = (ms) => `${(ms / 1000).toFixed(1)} s`;

function redraw() {
  if (running.size === 0) return;
  const parts = [...running].map(([name, since]) => `${name} ${seconds(Date.now() - since)}`);
  process.stdout.write(`\r\u001b[2K  … ${parts.join(' · ')}`);
}

function line(text) {
  if (isTerminal) process.stdout.write('\r\u001b[2K');
  process.stdout.write(`${text}\n`);
}

/** Runs `work`, announcing it. A failure is marked and passed on; `isGood` finds one in what it came to. */
export async function step(name, what, work, isGood = () => true) {
  const since = Date.now();
  running.set(name, since);
  if (isTerminal) {
    line(`  ▸ ${name.padEnd(18)} ${what}`);
    ticker ??= setInterval(redraw, 200);
  } else {
    line(`  > ${name.padEnd(18)} ${what}`);
  }
  const finish = (mark) => {
    running.delete(name);
    if (running.size === 0) {
      clearInterval(ticker);
      ticker = undefined;
    }
    line(`  ${mark} ${name.padEnd(18)} ${seconds(Date.now() - since)}`);
  };
  try {
    const result = await work();
    const good = isGood(result);
    finish(isTerminal ? (good ? '✔' : '✘') : good ? 'ok' : 'failed');
    return result;
  } catch (error) {
    finish(isTerminal ? '✘' : 'failed');
    throw error;
  }
}

export const note = (text) => line(`  ${text}`);

/** A failure that a person can act on: printed without a stack. */
export class Stop extends Error {
  constructor(message, { tail = '', hint = '' } = {}) {
    super(message);
    this.tail = tail;
    this.hint = hint;
  }
}

/** Runs an entry script's main function and turns what it throws into lines and an exit code. */
export async function runMain(main) {
  try {
    await main();
  } catch (error) {
    if (!(error instanceof Stop)) throw error;
    if (error.tail) console.error(`\n${error.tail.replace(/^/gm, '    ')}\n`);
    console.error(`AOS: ${error.message}`);
    if (error.hint) console.error(error.hint);
    process.exitCode = 1;
  }
}
