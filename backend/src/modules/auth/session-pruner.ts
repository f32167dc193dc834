import {
  Injectable,
  Logger,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
} from '@nestjs/common';
import { Database } from '../../platform/database/database.js';

/** Sessions that ended a week ago are of no more use: the audit trail has the sign-ins. */
@Injectable()
export class SessionPruner implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly logger = new Logger(SessionPruner.name);
  private timer: NodeJS.Timeout | undefined;

  constructor(private readonly database: Database) {}

  onApplicationBootstrap(): void {
    this.timer = setInterval(() => void this.prune(), 6 * 3600_000).unref();
  }

  onApplicationShutdown(): void {
    clearInterval(this.timer);
  }

  private async prune(): Promise<void> {
    try {
      await this.database.query(
        `DELETE FROM sessions WHERE expires_at < now() - interval '7 days'`,
      );
      await this.database.query('DELETE FROM sign_in_flows WHERE expires_at < now()');
    } catch (error) {
      this.logger.warn({ msg: 'ended sessions could not be pruned', err: error });
    }
  }
}
