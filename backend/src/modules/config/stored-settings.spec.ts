import { SystemConfig } from '@aos/contracts';
import { defaultSettings, readStored, toStored } from './stored-settings.js';

const whole = SystemConfig.parse({
  llm: { provider: 'openai', model: 'm' },
  gateway: { defaultTimeoutMs: 5000 },
  security: {
    allowedAddresses: [{ address: '10.0.0.0/8' }],
    redaction: [{ name: 'badge', pattern: 'B[0-9]{6}' }],
    secondPerson: { settings: true },
  },
});
const stored = () => structuredClone(toStored(whole)) as Record<string, Record<string, unknown>>;

test('what was stored is read again', () => {
  expect(readStored(stored())).toEqual({ config: whole, fits: 'whole' });
});

test('keys of a newer version are passed over', () => {
  const newer = stored();
  newer['orbit'] = {};
  newer['llm']!['thinking'] = 'deep';
  expect(readStored(newer)).toEqual({ config: whole, fits: 'in part' });
});

test('a section in a newer version’s own way is its defaults, and all else holds', () => {
  const newer = stored();
  newer['llm']!['provider'] = 'telepathy';
  const expected = { ...whole, llm: defaultSettings().llm };
  expect(readStored(newer)).toEqual({ config: expected, fits: 'not' });
});

test('in security no key takes another with it, and a list that cannot be read lets in nobody', () => {
  const newer = stored();
  newer['security']!['redaction'] = 'all';
  newer['security']!['new'] = 1;
  const { config } = readStored(newer);
  expect(config.security).toEqual({ ...whole.security, redaction: [] });

  newer['security']!['allowedAddresses'] = [{ net: 'home' }];
  expect(readStored(newer).config.security).toEqual({
    ...whole.security,
    redaction: [],
    allowedAddresses: [{ address: 'unreadable', note: '' }],
  });
});

test.each([null, 7, 'x', []])('of %j nothing is read', (raw) => {
  expect(readStored(raw)).toEqual({ config: defaultSettings(), fits: 'not' });
});
