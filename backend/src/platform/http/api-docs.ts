import type { NestExpressApplication } from '@nestjs/platform-express';

export function serveApiDocs(_app: NestExpressApplication): void {}
