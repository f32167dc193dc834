import { createRequire } from 'node:module';
import { extname, join } from 'node:path';
import { Piscina } from 'piscina';
import { type Chart, PAPER, WIDTH } from './chart.js';

/**
 * ECharts takes half a second of the processor to load and every chart some hundredths, in one piece: here sockets and leases
 * would wait for it. One thread draws one chart after the other, and goes when it has had nothing to draw for a minute.
 */
const THREAD_IS_KEPT_MS = 60_000;
let thread: Piscina | undefined;

/** One that is cancelled while it is drawn ends the thread; the next has a new one. */
export async function renderSvg(chart: Chart, signal: AbortSignal): Promise<string> {
  thread ??= new Piscina({
    filename: join(import.meta.dirname, `chart${extname(import.meta.filename)}`),
    name: 'drawSvg',
    minThreads: 0,
    maxThreads: 1,
    idleTimeout: THREAD_IS_KEPT_MS,
  });
  try {
    return (await thread.run(chart, { signal })) as string;
  } catch (error) {
    signal.throwIfAborted(); // with its reason, which the library's own error leaves out
    throw error;
  }
}

const require = createRequire(import.meta.url);
const fontFiles = ['400Regular/Inter_400Regular.ttf', '600SemiBold/Inter_600SemiBold.ttf'];

/** resvg turns it into PNG in a thread of the runtime's pool. */
export async function renderPng(svg: string, signal: AbortSignal): Promise<Uint8Array> {
  const { renderAsync } = await import('@resvg/resvg-js');
  signal.throwIfAborted(); // not passed on: resvg refuses a signal it has seen in an earlier call
  const image = await renderAsync(svg, {
    font: {
      fontFiles: fontFiles.map((file) => require.resolve(`@expo-google-fonts/inter/${file}`)),
      // Inter has no Chinese; the machine's fonts stand in where there are any.
      loadSystemFonts: true,
      defaultFontFamily: 'Inter',
      sansSerifFamily: 'Inter',
    },
    background: PAPER,
    fitTo: { mode: 'width', value: WIDTH },
  });
  return image.asPng();
}
