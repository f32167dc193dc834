import { type Answer, answerOrders, writeSteadily } from './events-protocol.js';
import { type EventServer, openEventServer } from './events-server.js';

let server: EventServer;

answerOrders(async (order): Promise<Answer> => {
  if (order.op === 'listen') {
    server = await openEventServer(order.adminUrl, order.database);
    return { port: server.port };
  }
  if (order.op === 'write')
    return { committedAt: await writeSteadily(order.perSecond, order.seconds, server.write) };
  throw new Error(`a server does not ${order.op}`);
});
