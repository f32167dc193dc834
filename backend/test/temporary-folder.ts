import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A folder that the operating system may clean up; tests never share one. */
export const temporaryFolder = () => mkdtemp(join(tmpdir(), 'aos-test-'));
