export { ArtifactStore, type StoredFile } from './artifact-store.js';
export { ArtifactsModule } from './artifacts.module.js';
