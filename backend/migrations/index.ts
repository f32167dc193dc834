import { CreateTheRecord1763800000000 } from './1763800000000-create-the-record.js';

/** In order. A migration that has shipped is never edited: write the next one. */
export const migrations = [CreateTheRecord1763800000000];
