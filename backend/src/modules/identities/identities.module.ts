import { Module } from '@nestjs/common';
import { AuthModule } from '../auth/index.js';
import { ConfigModule } from '../config/index.js';
import { GuardedFetch } from '../integrations/index.js';
import { RbacModule } from '../rbac/index.js';
import { BeginProviderSignInHandler } from './commands/begin-provider-sign-in.js';
import { DisconnectIdentityHandler } from './commands/disconnect-identity.js';
import { FinishProviderSignInHandler } from './commands/finish-provider-sign-in.js';
import { ShowSignInCodeHandler } from './commands/show-sign-in-code.js';
import { Flows } from './flows.js';
import { IdentitiesController } from './identities.controller.js';
import { IdentitiesQueries } from './identities.queries.js';
import { Pace } from './pace.js';
import { Providers } from './providers.js';

@Module({
  imports: [AuthModule, ConfigModule, RbacModule],
  controllers: [IdentitiesController],
  providers: [
    Flows,
    GuardedFetch,
    IdentitiesQueries,
    Pace,
    Providers,
    BeginProviderSignInHandler,
    FinishProviderSignInHandler,
    ShowSignInCodeHandler,
    DisconnectIdentityHandler,
  ],
})
export class IdentitiesModule {}
