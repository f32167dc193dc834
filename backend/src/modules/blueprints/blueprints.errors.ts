import { type FieldFault, say } from '@aos/contracts';
import { AosError, NotFound } from '../../platform/http/problem.js';

export class BlueprintUnknown extends NotFound {
  constructor() {
    super('This blueprint');
  }
}

export class BlueprintVersionUnknown extends NotFound {
  constructor(version: string | number) {
    super(`The version ${version} of this blueprint`);
  }
}

export class BlueprintNameTaken extends AosError {
  constructor(blueprint: string) {
    super('already_exists', say('blueprint-exists', { blueprint }));
  }
}

export class TooManyBlueprints extends AosError {
  constructor(most: number) {
    super('too_many_blueprints', say('blueprints-many', { most }));
  }
}

export class BlueprintFaulty extends AosError {
  constructor(errors: FieldFault[]) {
    super(
      'plan_invalid',
      errors.length === 1
        ? say('blueprint-faulty-one')
        : say('blueprint-faulty', { count: errors.length }),
      { errors },
    );
  }
}

export class InputsRefused extends AosError {
  constructor(blueprint: string, errors: FieldFault[]) {
    super('inputs_invalid', say('inputs-refused', { blueprint }), { errors });
  }
}
