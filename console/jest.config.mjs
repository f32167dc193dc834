import presets from 'jest-preset-angular/presets/index.js';

/** Specs stand beside what they test, and see the DOM. */
export default {
  ...presets.createEsmPreset({ tsconfig: '<rootDir>/tsconfig.spec.json' }),
  testMatch: ['<rootDir>/src/**/*.spec.ts'],
  setupFilesAfterEnv: ['<rootDir>/src/testing/setup.ts'],
  moduleNameMapper: {
    // The contracts name their files as they are once built.
    '^(\\.{1,2}/[a-z-]+)\\.js$': '$1',
    '^@aos/contracts$': '<rootDir>/../libs/contracts/src/index.ts',
    '^@aos/api-client$': '<rootDir>/../libs/api-client/src/index.ts',
    '^@aos/api-client/functions$': '<rootDir>/../libs/api-client/src/functions.ts',
  },
  // `npm test` runs them behind the end-to-end tests, on what these leave of the cores.
  testTimeout: 60_000,
  // Kept from one run to the next, which a temporary folder is not.
  cacheDirectory: '<rootDir>/../node_modules/.cache/jest',
  // Of two cores, Jest by itself would let one stand still.
  maxWorkers: 2,
};
