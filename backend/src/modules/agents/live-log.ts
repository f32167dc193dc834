import type { Request, Response } from 'express';
import { follow } from '../../platform/http/follow.js';
import type { Wakeups } from '../../platform/outbox/wakeups.js';
import type { AgentLog, LogPosition } from './agent-log.js';

/** The log as it is written, as server-sent events: the last lines first, then what is new. */
export async function streamLog(
  log: AgentLog,
  wakeups: Wakeups,
  agentId: string,
  request: Request,
  response: Response,
): Promise<void> {
  let from: LogPosition | undefined;
  await follow(
    {
      stopped: log.stopped,
      hear: [(wake) => log.onFresh(agentId, wake), (wake) => wakeups.onNews(wake)],
      look: async () => {
        const { lines, position } = await (from ? log.since(agentId, from) : log.latest(agentId));
        from = position;
        return lines.map((line) => ({ id: line.id, event: 'log', data: line }));
      },
    },
    request,
    response,
  );
}
