import { say } from '@aos/contracts';
import { AosError } from '../../platform/http/problem.js';

/** Whoever changes their password is signed in: 403, as a 401 would send them to the door. */
export class WrongPassword extends AosError {
  constructor() {
    super('wrong_password', 'The present password is not right. Nothing was changed.');
  }
}

/** One answer for an unknown person, a wrong password and a disabled account. */
export class InvalidCredentials extends AosError {
  constructor() {
    super('invalid_credentials', 'Check both and try again.');
  }
}

/** The password was right. Nothing of this try is kept: the next one brings it again, with a code. */
export class SecondFactorNeeded extends AosError {
  constructor() {
    super('second_factor_needed', say('code-needed'));
  }
}

export class SecondFactorWrong extends AosError {
  constructor() {
    super('second_factor_wrong', say('code-wrong'));
  }
}

/** As above for somebody who is signed in: see WrongPassword. */
export class WrongCode extends AosError {
  constructor() {
    super('wrong_code', say('code-wrong'));
  }
}

/** The password was right: nobody else is told. */
export class PasswordForOwners extends AosError {
  constructor() {
    super('password_sign_in_off', say('password-for-owners'));
  }
}

/** Of somebody who has no password, and whose session is older than that. */
export class SignInAgain extends AosError {
  constructor() {
    super('wrong_password', say('prove-by-sign-in'));
  }
}
