import type { Agent } from '@aos/contracts';
import type { Tone } from '../../shared/ui/state-mark';

export const tones: Record<Agent['status'], Tone> = {
  running: 'running',
  stopped: 'idle',
  draining: 'recovering',
  failed: 'failed',
};
