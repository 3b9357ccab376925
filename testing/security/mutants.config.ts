/** Runs each test of `mutants.ts` against a product without the control. For `mutants.test.ts`; nothing else uses it. */
import { writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { defineConfig, type Plugin } from 'vitest/config'
import type { Reporter, TestModule } from 'vitest/node'
import { MUTANTS, type Mutant } from './mutants.js'

const root = fileURLToPath(new URL('../../', import.meta.url))
const conditions = ['source']

const without = ({ file, find, replace }: Mutant): Plugin => ({
  name: 'without-a-control',
  enforce: 'pre',
  transform(source, id) {
    if (id.split('?')[0] !== `${root}${file}`) return null
    if (source.split(find).length !== 2) throw new Error(`${file} does not hold once: ${find}`)
    return source.replace(find, () => replace)
  },
})

/** Which tests failed, by threat, for who started this. */
class Outcome implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const results = modules.map((module) => ({
      threat: module.project.name,
      failed: [...module.children.allTests('failed')].map(({ fullName }) => fullName),
      errors: module.errors().map(({ message }) => message),
    }))
    writeFileSync(process.env['TRIBUTARY_MUTANTS_OUT'] ?? '', JSON.stringify(results))
  }
}

export default defineConfig({
  root,
  resolve: { conditions },
  ssr: { resolve: { conditions, externalConditions: conditions } },
  test: {
    reporters: [new Outcome()],
    projects: MUTANTS.map((mutant) => ({
      extends: true as const,
      plugins: [without(mutant)],
      test: {
        name: mutant.threat,
        include: [`testing/security/${mutant.test}.test.ts`],
        testNamePattern: new RegExp(`SEC-${mutant.threat}: ${mutant.shows}`),
        pool: 'forks' as const,
        execArgv: ['--conditions=source'],
        testTimeout: 60_000,
        hookTimeout: 60_000,
      },
    })),
  },
})
