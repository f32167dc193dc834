import { AosError } from '../../platform/http/problem.js';

export class LastOwner extends AosError {
  constructor() {
    super('last_owner', 'Make somebody else an owner first.');
  }
}
