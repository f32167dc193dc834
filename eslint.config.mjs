// Lints for mistakes, not for taste: layout is Prettier's, boundaries are .dependency-cruiser.mjs's.
import js from '@eslint/js';
import angular from 'angular-eslint';
import { defineConfig, globalIgnores } from 'eslint/config';
import { existsSync } from 'node:fs';
import tseslint from 'typescript-eslint';

const projects = [
  'libs/contracts/tsconfig.json',
  'libs/contracts/tsconfig.spec.json',
  'backend/tsconfig.spec.json',
  'console/tsconfig.spec.json',
  'console/tsconfig.worker.json',
  'console/tsconfig.e2e.json',
].filter((file) => existsSync(new URL(file, import.meta.url)));

/** Mistakes that the compiler lets through. */
const mistakes = {
  '@typescript-eslint/no-floating-promises': 'error',
  '@typescript-eslint/no-misused-promises': ['error', { checksVoidReturn: { attributes: false } }],
  '@typescript-eslint/await-thenable': 'error',
  '@typescript-eslint/return-await': ['error', 'error-handling-correctness-only'],
  '@typescript-eslint/switch-exhaustiveness-check': [
    'error',
    { considerDefaultExhaustiveForUnions: true, requireDefaultForNonUnion: false },
  ],
  '@typescript-eslint/no-explicit-any': 'error',
  '@typescript-eslint/only-throw-error': 'error',
  '@typescript-eslint/prefer-promise-reject-errors': 'error',
  '@typescript-eslint/no-base-to-string': 'error',
  '@typescript-eslint/restrict-plus-operands': 'error',
  '@typescript-eslint/require-array-sort-compare': ['error', { ignoreStringArrays: true }],
  '@typescript-eslint/no-unused-vars': [
    'error',
    { argsIgnorePattern: '^_', varsIgnorePattern: '^_', ignoreRestSiblings: true },
  ],
  // Nest reads constructor types at run time: an import that looks type-only is its injection token.
  '@typescript-eslint/consistent-type-imports': 'off',
};

const pureMistakes = {
  eqeqeq: ['error', 'always', { null: 'ignore' }],
  'no-console': 'off',
  'no-promise-executor-return': 'off',
  'no-self-compare': 'error',
  'no-template-curly-in-string': 'off', // the Action DSL is written that way
  'no-control-regex': 'off', // taking control characters out is what those expressions are for
  'no-unreachable-loop': 'error',
  'require-atomic-updates': 'off',
};

const nodeGlobals = Object.fromEntries(
  [
    ...['process', 'console', 'Buffer', 'URL', 'URLSearchParams', 'fetch', 'FormData', 'Blob'],
    ...[
      'AbortController',
      'AbortSignal',
      'TextDecoder',
      'TextEncoder',
      'structuredClone',
      'performance',
    ],
    ...[
      'setTimeout',
      'clearTimeout',
      'setInterval',
      'clearInterval',
      'setImmediate',
      'queueMicrotask',
    ],
    ...['WebSocket', 'EventSource', 'Response', 'Request', 'Headers', 'ReadableStream'],
  ].map((name) => [name, 'readonly']),
);

export default defineConfig(
  globalIgnores([
    '**/dist/',
    '**/dist-bench/',
    '**/node_modules/',
    '**/coverage/',
    '**/.angular/',
    '.nx/',
    '.cache/',
    '.aos/',
    'libs/api-client/src/', // generated; the stale check looks after it
  ]),
  { linterOptions: { reportUnusedDisableDirectives: 'error' } },
  js.configs.recommended,
  { rules: pureMistakes },
  {
    files: ['**/*.{mjs,cjs,js}'],
    languageOptions: { globals: { ...nodeGlobals, module: 'readonly', require: 'readonly' } },
  },
  {
    // Served as it is, or evaluated in a page by Playwright.
    files: ['console/public/**/*.js', 'console/{e2e,bench}/**/*.{mjs,js}'],
    languageOptions: {
      globals: {
        window: 'readonly',
        document: 'readonly',
        localStorage: 'readonly',
        getComputedStyle: 'readonly',
        matchMedia: 'readonly',
        navigator: 'readonly',
        MessageChannel: 'readonly',
        MutationObserver: 'readonly',
        PerformanceObserver: 'readonly',
        requestAnimationFrame: 'readonly',
      },
    },
  },
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.recommended],
    languageOptions: {
      parserOptions: { project: projects, tsconfigRootDir: import.meta.dirname },
    },
    rules: mistakes,
  },
  {
    files: ['**/*.spec.ts', '**/test/**/*.ts'],
    rules: {
      // supertest-like chains and Jest's own mocks are not worth the noise
      '@typescript-eslint/no-base-to-string': 'off',
    },
  },
  {
    files: ['console/src/**/*.ts'],
    extends: [angular.configs.tsRecommended],
    processor: angular.processInlineTemplates,
    rules: {
      '@angular-eslint/component-selector': [
        'error',
        { type: 'element', prefix: 'aos', style: 'kebab-case' },
      ],
      '@angular-eslint/directive-selector': [
        'error',
        { type: 'attribute', prefix: 'aos', style: 'camelCase' },
      ],
    },
  },
  {
    files: ['console/src/**/*.html'],
    extends: [angular.configs.templateRecommended, angular.configs.templateAccessibility],
  },
);
