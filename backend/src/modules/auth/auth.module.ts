import { Global, Module } from '@nestjs/common';
import { Authenticator } from '../../platform/http/authenticator.js';
import { HttpModule } from '../../platform/http/http.module.js';
import { RbacModule } from '../rbac/index.js';
import { AuthController } from './auth.controller.js';
import { AuthQueries } from './auth.queries.js';
import { ChangeOwnPasswordHandler } from './commands/change-own-password.js';
import { ChangePersonHandler } from './commands/change-person.js';
import { CreateApiTokenHandler } from './commands/create-api-token.js';
import { CreatePersonHandler } from './commands/create-person.js';
import { EndSessionHandler } from './commands/end-session.js';
import { RevokeApiTokenHandler } from './commands/revoke-api-token.js';
import { SignInHandler } from './commands/sign-in.js';
import { SignOutHandler } from './commands/sign-out.js';
import { LoginAttempts } from './login-attempts.js';
import { OwnerBootstrap } from './owner-bootstrap.js';
import { Passwords } from './passwords.js';
import { PeopleController } from './people.controller.js';
import { SessionAuthenticator } from './session-authenticator.js';
import { SessionPruner } from './session-pruner.js';

/** Global for the Authenticator: routes, sockets and streams all ask it. */
@Global()
@Module({
  imports: [HttpModule, RbacModule],
  controllers: [AuthController, PeopleController],
  providers: [
    SessionAuthenticator,
    { provide: Authenticator, useExisting: SessionAuthenticator },
    AuthQueries,
    LoginAttempts,
    OwnerBootstrap,
    Passwords,
    SessionPruner,
    SignInHandler,
    SignOutHandler,
    CreateApiTokenHandler,
    RevokeApiTokenHandler,
    CreatePersonHandler,
    ChangePersonHandler,
    ChangeOwnPasswordHandler,
    EndSessionHandler,
  ],
  exports: [Authenticator, OwnerBootstrap],
})
export class AuthModule {}
