import type * as Swagger from '@nestjs/swagger';

type Decorators = Pick<
  typeof Swagger,
  | 'ApiBody'
  | 'ApiConsumes'
  | 'ApiHeader'
  | 'ApiOperation'
  | 'ApiParam'
  | 'ApiProduces'
  | 'ApiResponse'
  | 'ApiTags'
>;
type Target = [target: object, key?: string | symbol, descriptor?: PropertyDescriptor];

const notes: ((swagger: Decorators) => void)[] = [];

/**
 * A decorator of @nestjs/swagger that only notes what it would say of a route, until somebody asks for the document.
 * Hardly a process is ever asked, and that package, with what it brings, is a seventh of the files that a start loads.
 */
function noted<Name extends keyof Decorators>(name: Name) {
  return (...said: Parameters<Decorators[Name]>) =>
    (...target: Target): void => {
      notes.push((swagger) => {
        const decorator = swagger[name] as (...said: Parameters<Decorators[Name]>) => unknown;
        (decorator(...said) as (...target: Target) => void)(...target);
      });
    };
}

export const ApiBody = noted('ApiBody');
export const ApiConsumes = noted('ApiConsumes');
export const ApiHeader = noted('ApiHeader');
export const ApiOperation = noted('ApiOperation');
export const ApiParam = noted('ApiParam');
export const ApiProduces = noted('ApiProduces');
export const ApiResponse = noted('ApiResponse');
export const ApiTags = noted('ApiTags');

/** Loads the package, and says to it all that was noted since the last time, in the same order. */
export async function swaggerWithNotes(): Promise<typeof Swagger> {
  const swagger = await import('@nestjs/swagger');
  for (const say of notes.splice(0)) say(swagger);
  return swagger;
}
