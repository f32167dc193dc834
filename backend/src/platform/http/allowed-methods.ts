import type { Application } from 'express';

interface Layer {
  route?: { methods: Record<string, boolean> };
  /** Of Express's router; throws when a parameter does not decode. */
  match(path: string): boolean;
}

/** The methods that the routes of this path take, or none where no route has it. HEAD goes with GET. */
export function allowedMethods(app: Application, path: string): string[] {
  const { stack } = app.router as unknown as { stack: Layer[] };
  const methods = new Set<string>();
  for (const layer of stack) {
    if (!layer.route || !layer.match(path)) continue;
    for (const method of Object.keys(layer.route.methods)) methods.add(method.toUpperCase());
  }
  if (methods.has('GET')) methods.add('HEAD');
  return [...methods].sort();
}
