import { Inject, Injectable } from '@nestjs/common';
import type { Environment } from '../../../platform/config/environment.js';
import { ENVIRONMENT } from '../../../platform/platform.module.js';
import { Settings } from '../../config/index.js';
import { type Launch, approveLaunch } from './launch-templates.js';

/** A stdio server as far as starting it goes. */
export interface Launchable {
  command?: string | null | undefined;
  args?: readonly string[] | undefined;
  /** Of a row: it was registered before packages had to be listed. */
  is_launch_kept?: boolean | undefined;
}

/** What may be started on this machine as the settings are now: asked at a registration, and again at each start. */
@Injectable()
export class Launches {
  readonly dataDir: string;

  constructor(
    @Inject(ENVIRONMENT) { dataDir }: Environment,
    private readonly settings: Settings,
  ) {
    this.dataDir = dataDir;
  }

  /** @throws LaunchRefused */
  async approve({ command, args, is_launch_kept: isKept }: Launchable): Promise<Launch> {
    const packages = isKept ? 'any' : await this.packages();
    return approveLaunch(command ?? '', args ?? [], { dataDir: this.dataDir, packages });
  }

  async packages(): Promise<readonly string[]> {
    return (await this.settings.system()).gateway.npmPackages;
  }
}
