import { Module } from '@nestjs/common';
import { ArtifactStore } from './artifact-store.js';
import { ArtifactsController } from './artifacts.controller.js';

@Module({
  controllers: [ArtifactsController],
  providers: [ArtifactStore],
  exports: [ArtifactStore],
})
export class ArtifactsModule {}
