import decodeQR from 'qr/decode.js';
import { qrPath } from './qr-path';

it('draws what a telephone reads', () => {
  const uri =
    'otpauth://totp/AOS:somebody%40example.test?issuer=AOS&secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP&algorithm=SHA1&digits=6&period=30';
  const { path, size } = qrPath(uri);
  const scale = 4;
  const width = size * scale;
  const data = new Uint8ClampedArray(width * width * 4).fill(255);
  for (const [, x, y] of path.matchAll(/M(\d+) (\d+)h1v1h-1z/g))
    for (let dy = 0; dy < scale; dy++)
      for (let dx = 0; dx < scale; dx++)
        data.fill(0, ...at(Number(x) * scale + dx, Number(y) * scale + dy));
  function at(x: number, y: number): [number, number] {
    const start = (y * width + x) * 4;
    return [start, start + 3];
  }
  expect(decodeQR({ width, height: width, data })).toBe(uri);
});
