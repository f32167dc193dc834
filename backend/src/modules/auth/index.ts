export { AuthModule } from './auth.module.js';
export { OwnerBootstrap } from './owner-bootstrap.js';
