export { isIssuer } from './config-rules.js';
export { open as openSealed, seal } from './cipher.js';
export { configChanges } from '../proposals/index.js';
export { ConfigModule } from './config.module.js';
export { readPattern } from './redaction-pattern.js';
export { Settings } from './settings.js';
export { Vault } from './vault.js';
