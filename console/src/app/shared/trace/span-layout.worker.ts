import { type SpanNumbers, orderSpans } from './span-layout';

/** The part of a worker's scope that is used here: the console's library is that of a page. */
const scope = globalThis as unknown as {
  onmessage: ((event: MessageEvent<SpanNumbers>) => void) | null;
  postMessage(message: unknown, transfer: Transferable[]): void;
};

scope.onmessage = ({ data }) => {
  const made = orderSpans(data);
  scope.postMessage(made, [
    made.order.buffer,
    made.depth.buffer,
    made.descendants.buffer,
    made.isCritical.buffer,
  ]);
};
