import type { AIMessage } from '@langchain/core/messages';
import type { SystemConfig } from '@aos/contracts';
import { z } from 'zod';

type ModelConfig = SystemConfig['llm'];

/** What a model is asked, and the shape that the answer has to have. */
export interface Question {
  name: string;
  shape: z.ZodType;
  system: string;
  material: unknown;
}

interface Asking {
  config: ModelConfig;
  model: string;
  key: string | undefined;
  question: Question;
  signal: AbortSignal;
}

/**
 * Asks the model of a provider once, through LangChain. Each is held to the shape in the way that it knows: OpenAI's and
 * Anthropic's interface by a function that it has to call, Ollama by a grammar, since it cannot be made to call one.
 * Addresses and keys are always given, so that no variable of the environment decides where a key goes.
 * Every provider's package is some hundred modules, of use only where one is set: loaded when it is asked.
 * @throws what the provider's client says; the caller redacts it
 */
export function askProvider(asking: Asking): Promise<AIMessage> {
  switch (asking.config.provider) {
    case 'anthropic':
      return askAnthropic(asking);
    case 'ollama':
      return askOllama(asking);
    default:
      return askOpenAi(asking);
  }
}

async function askOpenAi({ config, model, key, question, signal }: Asking): Promise<AIMessage> {
  const { ChatOpenAI } = await import('@langchain/openai');
  const chat = new ChatOpenAI({
    model,
    apiKey: key ?? 'none',
    configuration: { baseURL: config.baseUrl },
    temperature: config.temperature,
    timeout: config.timeoutMs,
    maxRetries: 1,
    useResponsesApi: false,
  });
  return chat
    .bindTools([asFunction(question)], {
      tool_choice: { type: 'function', function: { name: question.name } },
    })
    .invoke(messages(question), { signal });
}

async function askAnthropic({ config, model, key, question, signal }: Asking): Promise<AIMessage> {
  const { ChatAnthropic } = await import('@langchain/anthropic');
  const chat = new ChatAnthropic({
    model,
    apiKey: key ?? 'none',
    anthropicApiUrl: placeOf(config.baseUrl ?? 'https://api.anthropic.com'),
    ...(config.temperature === undefined ? {} : { temperature: config.temperature }),
    clientOptions: { authToken: null, timeout: config.timeoutMs },
    maxRetries: 1,
  });
  return chat
    .bindTools([asFunction(question)], { tool_choice: { type: 'tool', name: question.name } })
    .invoke(messages(question), { signal });
}

async function askOllama({ config, model, key, question, signal }: Asking): Promise<AIMessage> {
  const { ChatOllama } = await import('@langchain/ollama');
  const until = AbortSignal.any([signal, AbortSignal.timeout(config.timeoutMs)]);
  const chat = new ChatOllama({
    model,
    baseUrl: placeOf(config.baseUrl ?? 'http://127.0.0.1:11434'),
    ...(key === undefined ? {} : { headers: { authorization: `Bearer ${key}` } }),
    ...(config.temperature === undefined ? {} : { temperature: config.temperature }),
    // Without it Ollama reads some 4,000 tokens and drops what stands before them, without a word.
    ...(config.contextTokens === undefined ? {} : { numCtx: config.contextTokens }),
    format: grammarOf(question.shape),
    maxRetries: 1,
    // Its client knows no time limit, hears a signal only between two parts of an answer, and prints what it cannot read.
    fetch: async (url, init) => {
      const answer = await fetch(url, { ...init, signal: until });
      if (answer.ok) return answer;
      throw new Error(`${answer.status} ${(await answer.text()).slice(0, 1000)}`);
    },
  });
  return chat.invoke(messages(question), { signal: until });
}

/** Where it is, without the part that their clients put behind it themselves: it is on many a page that is copied from. */
const placeOf = (url: string) => url.replace(/(\/(v1|api))?\/?$/, '');

const messages = ({ system, material }: Question) => [
  { role: 'system', content: system },
  { role: 'user', content: JSON.stringify(material) },
];

const asFunction = ({ name, shape }: Question) =>
  ({
    type: 'function',
    function: { name, description: 'The answer.', parameters: z.toJSONSchema(shape) },
  }) as const;

/** Grammars are made of what a schema says of structure; of patterns only some can be, and the others are refused. */
function grammarOf(shape: z.ZodType): Record<string, unknown> {
  const text = JSON.stringify(z.toJSONSchema(shape), (key, value) =>
    key === 'pattern' || key === 'propertyNames' ? undefined : value,
  );
  return JSON.parse(text);
}
