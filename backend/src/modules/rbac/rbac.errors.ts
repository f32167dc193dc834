import { AosError } from '../../platform/http/problem.js';

export class RoleInUse extends AosError {
  constructor(name: string) {
    super('conflict', `People have the role ${name}. Take it away from them first.`);
  }
}

export class LastOwner extends AosError {
  constructor() {
    super('last_owner', 'Make somebody else an owner first.');
  }
}
