import { RequestMethod } from '@nestjs/common';
import { ModulesContainer } from '@nestjs/core';
import { type BuiltinRole, builtinRoles, rolePermissions } from '@aos/contracts';
import { randomUUID } from 'node:crypto';
import { ACCESS, type AccessRule } from '../src/platform/http/access.js';
import type { HttpApp, SignedIn } from './http-app.js';

type Callable = Pick<HttpApp, 'app' | 'baseUrl' | 'signIn'>;

export interface Route {
  method: string;
  path: string;
  rule: AccessRule | undefined;
}

/** Every route of the application, as Nest has it: nothing can be forgotten in a list. */
export function routesOf(http: Pick<HttpApp, 'app'>): Route[] {
  const routes: Route[] = [];
  for (const module of http.app.get(ModulesContainer).values())
    for (const { metatype } of module.controllers.values()) {
      if (typeof metatype !== 'function') continue;
      const prototype = metatype.prototype as Record<string, unknown>;
      for (const name of Object.getOwnPropertyNames(prototype)) {
        const handler = prototype[name];
        if (typeof handler !== 'function') continue;
        const method = Reflect.getMetadata('method', handler) as RequestMethod | undefined;
        if (method === undefined) continue;
        const rule = (Reflect.getMetadata(ACCESS, handler) ??
          Reflect.getMetadata(ACCESS, metatype)) as AccessRule | undefined;
        for (const base of pathsOf(metatype))
          for (const path of pathsOf(handler))
            routes.push({
              method: method === RequestMethod.ALL ? 'POST' : RequestMethod[method],
              path: `/${base}/${path}`.replace(/\/+/g, '/').replace(/(.)\/$/, '$1'),
              rule,
            });
      }
    }
  return routes.sort((a, b) => (a.path + a.method < b.path + b.method ? -1 : 1));
}

const pathsOf = (target: object): string[] =>
  [Reflect.getMetadata('path', target) ?? ''].flat() as string[];

/** What the guard should do with someone of this role (undefined: nobody). */
export function expected(
  rule: AccessRule | undefined,
  role: BuiltinRole | undefined,
): 'in' | 401 | 403 {
  if (rule?.kind === 'public') return 'in';
  if (role === undefined) return 401;
  if (rule === undefined) return 403;
  if (rule.kind === 'signed-in') return 'in';
  return rolePermissions[role].includes(rule.permission) ? 'in' : 403;
}

/**
 * Calls every route as nobody and as each of the four roles, with an empty body and ids that do not exist,
 * and returns what was not as it should be. `in` means that the guard let the call through to the handler,
 * whatever that made of it.
 */
export async function accessFaults(http: Callable): Promise<string[]> {
  const faults: string[] = [];
  const roles = [undefined, ...builtinRoles];
  const people = new Map<BuiltinRole, SignedIn>();
  for (const role of builtinRoles) people.set(role, await http.signIn(role));
  for (const route of routesOf(http)) {
    for (const role of roles) {
      // Routes that speak of the session itself may end it.
      const isOwn = route.rule?.kind === 'signed-in';
      const as = role && (isOwn ? await http.signIn(role) : people.get(role));
      const status = await statusOf(http, route, as);
      const should = expected(route.rule, role);
      const isRight =
        should === 'in' ? route.rule?.kind === 'public' || status !== 401 : status === should;
      const isRefusedByHandler =
        should === 'in' && status === 403 && route.rule?.kind === 'permission';
      if (!isRight || isRefusedByHandler)
        faults.push(
          `${route.method} ${route.path} as ${role ?? 'nobody'}: ${status}, should be ${should}`,
        );
    }
  }
  return faults;
}

/** Headers only: some answers are streams without end. */
async function statusOf(
  http: Callable,
  { method, path }: Route,
  as: SignedIn | undefined,
): Promise<number> {
  const url = http.baseUrl + path.replace(/:\w+/g, () => randomUUID()).replace(/\*\w*/g, 'x');
  const hasBody = !['GET', 'HEAD', 'DELETE'].includes(method);
  const abort = new AbortController();
  const response = await fetch(url, {
    method,
    redirect: 'manual',
    signal: abort.signal,
    headers: {
      ...(as ? { authorization: `Bearer ${as.token}` } : {}),
      ...(hasBody ? { 'content-type': 'application/json' } : {}),
    },
    ...(hasBody ? { body: '{}' } : {}),
  });
  abort.abort();
  return response.status;
}
