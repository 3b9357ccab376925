import eslint from '@eslint/js'
import reactHooks from 'eslint-plugin-react-hooks'
import tseslint from 'typescript-eslint'

/** Which top-level folders each folder may import (design: imports point one way). */
const ALLOWED = {
  protocol: [],
  data: ['protocol'],
  algorithms: ['protocol', 'data'],
  coordinator: ['protocol', 'data', 'algorithms'],
  client: ['protocol', 'data', 'algorithms'],
  simulations: ['protocol', 'data', 'algorithms', 'coordinator', 'client'],
  cli: ['protocol', 'data', 'algorithms', 'coordinator', 'client', 'simulations'],
  dashboard: ['protocol'],
}
const FOLDERS = Object.keys(ALLOWED)

/** Third-party packages enter through one place each; a few through one on each side. */
const DOORS = [
  { packages: ['@tensorflow/*'], door: 'algorithms/tensor/**' },
  { packages: ['socket.io', 'socket.io-parser'], door: 'coordinator/src/transport/**' },
  {
    packages: ['socket.io-client'],
    door: 'client/src/transport/**',
    also: 'dashboard/src/server/**',
  },
  { packages: ['undici'], door: 'client/src/transport/**' },
  { packages: ['selfsigned'], door: 'coordinator/src/tls/**' },
  { packages: ['prom-client', 'pino', 'pino-pretty'], door: 'coordinator/src/ops/**' },
  {
    packages: ['express', 'helmet', 'express-rate-limit', 'csrf-csrf', 'sirv'],
    door: 'coordinator/src/http/**',
  },
  { packages: ['libsql', 'mongodb'], door: 'coordinator/src/store/**' },
  {
    packages: ['jsonwebtoken', '@node-rs/argon2', 'rate-limiter-flexible'],
    door: 'coordinator/src/auth/**',
  },
  { packages: ['linear-sum-assignment'], door: 'algorithms/audit/metrics/**' },
  { packages: ['hdr-histogram-js'], door: 'simulations/src/load/**' },
  {
    packages: ['echarts', 'echarts/*'],
    door: 'simulations/src/report/**',
    also: 'dashboard/src/parts/**',
  },
  { packages: ['@rjsf/**'], door: 'dashboard/src/pages/start/form/**' },
  { packages: ['uplot', 'uplot/**', 'uqr'], door: 'dashboard/src/parts/**' },
  {
    packages: [
      'react',
      'react/*',
      'react-dom',
      'react-dom/*',
      'react-aria-components',
      '@tanstack/*',
    ],
    door: 'dashboard/src/**',
  },
  { packages: ['playwright-core'], door: 'cli/src/load/**' },
  { packages: ['csv-stringify', 'csv-stringify/*'], door: 'simulations/src/export/**' },
  { packages: ['commander', 'cli-table3', 'cli-progress', 'picocolors'], door: 'cli/src/**' },
]

const forbidFolder = (folder) => ({
  regex: `^#${folder}/|/${folder}/`,
  message: `Imports point one way: protocol <- data <- algorithms <- coordinator, client <- simulations <- cli; protocol <- dashboard. This folder may not import ${folder}/.`,
})
const doorsOf = ({ door, also }) => (also === undefined ? [door] : [door, also])
const forbidPackages = (row) => ({
  group: row.packages,
  message: `${row.packages.join(', ')} enter through ${doorsOf(row).join(' and ')} only: import from there.`,
})

/**
 * What an audit may not reach (gifd specification §1): updates that were stored or received, other processes, the network,
 * files. What it is tried on comes in as records.
 */
const AUDIT = 'algorithms/audit/**'
const FORBIDDEN_TO_AUDITS = [
  {
    regex: '(^|/)(store|fleet|rounds?|transport|blobs?)(/|\\.js$)',
    message:
      'An audit may not import a store, a fleet or a round: it is given records, never an update.',
  },
  {
    regex:
      '^(node:)?(fs|net|http|https|http2|tls|dgram|dns|child_process|worker_threads|cluster)(/|$)',
    message:
      'An audit has no network, no files and no other processes: what it needs comes in as arguments.',
  },
]

/** One block for each (folder, set of open doors): the last matching `no-restricted-imports` wins in flat configuration. */
function importRules() {
  const rule = (folder, openDoors, also = []) => ({
    'no-restricted-imports': [
      'error',
      {
        patterns: [
          ...FOLDERS.filter((other) => other !== folder && !ALLOWED[folder].includes(other)).map(
            forbidFolder,
          ),
          ...DOORS.filter((door) => !openDoors.includes(door)).map(forbidPackages),
          ...also,
        ],
      },
    ],
  })
  const perFolder = FOLDERS.map((folder) => ({
    files: [`${folder}/**/*.ts`, `${folder}/**/*.tsx`],
    rules: rule(folder, []),
  }))
  const isWithin = (door, outer) => door.startsWith(outer.slice(0, -'**'.length))
  // From the outermost door to the innermost, whose rule is the last and counts.
  const doors = [...new Set(DOORS.flatMap(doorsOf))].sort((a, b) => a.length - b.length)
  const perDoor = doors.map((door) => ({
    files: [`${door}/*.ts`, `${door}/*.tsx`],
    rules: rule(
      door.split('/')[0],
      DOORS.filter((row) => doorsOf(row).some((outer) => isWithin(door, outer))),
      door.startsWith('algorithms/audit/') ? FORBIDDEN_TO_AUDITS : [],
    ),
  }))
  const audit = { files: [AUDIT + '/*.ts'], rules: rule('algorithms', [], FORBIDDEN_TO_AUDITS) }
  return [...perFolder, audit, ...perDoor]
}

/** Same inputs, same bytes: nothing here may read a clock or an unseeded source of randomness. */
const PURE = ['algorithms/**/*.ts', 'data/**/*.ts', 'coordinator/src/round.ts']

export default tseslint.config(
  { ignores: ['dist/**', 'node_modules/**', '.tributary/**', 'coverage/**'] },
  eslint.configs.recommended,
  {
    files: ['**/*.ts', '**/*.tsx'],
    extends: [...tseslint.configs.recommendedTypeChecked],
    languageOptions: {
      parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname },
    },
    rules: {
      'max-lines': ['error', 400],
      'max-lines-per-function': ['error', { max: 60, skipBlankLines: true, skipComments: true }],
      'max-params': ['error', 3],
      'max-depth': ['error', 4],
      'no-console': 'error',
      eqeqeq: 'error',
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/no-non-null-assertion': 'error',
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        { considerDefaultExhaustiveForUnions: true },
      ],
      '@typescript-eslint/return-await': ['error', 'in-try-catch'],
      // Interfaces are asynchronous where one implementation needs it; the others need no await.
      '@typescript-eslint/require-await': 'off',
      '@typescript-eslint/no-unused-vars': [
        'error',
        { argsIgnorePattern: '^_', varsIgnorePattern: '^_' },
      ],
      '@typescript-eslint/restrict-template-expressions': [
        'error',
        { allowNumber: true, allowBoolean: true },
      ],
      'no-restricted-syntax': [
        'error',
        { selector: 'TSEnumDeclaration', message: 'Use a union of strings.' },
        { selector: 'ExportDefaultDeclaration', message: 'Use named exports.' },
        {
          selector: "ThrowStatement > NewExpression[callee.name='Error']",
          message: 'Throw a FederationError with a code of the table.',
        },
      ],
    },
  },
  ...importRules(),
  {
    files: PURE,
    ignores: ['**/*.test.ts'],
    rules: {
      'no-restricted-properties': [
        'error',
        { object: 'Math', property: 'random', message: 'Draw from a seeded stream.' },
        { object: 'Date', property: 'now', message: 'Take a Clock.' },
        { object: 'performance', property: 'now', message: 'Take a Clock.' },
      ],
    },
  },
  {
    files: ['dashboard/**/*.{ts,tsx}'],
    extends: [reactHooks.configs.flat['recommended-latest']],
    rules: {
      // A component is a function whose lines are mostly markup.
      'max-lines-per-function': ['error', { max: 80, skipBlankLines: true, skipComments: true }],
      'no-restricted-globals': ['error', 'process', 'Buffer', 'require'],
      // What a handler of an event begins ends where its answer is shown.
      '@typescript-eslint/no-misused-promises': [
        'error',
        { checksVoidReturn: { attributes: false } },
      ],
    },
  },
  {
    files: ['**/*.test.ts', '**/*.test.tsx', 'testing/**/*.ts', 'vitest.config.ts'],
    rules: {
      'max-lines-per-function': 'off',
      'max-params': 'off',
      '@typescript-eslint/no-non-null-assertion': 'off',
      'no-restricted-syntax': 'off',
      'no-restricted-imports': 'off',
    },
  },
  {
    // Index loops of numeric kernels and codecs: every index is in range by construction, and a check would double their cost.
    files: [
      'protocol/bundle.ts',
      'protocol/float16.ts',
      'protocol/random.ts',
      'algorithms/**/*.ts',
      'data/**/*.ts',
    ],
    rules: { '@typescript-eslint/no-non-null-assertion': 'off' },
  },
  {
    files: ['vitest.config.ts', 'dashboard/vite.config.ts'],
    rules: { 'no-restricted-syntax': 'off' },
  },
  {
    files: ['**/*.js', '**/*.mjs'],
    languageOptions: {
      globals: {
        Buffer: 'readonly',
        process: 'readonly',
        console: 'readonly',
        URL: 'readonly',
        performance: 'readonly',
      },
    },
  },
  { files: ['cli/src/output.ts', 'scripts/**', 'bin/**'], rules: { 'no-console': 'off' } },
)
