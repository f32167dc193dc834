export * from './call.js';
export { type Bearer, BearerTokens } from './chain/identity.js';
export { escapeSecretReferences } from './chain/secret-references.js';
export { Gateway } from './gateway.js';
export { IntegrationsModule } from './integrations.module.js';
export { Registry } from './registry.js';
export { InProcessServers } from './upstreams/in-process.js';
export type { Caller } from './upstreams/upstream.js';
export { Upstreams } from './upstreams/upstreams.js';
