export { MemoryModule } from './memory.module.js';
export { EmbeddingFault, Embeddings } from './embeddings.js';
export { MemoryQueries } from './memory.queries.js';
