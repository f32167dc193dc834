import { Module } from '@nestjs/common';
import { Authenticator } from '../../platform/http/authenticator.js';
import { SessionAuthenticator } from './session-authenticator.js';

@Module({
  providers: [SessionAuthenticator, { provide: Authenticator, useExisting: SessionAuthenticator }],
  exports: [Authenticator, SessionAuthenticator],
})
export class AuthModule {}
