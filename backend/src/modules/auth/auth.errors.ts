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
