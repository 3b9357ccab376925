import { defineConfig } from 'vitest/config'

const conditions = ['source']
const common = {
  exclude: ['node_modules', 'dist', '.tributary'],
  pool: 'forks' as const,
  execArgv: ['--conditions=source'],
}

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
          exclude: [...common.exclude, 'testing/e2e/**', 'testing/slow/**'],
          testTimeout: 60_000,
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
          name: 'slow',
          include: ['testing/slow/**/*.test.ts'],
          testTimeout: 1_800_000,
          fileParallelism: false,
        },
      },
    ],
  },
})
