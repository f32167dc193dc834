import type { IncomingMessage } from 'node:http';

interface Key {
  privateKey: CryptoKey;
  jwk: Record<string, unknown>;
}

export interface TestProvider {
  issuer: string;
  person: Record<string, unknown> & { sub: string };
  bend:
    | ((payload: Record<string, unknown>) => Promise<Record<string, unknown> & { key?: Key }>)
    | undefined;
  instead:
    | ((request: IncomingMessage) => { status: number; body: unknown } | 'hang' | undefined)
    | undefined;
  wayBack: Record<string, string | null> | undefined;
  rotate(): Promise<void>;
  newKey(kid: string): Promise<Key>;
  close(): Promise<void>;
}

export const clientId: string;
export const clientSecret: string;
export function openTestProvider(options: {
  redirectUris: string[];
  port?: number;
}): Promise<TestProvider>;
