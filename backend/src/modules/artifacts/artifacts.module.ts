import { Module } from '@nestjs/common';
import { ArtifactStore } from './artifact-store.js';
import { ArtifactSweep } from './artifact-sweep.js';
import { ArtifactsController } from './artifacts.controller.js';

@Module({
  controllers: [ArtifactsController],
  providers: [ArtifactStore, ArtifactSweep],
  exports: [ArtifactStore],
})
export class ArtifactsModule {}
