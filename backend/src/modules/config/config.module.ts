import { Module } from '@nestjs/common';
import { DeleteSecretHandler } from './commands/delete-secret.js';
import { PutSecretHandler } from './commands/put-secret.js';
import { SaveRuntimeConfigHandler } from './commands/save-runtime-config.js';
import { SaveSystemConfigHandler } from './commands/save-system-config.js';
import { ConfigController } from './config.controller.js';
import { ConfigQueries } from './config.queries.js';
import { InstallationFacts } from './installation.js';
import { Settings } from './settings.js';
import { ProposalsModule } from '../proposals/index.js';
import { RbacModule } from '../rbac/index.js';
import { Vault } from './vault.js';

@Module({
  imports: [ProposalsModule, RbacModule],
  controllers: [ConfigController],
  providers: [
    Settings,
    Vault,
    ConfigQueries,
    InstallationFacts,
    SaveSystemConfigHandler,
    SaveRuntimeConfigHandler,
    PutSecretHandler,
    DeleteSecretHandler,
  ],
  exports: [Settings, Vault],
})
export class ConfigModule {}
