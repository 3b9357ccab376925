import { defineConfig } from 'vitest/config'

export default defineConfig({
  resolve: { conditions: ['source'] },
  ssr: { resolve: { conditions: ['source'], externalConditions: ['source'] } },
  test: {
    include: ['**/*.test.ts'],
    exclude: ['node_modules', 'dist', '.tributary'],
    pool: 'forks',
    testTimeout: 30_000,
    execArgv: ['--conditions=source'],
  },
})
