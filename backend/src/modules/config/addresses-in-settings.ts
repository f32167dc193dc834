import { Inject, Injectable, Logger, type OnApplicationBootstrap } from '@nestjs/common';
import type { OwnAccess, SystemConfig } from '@aos/contracts';
import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { AuditTrail } from '../../platform/audit/audit-trail.js';
import type { Environment } from '../../platform/config/environment.js';
import { AddressList } from '../../platform/http/address-list.js';
import { AllowedAddresses } from '../../platform/http/allowed-addresses.js';
import { systemPrincipal } from '../../platform/http/context.js';
import { ENVIRONMENT } from '../../platform/platform.module.js';
import { Settings } from './settings.js';

type Listed = SystemConfig['security']['allowedAddresses'];

/** A database that answers later than this is away, as far as the list is concerned. */
const WAIT_MS = 1_000;

/**
 * The list of the settings. It holds in this process as soon as a change has committed, in others with the wake-up, or
 * five seconds later where that is lost (see Settings). While the database is away, the list that was read last holds.
 *
 * AOS_ALLOW_ADDRESSES lets further addresses into this process, for whoever has to mend a list that leaves everybody out.
 * Being on the machine itself lets nobody in: behind a proxy there, everybody would be.
 */
@Injectable()
export class AddressesInSettings extends AllowedAddresses implements OnApplicationBootstrap {
  private readonly logger = new Logger(AddressesInSettings.name);
  private readonly lists = new WeakMap<Listed, AddressList>();
  private readonly besides: AddressList;
  private last: SystemConfig | undefined;
  private isAwayUntil = 0;

  constructor(
    private readonly settings: Settings,
    private readonly audit: AuditTrail,
    @Inject(ENVIRONMENT) private readonly environment: Environment,
  ) {
    super();
    this.besides = new AddressList(environment.allowAddresses);
  }

  /**
   * The list is known before anybody asks. Who lets addresses in round the settings is whoever starts the process; that it was
   * done is in the record.
   */
  async onApplicationBootstrap(): Promise<void> {
    this.last = await this.settings.system();
    const addresses = this.environment.allowAddresses;
    if (addresses.length === 0 || !this.environment.roles.has('api')) return;
    this.logger.warn(
      `AOS_ALLOW_ADDRESSES lets in ${addresses.join(', ')} besides the list of the settings.`,
    );
    await this.audit.recordAlone(
      { actor: systemPrincipal, traceId: randomUUID().replaceAll('-', ''), ip: null },
      {
        action: 'addresses.allow-at-start',
        resource: 'config:system',
        diff: { addresses: [...addresses] },
      },
    );
  }

  override admits(address: string | null): boolean | Promise<boolean> {
    const fresh = this.settings.fresh();
    if (fresh) return this.admittedBy((this.last = fresh), address);
    return this.read().then((config) => this.admittedBy(config, address));
  }

  /** As it would be under these settings. */
  accessUnder(config: SystemConfig, address: string | null): Omit<OwnAccess, 'ignoresProxy'> {
    const list = config.security.allowedAddresses;
    const isListed = address !== null && list.length > 0 && this.listOf(list).has(address);
    return { address, isListed, isAllowed: this.admittedBy(config, address) };
  }

  private admittedBy({ security }: SystemConfig, address: string | null): boolean {
    const list = security.allowedAddresses;
    if (list.length === 0) return true;
    return address !== null && (this.listOf(list).has(address) || this.besides.has(address));
  }

  private listOf(listed: Listed): AddressList {
    let list = this.lists.get(listed);
    if (!list)
      this.lists.set(listed, (list = new AddressList(listed.map(({ address }) => address))));
    return list;
  }

  /** The figures for Prometheus are asked for also while the database is away: no request waits for it longer than this. */
  private async read(): Promise<SystemConfig> {
    const { last } = this;
    if (last && performance.now() < this.isAwayUntil) return last;
    const reading = this.settings.system();
    if (!last) return (this.last = await reading);
    const patience = new AbortController();
    const late = pause(WAIT_MS, undefined, { signal: patience.signal, ref: false });
    const read = await Promise.race([
      reading.catch(() => undefined),
      late.catch(() => undefined), // cancelled below
    ]);
    patience.abort();
    if (read) return (this.last = read);
    this.isAwayUntil = performance.now() + WAIT_MS;
    return last;
  }
}
