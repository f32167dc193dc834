import { Injectable } from '@nestjs/common';
import {
  type CallToolResult,
  ProtocolError,
  ProtocolErrorCode,
  type Tool,
} from '@modelcontextprotocol/server';
import { Settings } from '../../config/index.js';
import type { OfferedTool } from './catalogue.js';
import { OWN_NAMES } from './offered-names.js';

const { search: SEARCH, call: CALL } = OWN_NAMES;
const MOST_FOUND = 20;

/**
 * Hundreds of definitions fill a model's context before it has done anything. Once there are more than the
 * settings say (`gateway.toolSearchAbove`), a list holds two tools only: one to search, whose answer has the
 * definitions, and one to call what was found. A client may choose for itself in its URL: `/mcp?tools=search`
 * or `?tools=all`. Every tool can be called by its own name all the while.
 */
@Injectable()
export class ToolSearch {
  readonly tools: Tool[] = [
    {
      name: SEARCH,
      title: 'Search tools',
      description:
        'Finds tools by what they do. Answers with the name, description and input schema of those that fit best.',
      inputSchema: {
        type: 'object',
        properties: {
          query: { type: 'string', description: 'What the tool should do, in a few words.' },
          limit: { type: 'integer', minimum: 1, maximum: MOST_FOUND, default: 5 },
        },
        required: ['query'],
        additionalProperties: false,
      },
      annotations: { readOnlyHint: true, idempotentHint: true },
    },
    {
      name: CALL,
      title: 'Call a tool',
      description: `Calls a tool that ${SEARCH} has found, with arguments that fit its input schema.`,
      inputSchema: {
        type: 'object',
        properties: {
          name: { type: 'string', description: `As ${SEARCH} gave it.` },
          arguments: { type: 'object', description: 'The arguments of that tool.' },
        },
        required: ['name'],
        additionalProperties: false,
      },
    },
  ];

  constructor(private readonly settings: Settings) {}

  async isNarrowed(count: number, wish: string | null): Promise<boolean> {
    if (wish === 'all' || wish === 'search') return wish === 'search';
    return count > (await this.settings.system()).gateway.toolSearchAbove;
  }

  owns(name: string): boolean {
    return name === SEARCH || name === CALL;
  }

  /** The call that is meant; undefined when it is a search. */
  unwrap(
    name: string,
    args: Record<string, unknown>,
  ): { name: string; arguments: Record<string, unknown> } | undefined {
    if (name === SEARCH) return undefined;
    const { name: inner, arguments: given = {} } = args;
    const isObject = typeof given === 'object' && given !== null && !Array.isArray(given);
    if (typeof inner !== 'string' || this.owns(inner) || !isObject)
      throw new ProtocolError(
        ProtocolErrorCode.InvalidParams,
        `${CALL} takes the name of a tool that ${SEARCH} has found, and an object of arguments.`,
      );
    return { name: inner, arguments: given as Record<string, unknown> };
  }

  find(offered: ReadonlyMap<string, OfferedTool>, args: Record<string, unknown>): CallToolResult {
    const words = wordsOf(args['query']);
    if (words.length === 0)
      return {
        isError: true,
        content: [{ type: 'text', text: `${SEARCH} takes a query of at least one word.` }],
      };
    const limit = Math.min(MOST_FOUND, Math.max(1, Math.floor(Number(args['limit'] ?? 5)) || 5));
    const found = [...offered]
      .map(([name, { definition }]) => ({
        name,
        definition,
        score: scoreOf(name, definition, words),
      }))
      .filter(({ score }) => score > 0)
      .sort((a, b) => b.score - a.score || (a.name < b.name ? -1 : 1))
      .slice(0, limit)
      .map(({ name, definition: { title, description, inputSchema } }) => ({
        name,
        ...(title === undefined ? {} : { title }),
        description: description ?? '',
        inputSchema,
      }));
    const structuredContent = { tools: found };
    return {
      content: [{ type: 'text', text: JSON.stringify(structuredContent) }],
      structuredContent,
    };
  }
}

/** Whole words weigh more than parts, the name more than the description. */
function scoreOf(name: string, { title, description }: Tool, words: readonly string[]): number {
  const inName = wordsOf(`${name} ${title ?? ''}`);
  const inText = wordsOf(description);
  let score = 0;
  for (const word of words) {
    if (inName.includes(word)) score += 8;
    else if (inName.some((each) => each.includes(word) || word.includes(each))) score += 4;
    if (inText.includes(word)) score += 2;
    else if (inText.some((each) => each.startsWith(word))) score += 1;
  }
  return score;
}

/** In any script: letters and digits, cut where the case changes. */
function wordsOf(value: unknown): string[] {
  return String(typeof value === 'string' ? value : '')
    .slice(0, 10_000)
    .replace(/(\p{Ll})(\p{Lu})/gu, '$1 $2')
    .toLowerCase()
    .split(/[^\p{L}\p{N}]+/u)
    .filter((word) => word.length > 1 || /\p{Lo}/u.test(word));
}
