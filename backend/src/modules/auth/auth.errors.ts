import { AosError } from '../../platform/http/problem.js';

/** One answer for an unknown person, a wrong password and a disabled account. */
export class InvalidCredentials extends AosError {
  constructor() {
    super('invalid_credentials', 'Check both and try again.');
  }
}
