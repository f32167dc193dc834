export { MemoryModule } from './memory.module.js';
export { MemoryQueries } from './memory.queries.js';
