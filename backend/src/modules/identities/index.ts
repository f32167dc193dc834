export { IdentitiesModule } from './identities.module.js';
