/**
 * Who may import whom.
 *
 *   contracts  <-  backend/platform  <-  backend/modules/<noun>  <-  that module's adapters/
 *   contracts  <-  console/shared    <-  console/features/<noun>
 *
 * ops/scripts/test/boundaries.test.mjs breaks each of these rules once, to prove that it is caught.
 */
// `testing.ts` beside the specs of a module is what they share.
const isTest = '(\\.(spec|test)|/testing)\\.m?[jt]s$';

/** @type {import('dependency-cruiser').IConfiguration} */
export default {
  forbidden: [
    {
      name: 'no-cycles',
      comment:
        'Two files that need each other are one file, or need a third. A cycle that `import type` breaks is none at run time.',
      severity: 'error',
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    {
      name: 'unresolvable',
      comment: 'An import that nothing answers: a typing error, or a package that is not declared.',
      severity: 'error',
      from: { pathNot: isTest },
      to: { couldNotResolve: true },
    },
    {
      name: 'contracts-only-zod',
      comment: 'The contract runs in every room: no Nest, no Angular, no Node, no browser.',
      severity: 'error',
      from: { path: '^libs/contracts/src/', pathNot: isTest },
      to: { pathNot: ['^libs/contracts/src/', '(^|/)node_modules/zod/'] },
    },
    {
      name: 'platform-knows-no-module',
      comment: 'platform/ is mechanism; what knows a noun lives in modules/.',
      severity: 'error',
      from: { path: '^backend/src/platform/', pathNot: isTest },
      to: { path: '^backend/src/(modules/|app\\.module|main)' },
    },
    {
      name: 'module-by-its-index',
      comment:
        'A module publishes commands and queries in its index.ts; the rest is its own business.',
      severity: 'error',
      from: { path: '^backend/src/modules/([^/]+)/', pathNot: isTest },
      to: {
        path: '^backend/src/modules/',
        pathNot: ['^backend/src/modules/$1/', '^backend/src/modules/[^/]+/index\\.ts$'],
      },
    },
    {
      name: 'features-apart',
      comment: 'What two features need belongs to shared/.',
      severity: 'error',
      from: { path: '^console/src/app/features/([^/]+)/' },
      to: { path: '^console/src/app/features/', pathNot: '^console/src/app/features/$1/' },
    },
    {
      name: 'shared-knows-no-feature',
      comment: 'shared/ stands below the features.',
      severity: 'error',
      from: { path: '^console/src/app/shared/' },
      to: { path: '^console/src/app/(features|shell)/' },
    },
    {
      name: 'rooms-apart',
      comment: 'Backend and console meet in the contract and on the wire.',
      severity: 'error',
      from: { path: '^(backend|console)/' },
      to: { path: '^(backend|console)/', pathNot: '^$1/' },
    },
    {
      name: 'loaded-when-asked-for',
      comment:
        'Hundreds of files that hardly a process needs: `await import` them where they are (decorators: http/api-notes.ts).',
      severity: 'error',
      from: { path: '^backend/src/', pathNot: isTest },
      to: {
        path: '(^|/)node_modules/@nestjs/swagger/',
        dynamic: false,
        dependencyTypesNot: ['type-only'],
      },
    },
    {
      name: 'no-test-code-in-production',
      severity: 'error',
      from: {
        path: '^(backend|console|libs/[a-z-]+)/src/',
        pathNot: [isTest, '^console/src/testing/'],
      },
      to: { path: [isTest, '^backend/test/', '^console/src/testing/'] },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    // Of our own: packages have theirs in dist/, too, and rules name packages.
    exclude: { path: '^(backend|console|libs/[a-z-]+)/(dist|dist-bench|coverage|\\.angular)/' },
    tsPreCompilationDeps: true, // a type-only import ties two rooms together as well
    tsConfig: { fileName: 'ops/scripts/tsconfig.cruise.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'require', 'node', 'default', 'types'],
    },
  },
};
