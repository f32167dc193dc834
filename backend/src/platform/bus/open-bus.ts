import { type Environment, StartRefused } from '../config/environment.js';
import { MasterKey } from '../config/master-key.js';
import type { Broker } from './broker-bus.js';
import { BrokerBus } from './broker-bus.js';
import type { Bus } from './bus.js';
import { PostgresBus } from './postgres-bus.js';

/**
 * What AOS_BUS names; nothing on the embedded database, where a process is alone.
 * @throws StartRefused when the broker does not answer, or refuses
 */
export async function openBus(environment: Environment): Promise<Bus | undefined> {
  const { bus, databaseUrl } = environment;
  if (!databaseUrl) return undefined;
  if (bus === 'postgres') return new PostgresBus(databaseUrl);
  const masterKey = MasterKey.load(environment);
  // Two installations on one broker do not meet.
  const subject = `aos.${masterKey.derive('bus-subject').toString('hex').slice(0, 24)}`;
  const broker = await brokerAt(new URL(bus), subject);
  const opened = new BrokerBus(broker, masterKey.derive('bus'));
  try {
    await opened.open();
  } catch (error) {
    throw new StartRefused(
      `AOS_BUS names ${broker.place}, which could not be used: ${reasonOf(error)}. Start it or mend the URL, or unset AOS_BUS to let Postgres carry the wake-ups.`,
      { cause: error },
    );
  }
  return opened;
}

/** The clients are loaded where they are used. */
async function brokerAt(url: URL, subject: string): Promise<Broker> {
  if (/^redis/.test(url.protocol)) {
    const { RedisBroker } = await import('./redis-broker.js');
    return new RedisBroker(url, subject);
  }
  const { NatsBroker } = await import('./nats-broker.js');
  return new NatsBroker(url, subject);
}

/** Never the URL, which may hold a password. */
function reasonOf(error: unknown): string {
  const { message, code, cause } = error as Error & { code?: string };
  if (cause instanceof Error) return reasonOf(cause);
  return message ? message.split('\n')[0]! : (code ?? 'no reason was given');
}
