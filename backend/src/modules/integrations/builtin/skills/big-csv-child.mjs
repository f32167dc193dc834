/**
 * A process of its own for big-csv.spec.ts: runs one skill of the build over one file and prints its answer
 * with the most memory the process ever held. Arguments: skill, path of the file.
 */
import { randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { skills } from '../../../../../dist/src/modules/integrations/builtin/skills/index.js';

const [name, path] = process.argv.slice(2);
const skill = skills.find((each) => each.name === name);
const context = {
  workspace: path.slice(0, path.lastIndexOf('/')),
  signal: new AbortController().signal,
  progress: () => undefined,
  open: async () => ({
    path,
    name: 'big.csv',
    mediaType: 'text/csv',
    bytes: (await stat(path)).size,
  }),
  async save(file) {
    let bytes = 0;
    if (file.path) for await (const chunk of createReadStream(file.path)) bytes += chunk.length;
    else bytes = Buffer.byteLength(file.data);
    return {
      artifactId: randomUUID(),
      name: file.name,
      mediaType: file.mediaType,
      bytes,
      sha256: '',
    };
  },
};
const answer = await skill.run({ file: 'big.csv' }, context);
// Not `resourceUsage().maxRSS` where there is a better figure: a child starts with that of the process which forked
// it, and a test runner may well be the bigger of the two.
const status = await readFile('/proc/self/status', 'utf8').catch(() => '');
const peakKb = Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1] ?? process.resourceUsage().maxRSS);
const peakMb = Math.round(peakKb / 1024);
process.stdout.write(JSON.stringify({ answer, peakMb }));
