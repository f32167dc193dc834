import { say } from '@aos/contracts';
import { AosError } from '../../platform/http/problem.js';

export class RoleInUse extends AosError {
  constructor(name: string) {
    super('conflict', say('role-in-use', { role: name }));
  }
}

export class LastOwner extends AosError {
  constructor() {
    super('last_owner', 'Make somebody else an owner first.');
  }
}
