/** Runs under `node --experimental-vm-modules`: Nest 12 and most of its neighbours are ESM only. */
export default {
  rootDir: '.',
  testEnvironment: 'node',
  testMatch: ['<rootDir>/src/**/*.spec.ts', '<rootDir>/test/**/*.spec.ts'],
  moduleNameMapper: {
    '^@aos/contracts$': '<rootDir>/../libs/contracts/src/index.ts',
    '^(\\.{1,2}/.*)\\.js$': '$1',
  },
  transform: {
    '^.+\\.ts$': [
      '@swc/jest',
      {
        jsc: {
          parser: { syntax: 'typescript', decorators: true },
          transform: { legacyDecorator: true, decoratorMetadata: true },
          target: 'es2023',
          keepClassNames: true,
        },
        module: { type: 'commonjs' },
        sourceMaps: 'inline',
      },
    ],
  },
  testTimeout: 30_000,
  // Kept from one run to the next, which a temporary folder is not.
  cacheDirectory: '<rootDir>/../node_modules/.cache/jest',
  maxWorkers: 3,
  testSequencer: './test/longest-first.mjs',
  // What a spec loaded is never quite let go of (some 30 MB of it): after forty of them a worker did little but collect
  // garbage, and what takes 1 s alone took 10.
  workerIdleMemoryLimit: '350MB',
};
