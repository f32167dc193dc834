import { Aggregate } from './aggregate.js';
import { Catalogue } from './catalogue.js';
import { DirectCalls } from './direct-calls.js';
import { KeptLists } from './kept-lists.js';
import { McpErrors } from './mcp-errors.filter.js';
import { OlderSessions } from './older-sessions.js';
import { OpenStreams } from './open-streams.js';
import { ParkedCalls } from './parked-calls.js';
import { RequestStates } from './request-states.js';
import { ToolSearch } from './tool-search.js';

/** What the module provides for the aggregate endpoint. */
export const aggregateParts = [
  Aggregate,
  Catalogue,
  DirectCalls,
  KeptLists,
  McpErrors,
  OlderSessions,
  OpenStreams,
  ParkedCalls,
  RequestStates,
  ToolSearch,
];
