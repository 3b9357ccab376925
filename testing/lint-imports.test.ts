import { ESLint } from 'eslint'
import { describe, expect, it } from 'vitest'

/** Lints `code` as if it stood in `file`; returns the messages of the import rule. */
async function importProblems(file: string, code: string): Promise<readonly string[]> {
  const [result] = await new ESLint().lintText(code, { filePath: file })
  return (result?.messages ?? [])
    .filter((message) => message.ruleId === 'no-restricted-imports')
    .map((message) => message.message)
}

describe('the import arrows', () => {
  it.each([
    ['client/src/perform-task.ts', '#coordinator/server.js', 'coordinator'],
    ['coordinator/src/round.ts', '#client/join.js', 'client'],
    ['protocol/bundle.ts', '#data/dataset.js', 'data'],
    ['data/dataset.ts', '#algorithms/models/model.js', 'algorithms'],
    ['algorithms/catalogue.ts', '#simulations/simulate.js', 'simulations'],
    ['algorithms/catalogue.ts', '../coordinator/src/round.js', 'coordinator'],
    ['simulations/src/simulate.ts', '#cli/main.js', 'cli'],
    ['dashboard/src/server/api.ts', '#coordinator/server.js', 'coordinator'],
    ['dashboard/src/server/api.ts', '#data/dataset.js', 'data'],
  ])('refuses %s importing %s', async (file, target, folder) => {
    const problems = await importProblems(file, `import '${target}'\n`)
    expect(problems.join()).toContain(`may not import ${folder}/`)
  })

  it.each([
    ['algorithms/methods/method.ts', '@tensorflow/tfjs-core', 'algorithms/tensor'],
    ['coordinator/src/server.ts', 'express', 'coordinator/src/http'],
    ['client/src/join.ts', 'socket.io-client', 'client/src/transport'],
    ['simulations/src/simulate.ts', 'libsql', 'coordinator/src/store'],
    ['coordinator/src/server.ts', 'sirv', 'coordinator/src/http'],
    ['dashboard/src/pages/runs/search.ts', 'uplot', 'dashboard/src/parts'],
    ['dashboard/src/pages/runs/search.ts', 'socket.io-client', 'client/src/transport'],
    ['coordinator/src/http/app.ts', 'jsonwebtoken', 'coordinator/src/auth'],
  ])('refuses %s importing the package %s', async (file, target, door) => {
    const problems = await importProblems(file, `import '${target}'\n`)
    expect(problems.join()).toContain(`enter through ${door}`)
  })

  it.each([
    [
      'algorithms/audit/run/run-cell.ts',
      '#coordinator/store/store.js',
      'may not import coordinator/',
    ],
    ['algorithms/audit/run/run-cell.ts', '../../../coordinator/src/fleet.js', 'a fleet'],
    ['algorithms/audit/target/match-target.ts', '#algorithms/store/store.js', 'a store'],
    ['algorithms/audit/target/match-target.ts', '../../round.js', 'a round'],
    ['algorithms/audit/metrics/assign.ts', '../../fleet/members.js', 'a fleet'],
    ['algorithms/audit/solvers/gifd.ts', 'node:fs', 'no files'],
    ['algorithms/audit/solvers/gifd.ts', 'fs/promises', 'no files'],
    ['algorithms/audit/solvers/gifd.ts', 'node:net', 'no network'],
    ['algorithms/audit/metrics/assign.ts', 'node:https', 'no network'],
    ['algorithms/audit/run/run-cell.ts', 'node:worker_threads', 'no other processes'],
    ['algorithms/audit/run/run-cell.ts', 'undici', 'client/src/transport'],
  ])('A22: refuses the audit in %s to import %s', async (file, target, reason) => {
    const problems = await importProblems(file, `import '${target}'\n`)
    expect(problems.join()).toContain(reason)
  })

  it('lets an audit import what it is made of', async () => {
    const file = 'algorithms/audit/run/run-cell.ts'
    for (const target of ['#algorithms/training/train.js', '#data/dataset.js', './cells.js']) {
      expect(await importProblems(file, `import '${target}'\n`)).toEqual([])
    }
  })

  it('lets each folder import what its arrow allows, and a door its package', async () => {
    const allowed = [
      await importProblems('client/src/join.ts', "import '#algorithms/catalogue.js'\n"),
      await importProblems('cli/src/main.ts', "import '#simulations/simulate.js'\n"),
      await importProblems('algorithms/tensor/tf.ts', "import '@tensorflow/tfjs-core'\n"),
      await importProblems('dashboard/src/server/api.ts', "import 'socket.io-client'\n"),
      await importProblems('dashboard/src/server/api.ts', "import '#protocol/roles.js'\n"),
    ]
    expect(allowed).toEqual([[], [], [], [], []])
  })
})
