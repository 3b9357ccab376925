import { join } from 'node:path'
import { defineConfig } from 'vitest/config'

const conditions = ['source']
const common = {
  exclude: ['node_modules', 'dist', '.tributary'],
  pool: 'forks' as const,
  execArgv: ['--conditions=source'],
  // What commands keep for a person, as sign-ins and master keys, must not end up among those of who runs the tests.
  env: { TRIBUTARY_HOME: join(import.meta.dirname, '.tributary/test-home') },
}

/** Parts of pages, in a document without a browser. What they ask the coordinator through is tested in `unit`. */
const PAGES = ['dashboard/src/{look,pages,parts,shell}/**/*.test.{ts,tsx}']

/** Tests of whole programs, as they are built. */
const ELSEWHERE = ['testing/e2e/**', 'testing/browser/**', 'testing/slow/**']

/** Tests that kill processes. */
const KILLING = ['testing/crash/processes/**/*.test.ts', 'testing/crash/nemesis*.test.ts']

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions, externalConditions: conditions } },
  test: {
    projects: [
      {
        extends: true,
        test: {
          ...common,
          name: 'unit',
          include: ['**/*.test.ts'],
          exclude: [...common.exclude, ...ELSEWHERE, ...KILLING, ...PAGES],
          testTimeout: 60_000,
        },
      },
      {
        extends: 'dashboard/vite.config.ts',
        test: {
          ...{ exclude: common.exclude, root: import.meta.dirname },
          name: 'dashboard',
          include: PAGES,
          environment: 'jsdom',
          testTimeout: 30_000,
        },
      },
      {
        extends: true,
        test: {
          ...common,
          name: 'e2e',
          include: ['testing/e2e/**/*.test.ts'],
          testTimeout: 240_000,
          hookTimeout: 60_000,
          fileParallelism: false,
        },
      },
      {
        extends: true,
        test: {
          ...common,
          name: 'browser',
          include: ['testing/browser/**/*.test.ts'],
          testTimeout: 240_000,
          hookTimeout: 240_000,
          fileParallelism: false,
        },
      },
      {
        extends: true,
        test: {
          ...common,
          name: 'crash',
          include: KILLING,
          testTimeout: 240_000,
          hookTimeout: 120_000,
          fileParallelism: false,
          // As many coordinators at a time as small machines have cores.
          maxConcurrency: 2,
        },
      },
      {
        extends: true,
        test: {
          ...common,
          name: 'slow',
          include: ['testing/slow/**/*.test.ts'],
          testTimeout: 1_800_000,
          fileParallelism: false,
        },
      },
    ],
  },
})
