import { type Said, inEnglish, say } from '@aos/contracts';
import { Pace } from '../builtin/skills/pace.js';
import type { ToolDefinition } from '../upstreams/upstream.js';

/** How one operation of a REST service is asked, kept beside its tool. */
export interface Operation {
  tool: string;
  method: 'GET' | 'PUT' | 'POST' | 'DELETE' | 'PATCH' | 'HEAD';
  path: string;
  /** Where the document says that this one is, in place of where the service is. */
  baseUrl?: string;
  params: Parameter[];
  hasBody: boolean;
  /** Of the body, where it is not application/json. */
  mediaType?: string;
  /** How the fields of a form are written, where the document says it. */
  fields?: Record<string, Pick<Parameter, 'style' | 'explode'>>;
}

export interface Parameter {
  name: string;
  in: 'path' | 'query' | 'header';
  argument: string;
  /** How lists and objects are written, in OpenAPI's words, where the document says it; `content`: as JSON. */
  style?: string;
  /** Each member for itself. */
  explode?: boolean;
}

export interface ReadDocument {
  title: string;
  description: string;
  baseUrl: string | undefined;
  tools: { definition: ToolDefinition; operation: Operation }[];
  refused: { operation: string; why: string; said?: Said }[];
}

export class DocumentRefused extends Error {
  override name = 'DocumentRefused';

  constructor(
    /** The message by its code. */
    readonly said: Said,
    options?: ErrorOptions,
  ) {
    super(inEnglish(said), options);
  }
}

type Json = Record<string, unknown>;

const METHODS = ['get', 'put', 'post', 'delete', 'patch', 'head'] as const;
const MOST_OPERATIONS = 500;
const MOST_DEFS = 200;
/** Values in the schema of one tool, and in those of all: each takes along a copy of all that it refers to. */
const MOST_VALUES = 20_000;
const MOST_VALUES_IN_ALL = 1_000_000;
/** A text counts as so many values as it has stretches of this length. */
const CHARS_PER_VALUE = 64;
/** Set by the connection, by the gateway, or by whoever signs in. */
const reservedHeaders =
  /^(authorization|cookie|host|connection|content-length|content-type|transfer-encoding|upgrade|te|trailer|expect|proxy-.*|sec-.*|x-forwarded-.*|forwarded|accept-encoding|accept|traceparent|tracestate)$/i;

/**
 * Reads an OpenAPI document (3.0 or 3.1) into tools, one for each operation. Arguments are named like the
 * parameters; a body of JSON, or the fields of a form, is the argument `body`. An operation that cannot be asked in this way is left out
 * with the reason. References are followed inside the document only.
 *
 * Of each list of `servers` the first is taken, with the defaults of its variables: that of an operation before that of
 * its path, and either before that of the document. One that is relative is so to where the document was fetched from;
 * where it was not, that of an operation or a path is to where the service is.
 *
 * In slices: a document of the size that is taken can hold the event loop for a second, and everybody with it.
 */
export async function readOperations(
  document: Json,
  { documentUrl, baseUrl }: { documentUrl?: string | undefined; baseUrl?: string | undefined } = {},
): Promise<ReadDocument> {
  const version = document['openapi'];
  if (typeof version !== 'string' || !/^3\.[01](\.|$)/.test(version))
    throw new DocumentRefused(say('document-version'));
  const paths = asObject(document['paths']);
  if (!paths) throw new DocumentRefused(say('document-no-paths'));
  const info = asObject(document['info']) ?? {};
  const service = baseUrl ?? serverOf(document['servers'], documentUrl);
  const read: ReadDocument = {
    title: textOf(info['title']),
    description: textOf(info['description']),
    baseUrl: service,
    tools: [],
    refused: [],
  };
  const names = new Set<string>();
  const budget: Budget = { left: MOST_VALUES_IN_ALL };
  const pace = new Pace();
  const attempt = async (operation: string, work: () => void | Promise<void>) => {
    await pace.breathe();
    try {
      await work();
    } catch (error) {
      if (!(error instanceof DocumentRefused)) throw error;
      const { message: why, said } = error;
      read.refused.push({ operation: operation.slice(0, 300), why, ...(said ? { said } : {}) });
    }
  };
  for (const [path, value] of Object.entries(paths))
    await attempt(path, async () => {
      const item = asObject(resolve(document, value)) ?? {};
      for (const method of METHODS) {
        const operation = asObject(item[method]);
        if (!operation) continue;
        await attempt(`${method.toUpperCase()} ${path}`, () => {
          if (read.tools.length >= MOST_OPERATIONS)
            throw new DocumentRefused(say('operation-too-many'));
          const servers = [operation['servers'], item['servers']].find(
            (each) => asList(each).length > 0,
          );
          const at = servers === undefined ? undefined : serverOf(servers, documentUrl ?? service);
          if (servers !== undefined && at === undefined)
            throw new DocumentRefused(say('operation-server'));
          const place = { path, method, operation, shared: item['parameters'], at };
          read.tools.push(toTool(document, place, names, budget));
        });
      }
    });
  return read;
}

interface Place {
  path: string;
  method: (typeof METHODS)[number];
  operation: Json;
  shared: unknown;
  /** Undefined: where the service is. */
  at: string | undefined;
}

/** How many values may be copied yet. */
interface Budget {
  left: number;
}

function toTool(
  document: Json,
  place: Place,
  names: Set<string>,
  budget: Budget,
): ReadDocument['tools'][number] {
  const { path, method, operation, at } = place;
  if (!path.startsWith('/')) throw new DocumentRefused(say('operation-path'));
  const name = nameOf(place);
  if (names.has(name)) throw new DocumentRefused(say('operation-name-taken', { name }));
  const properties: Json = {};
  const required: string[] = [];
  const params: Operation['params'] = [];
  for (const parameter of parametersOf(document, place)) {
    const where = parameter['in'];
    const argument = textOf(parameter['name']);
    const isRequired = parameter['required'] === true || where === 'path';
    const fault = faultOf(where, argument);
    if (fault && isRequired) throw new DocumentRefused(fault);
    if (fault) continue;
    if (Object.hasOwn(properties, argument) || argument === 'body')
      throw new DocumentRefused(say('operation-argument-twice', { argument }));
    const content = asObject(Object.values(asObject(parameter['content']) ?? {})[0]);
    const schema = parameter['schema'] ?? content?.['schema'] ?? {};
    properties[argument] = describe(schema, parameter['description']);
    if (isRequired) required.push(argument);
    const style = content ? 'content' : textOf(parameter['style']);
    const { explode } = parameter;
    params.push({
      name: argument,
      in: where as Parameter['in'],
      argument,
      ...(style ? { style } : {}),
      ...(typeof explode === 'boolean' ? { explode } : {}),
    });
  }
  for (const [, slot] of path.matchAll(/\{([^}]*)\}/g))
    if (!params.some((param) => param.in === 'path' && param.name === slot))
      throw new DocumentRefused(say('operation-slot', { slot: `{${slot}}` }));
  // Of what is only looked at a body says nothing, and no client sends one.
  const isRead = method === 'get' || method === 'head';
  const body = isRead ? undefined : bodyOf(document, operation['requestBody']);
  if (body) {
    properties['body'] = body.schema;
    if (body.isRequired) required.push('body');
  }
  const whole = { type: 'object', properties, required, additionalProperties: false };
  const { schema, defs } = portable(document, whole, budget);
  names.add(name);
  return {
    definition: {
      name,
      title: textOf(operation['summary']).slice(0, 200) || name,
      description: (textOf(operation['description']) || textOf(operation['summary'])).slice(
        0,
        4000,
      ),
      inputSchema: {
        ...(schema as Json),
        type: 'object',
        ...(Object.keys(defs).length > 0 ? { $defs: defs } : {}),
      },
      annotations: { readOnlyHint: isRead },
    },
    operation: {
      tool: name,
      method: method.toUpperCase() as Operation['method'],
      path,
      ...(at === undefined ? {} : { baseUrl: at }),
      params,
      hasBody: body !== undefined,
      ...(body?.written ?? {}),
    },
  };
}

function nameOf({ path, method, operation }: Place): string {
  const given = textOf(operation['operationId']) || `${method}_${path}`;
  return (
    given
      .replace(/[^A-Za-z0-9_.-]+/g, '_')
      .replace(/^_+|_+$/g, '')
      .slice(0, 100) || method
  );
}

function parametersOf(document: Json, { operation, shared }: Place): Json[] {
  const all = new Map<string, Json>();
  for (const value of [...asList(shared), ...asList(operation['parameters'])]) {
    const parameter = asObject(resolve(document, value));
    if (parameter) all.set(`${textOf(parameter['in'])} ${textOf(parameter['name'])}`, parameter);
  }
  return [...all.values()];
}

function faultOf(where: unknown, parameter: string): Said | undefined {
  if (parameter === '' || parameter.length > 200 || parameter === '__proto__')
    return say('operation-parameter-name', { parameter });
  if (where === 'header')
    return reservedHeaders.test(parameter) || !/^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/.test(parameter)
      ? say('operation-parameter-header', { parameter })
      : undefined;
  return where === 'path' || where === 'query'
    ? undefined
    : say('operation-parameter-place', { parameter, place: String(where) });
}

const JSON_TYPE = 'application/json';
export const FORM_TYPE = 'application/x-www-form-urlencoded';
/** The first that is offered is taken. */
const bodyTypes = [
  /^application\/json$/,
  /^application\/[\w.-]+\+json$/,
  new RegExp(`^${FORM_TYPE}$`),
];

interface Body {
  schema: unknown;
  isRequired: boolean;
  written: Pick<Operation, 'mediaType' | 'fields'>;
}

function bodyOf(document: Json, value: unknown): Body | undefined {
  const body = asObject(resolve(document, value));
  const offered = Object.entries(asObject(body?.['content']) ?? {}).map(
    ([type, media]) => [type.split(';', 1)[0]!.trim().toLowerCase(), asObject(media)] as const,
  );
  const isRequired = body?.['required'] === true;
  // Without it such an operation can be asked only in part: a file is not uploaded, a form comes empty.
  const isMeant = isRequired || offered.length > 0;
  const [mediaType, media] =
    bodyTypes.flatMap((wanted) => offered.filter(([type]) => wanted.test(type)))[0] ?? [];
  if (mediaType === undefined && isMeant) throw new DocumentRefused(say('operation-body'));
  if (mediaType === undefined) return undefined;
  const fields = mediaType === FORM_TYPE ? fieldsOf(media?.['encoding']) : {};
  return {
    schema: describe(media?.['schema'] ?? {}, body!['description']),
    isRequired,
    written: mediaType === JSON_TYPE ? {} : { mediaType, ...fields },
  };
}

function fieldsOf(encoding: unknown): Pick<Operation, 'fields'> {
  const fields = Object.entries(asObject(encoding) ?? {}).flatMap(([name, value]) => {
    const { style, explode } = asObject(value) ?? {};
    if (typeof style !== 'string') return [];
    return [[name, { style, ...(typeof explode === 'boolean' ? { explode } : {}) }] as const];
  });
  return fields.length > 0 ? { fields: Object.fromEntries(fields) } : {};
}

const describe = (schema: unknown, description: unknown): unknown =>
  typeof description === 'string' && asObject(schema) && !Object.hasOwn(schema as Json, '$ref')
    ? { description, ...(schema as Json) }
    : schema;

/** What OpenAPI has added to JSON Schema. */
const addedWords = new Set(['$ref', 'nullable', 'discriminator', 'xml', 'example', 'externalDocs']);
/** Of names that the document chose, each with a schema: none of them is a word. */
const chosenNames = new Set([
  'properties',
  'patternProperties',
  'dependentSchemas',
  '$defs',
  'definitions',
]);
/** Data, whatever it looks like. */
const data = new Set(['const', 'enum', 'default', 'examples']);

/** References become `$defs` of the tool's own schema, since the document does not travel with it. */
function portable(
  document: Json,
  schema: unknown,
  budget: Budget,
): { schema: unknown; defs: Json } {
  const defs: Json = {};
  const keys = new Map<string, string>();
  const least = Math.max(0, budget.left - MOST_VALUES);
  const spend = (text: string) => {
    budget.left -= 1 + text.length / CHARS_PER_VALUE;
    if (budget.left < least) throw new DocumentRefused(say('operation-schema-large'));
  };
  const members = (node: Json, work: (key: string, value: unknown) => unknown): Json =>
    Object.fromEntries(
      Object.entries(node).map(([key, value]) => {
        spend(key);
        return [key, work(key, value)];
      }),
    );
  const weighed = (node: unknown, depth: number): unknown => {
    spend(textOf(node));
    if (depth > 60) throw new DocumentRefused(say('operation-schema-deep'));
    if (Array.isArray(node)) node.forEach((each) => weighed(each, depth + 1));
    else if (asObject(node)) members(node as Json, (_, each) => weighed(each, depth + 1));
    return node;
  };
  const visit = (node: unknown, depth: number): unknown => {
    spend(textOf(node));
    if (depth > 60) throw new DocumentRefused(say('operation-schema-deep'));
    if (Array.isArray(node)) return node.map((each) => visit(each, depth + 1));
    if (node === null || typeof node !== 'object') return node;
    const { $ref: reference, nullable, properties } = node as Json;
    if (typeof reference === 'string') return { $ref: `#/$defs/${keep(reference)}` };
    const kept = members(node as Json, (key, each) => {
      if (data.has(key)) return weighed(each, depth + 1);
      const named = chosenNames.has(key) ? asObject(each) : undefined;
      return named ? members(named, (_, one) => visit(one, depth + 2)) : visit(each, depth + 1);
    });
    for (const word of addedWords) delete kept[word];
    // What only the service may set is required of its answers.
    const isOurs = (name: unknown) =>
      asObject(asObject(properties)?.[String(name)])?.['readOnly'] !== true;
    if (Array.isArray(kept['required'])) kept['required'] = kept['required'].filter(isOurs);
    // 3.0 has a word of its own for it, and writes exclusive bounds as flags.
    for (const [flag, bound] of [
      ['exclusiveMinimum', 'minimum'],
      ['exclusiveMaximum', 'maximum'],
    ] as const)
      if (typeof kept[flag] === 'boolean') {
        if (kept[flag]) kept[flag] = kept[bound];
        else delete kept[flag];
      }
    return nullable === true ? { anyOf: [kept, { type: 'null' }] } : kept;
  };
  const keep = (reference: string): string => {
    const known = keys.get(reference);
    if (known !== undefined) return known;
    const plain = reference
      .replace(/^#\/components\/schemas\//, '')
      .replace(/[^A-Za-z0-9_.-]/g, '_');
    if (plain === '__proto__') throw new DocumentRefused(say('operation-schema-name'));
    if (keys.size >= MOST_DEFS) throw new DocumentRefused(say('operation-schema-large'));
    let key = plain;
    for (let n = 2; Object.hasOwn(defs, key); n++) key = `${plain}_${n}`;
    keys.set(reference, key);
    defs[key] = true; // a schema may name itself
    defs[key] = visit(resolve(document, { $ref: reference }), 0);
    return key;
  };
  return { schema: visit(schema, 0), defs };
}

/** @throws DocumentRefused for a reference to elsewhere, or to nothing. */
function resolve(document: Json, value: unknown): unknown {
  let at = value;
  for (let hops = 0; hops < 20; hops++) {
    const reference = asObject(at)?.['$ref'];
    if (typeof reference !== 'string') return at;
    if (!reference.startsWith('#/')) throw new DocumentRefused(say('operation-refers-elsewhere'));
    at = reference
      .slice(2)
      .split('/')
      .map((part) => decode(part).replaceAll('~1', '/').replaceAll('~0', '~'))
      .reduce<unknown>(
        (node, part) =>
          asObject(node) && Object.hasOwn(node as Json, part) ? (node as Json)[part] : undefined,
        document,
      );
    if (at === undefined)
      throw new DocumentRefused(
        say('operation-refers-nowhere', { reference: reference.slice(0, 200) }),
      );
  }
  throw new DocumentRefused(say('operation-refers-in-circle'));
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part; // no escape at all
  }
}

function serverOf(servers: unknown, relativeTo: string | undefined): string | undefined {
  const first = asObject(asList(servers)[0]);
  const variables = asObject(first?.['variables']) ?? {};
  let isWhole = true;
  // In YAML the default of a port is a number as soon as nobody has put it in quotes.
  const text = textOf(first?.['url']).replace(/\{([^}]*)\}/g, (_, name: string) => {
    const value = asObject(variables[name])?.['default'];
    isWhole &&= ['string', 'number', 'boolean'].includes(typeof value);
    return String(value);
  });
  if (!isWhole) return undefined;
  const url = text !== '' && URL.canParse(text, relativeTo) ? new URL(text, relativeTo) : undefined;
  if (url?.protocol !== 'http:' && url?.protocol !== 'https:') return undefined;
  // As it is written, where it is whole: what is shown is what the document says.
  return /^https?:/i.test(text) ? text : url.href;
}

const asObject = (value: unknown): Json | undefined =>
  value !== null && typeof value === 'object' && !Array.isArray(value)
    ? (value as Json)
    : undefined;
const asList = (value: unknown): unknown[] => (Array.isArray(value) ? value : []);
const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');
