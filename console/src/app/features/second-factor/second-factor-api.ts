import { Injectable, inject } from '@angular/core';
import { Api } from '@aos/api-client';
import {
  beginSecondFactor,
  confirmSecondFactor,
  getSecondFactor,
  me,
  renewRecoveryCodes,
  turnOffSecondFactor,
} from '@aos/api-client/functions';
import type { Me, RecoveryCodes, SecondFactor, SecondFactorSecret } from '@aos/contracts';
import { firstValueFrom } from 'rxjs';

/** What this page asks of the server. */
@Injectable({ providedIn: 'root' })
export class SecondFactorApi {
  private readonly api = inject(Api);

  present(): Promise<SecondFactor> {
    return firstValueFrom(this.api.invoke(getSecondFactor, {}));
  }
  begin(currentPassword: string | undefined): Promise<SecondFactorSecret> {
    const body = currentPassword === undefined ? {} : { currentPassword };
    return firstValueFrom(this.api.invoke(beginSecondFactor, { body }));
  }
  confirm(code: string): Promise<RecoveryCodes> {
    return firstValueFrom(this.api.invoke(confirmSecondFactor, { body: { code } }));
  }
  renew(code: string): Promise<RecoveryCodes> {
    return firstValueFrom(this.api.invoke(renewRecoveryCodes, { body: { code } }));
  }
  turnOff(code: string): Promise<unknown> {
    return firstValueFrom(this.api.invoke(turnOffSecondFactor, { body: { code } }));
  }
  me(): Promise<Me> {
    return firstValueFrom(this.api.invoke(me, {}));
  }
}
