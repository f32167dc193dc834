export { ArtifactStore } from './artifact-store.js';
export { ArtifactsModule } from './artifacts.module.js';
