import 'reflect-metadata';
import { writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { NestFactory } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { AppModule } from './app.module.js';
import { readEnvironment } from './platform/config/environment.js';
import type { Database } from './platform/database/database.js';
import { buildOpenApi } from './platform/http/openapi.js';

/**
 * Writes the OpenAPI document that the client is generated from: `node dist/src/openapi.js [file]`.
 * In preview mode Nest reads the modules and makes none of their providers, so no database is opened.
 */
const root = resolve(import.meta.dirname, '../../..');
const file = process.argv[2] ?? join(root, 'libs/api-client/openapi.json');
const noDatabase = {} as Database; // handed on by the module, touched by nobody in preview mode
const app = await NestFactory.create<NestExpressApplication>(
  AppModule.forRoot(readEnvironment({}), noDatabase),
  { preview: true, abortOnError: false, logger: ['error'] },
);
await writeFile(file, `${JSON.stringify(await buildOpenApi(app), null, 2)}\n`);
