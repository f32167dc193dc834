import { Global, Module } from '@nestjs/common';
import { AllowedAddresses } from '../../platform/http/allowed-addresses.js';
import { HttpModule } from '../../platform/http/http.module.js';
import { AddressesInSettings } from './addresses-in-settings.js';
import { DeleteSecretHandler } from './commands/delete-secret.js';
import { PutSecretHandler } from './commands/put-secret.js';
import { SaveRuntimeConfigHandler } from './commands/save-runtime-config.js';
import { SaveSystemConfigHandler } from './commands/save-system-config.js';
import { ConfigController } from './config.controller.js';
import { ConfigQueries } from './config.queries.js';
import { InstallationFacts } from './installation.js';
import { Settings } from './settings.js';
import { TelemetryInSettings } from './telemetry-in-settings.js';
import { ProposalsModule } from '../proposals/index.js';
import { RbacModule } from '../rbac/index.js';
import { Vault } from './vault.js';

/** Global for the AllowedAddresses: routes, sockets and streams all ask them. */
@Global()
@Module({
  imports: [HttpModule, ProposalsModule, RbacModule],
  controllers: [ConfigController],
  providers: [
    Settings,
    AddressesInSettings,
    { provide: AllowedAddresses, useExisting: AddressesInSettings },
    Vault,
    ConfigQueries,
    InstallationFacts,
    TelemetryInSettings,
    SaveSystemConfigHandler,
    SaveRuntimeConfigHandler,
    PutSecretHandler,
    DeleteSecretHandler,
  ],
  exports: [AllowedAddresses, Settings, Vault],
})
export class ConfigModule {}
