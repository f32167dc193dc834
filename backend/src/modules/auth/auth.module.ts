import { Global, Module } from '@nestjs/common';
import { Authenticator } from '../../platform/http/authenticator.js';
import { HttpModule } from '../../platform/http/http.module.js';
import { ConfigModule } from '../config/index.js';
import { RbacModule } from '../rbac/index.js';
import { AuthController } from './auth.controller.js';
import { AuthQueries } from './auth.queries.js';
import { BeginSecondFactorHandler } from './commands/begin-second-factor.js';
import { ChangeOwnPasswordHandler } from './commands/change-own-password.js';
import { ChangePersonHandler } from './commands/change-person.js';
import { ConfirmSecondFactorHandler } from './commands/confirm-second-factor.js';
import { CreateApiTokenHandler } from './commands/create-api-token.js';
import { CreatePersonHandler } from './commands/create-person.js';
import { EndSessionHandler } from './commands/end-session.js';
import { RenewRecoveryCodesHandler } from './commands/renew-recovery-codes.js';
import { ResetSecondFactorHandler } from './commands/reset-second-factor.js';
import { RevokeApiTokenHandler } from './commands/revoke-api-token.js';
import { SignInHandler } from './commands/sign-in.js';
import { SignOutHandler } from './commands/sign-out.js';
import { TurnOffSecondFactorHandler } from './commands/turn-off-second-factor.js';
import { LoginAttempts } from './login-attempts.js';
import { OwnPassword } from './own-password.js';
import { OwnerBootstrap } from './owner-bootstrap.js';
import { Passwords } from './passwords.js';
import { PeopleController } from './people.controller.js';
import { SecondFactorController } from './second-factor.controller.js';
import { SecondFactors } from './second-factors.js';
import { Sessions } from './sessions.js';
import { SessionAuthenticator } from './session-authenticator.js';
import { SessionPruner } from './session-pruner.js';

/** Global for the Authenticator: routes, sockets and streams all ask it. */
@Global()
@Module({
  imports: [HttpModule, ConfigModule, RbacModule],
  controllers: [AuthController, SecondFactorController, PeopleController],
  providers: [
    SessionAuthenticator,
    { provide: Authenticator, useExisting: SessionAuthenticator },
    AuthQueries,
    LoginAttempts,
    OwnPassword,
    OwnerBootstrap,
    Passwords,
    SecondFactors,
    Sessions,
    SessionPruner,
    SignInHandler,
    SignOutHandler,
    CreateApiTokenHandler,
    RevokeApiTokenHandler,
    CreatePersonHandler,
    ChangePersonHandler,
    ChangeOwnPasswordHandler,
    EndSessionHandler,
    BeginSecondFactorHandler,
    ConfirmSecondFactorHandler,
    TurnOffSecondFactorHandler,
    RenewRecoveryCodesHandler,
    ResetSecondFactorHandler,
  ],
  exports: [Authenticator, LoginAttempts, OwnPassword, OwnerBootstrap, SecondFactors, Sessions],
})
export class AuthModule {}
