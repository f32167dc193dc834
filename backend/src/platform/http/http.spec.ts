import { Body, Controller, Get, Injectable, Post, Query } from '@nestjs/common';
import { connect } from 'node:net';
import { z } from 'zod';
import { type HttpApp, openHttpApp } from '../../../test/http-app.js';
import { Allow, Public, SignedIn } from './access.js';

const Note = z.strictObject({ text: z.string().max(100), tags: z.array(z.string()).optional() });
type Note = z.infer<typeof Note>;

@Controller('notes')
class NotesController {
  @Post()
  @Allow('task.create')
  add(@Body({ schema: Note }) note: Note) {
    return { text: note.text };
  }

  @Get('open')
  @Public()
  open() {
    return { open: true };
  }

  @Get('forgotten')
  forgotten() {
    return { secret: 'a route without a rule' };
  }

  @Get('mine')
  @SignedIn()
  mine(
    @Query({ schema: z.strictObject({ n: z.coerce.number().optional() }) }) query: { n?: number },
  ) {
    return query;
  }

  @Get('broken')
  @SignedIn()
  broken() {
    throw new Error('the password of the database is hunter2');
  }
}

let http: HttpApp;
beforeAll(async () => {
  http = await openHttpApp({ controllers: [NotesController] });
});
afterAll(() => http.close());

describe('what is thrown', () => {
  it('becomes problem+json with a code and the trace, and nothing of the inside', async () => {
    const viewer = await http.signIn('viewer');
    const answer = await http.refused('/notes/broken', { as: viewer });
    expect(answer.status).toBe(500);
    expect(answer.headers.get('content-type')).toMatch(/^application\/problem\+json/);
    expect(answer.body.code).toBe('internal');
    expect(answer.headers.get('traceparent')).toContain(answer.body.traceId);
    expect(answer.text).not.toMatch(/hunter2|Error:|\.ts/);
  });
});
