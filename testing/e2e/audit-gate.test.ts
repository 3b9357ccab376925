import { readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { SignedReport } from '#protocol/audit-report.js'
import { signReport } from '#protocol/audit-signature.js'
import { newKeyPair } from '#protocol/proof.js'
import {
  endAll,
  joinNode,
  readJson,
  start,
  temporaryDirectory,
  tributary,
  type Finished,
  type Running,
} from './harness.js'

/** One layer behind the records: what a single update shows is exactly the record, unless something is done about it. */
const OPEN = {
  name: 'open',
  task: { inputShape: [8, 8, 1], classes: ['0', '1', '2'] },
  model: { name: 'mlp', hidden: [12], activation: 'softplus' },
  method: { name: 'fedavg' },
  training: { localEpochs: 1, batchSize: 1, optimizer: { name: 'sgd', learningRate: 0.05 } },
  cohort: { all: true, minReporters: 1, graceSeconds: 1, deadlineSeconds: 200 },
  compute: { backend: 'wasm', threads: 1 },
  audit: { threshold: 'elevated', budget: 'smoke', count: 2 },
  rounds: 1,
  seed: 3,
}
const PROTECTED = {
  ...OPEN,
  name: 'protected',
  updates: [
    { name: 'clip', norm: 0.5 },
    { name: 'gaussian-noise', stddev: 0.5 },
  ],
  cohort: { ...OPEN.cohort, minReporters: 2 },
  audit: OPEN.audit,
}
const { audit: _audit, ...PLAIN } = { ...OPEN, name: 'plain' }
const DATA = ['--data', 'synthetic:stroke-digits:side=8:classes=3:count=12:seed=5']

describe('a privacy audit before the first round', () => {
  let directory: Awaited<ReturnType<typeof temporaryDirectory>>
  let coordinator: { readonly running: Running; readonly url: string; readonly dataDir: string }
  let auditKey: string
  let remote: readonly string[]
  const nodes: Running[] = []
  const at = (name: string): string => join(directory.path, name)
  const run = (...args: readonly string[]): Promise<Finished> =>
    tributary([...args, ...remote], { cwd: directory.path })
  const write = (name: string, value: object): Promise<void> =>
    writeFile(at(name), JSON.stringify(value))
  const serve = async (env: NodeJS.ProcessEnv = {}, port = 0): Promise<void> => {
    const dataDir = at('coordinator')
    const args = ['coordinator', 'start', '--data-dir', dataDir, '--port', String(port)]
    const running = start(args, { env })
    const heard = await running.event('coordinator:listening')
    coordinator = { running, url: String(heard['url']), dataDir }
    auditKey = String(heard['auditKey'])
    remote = ['--data-dir', dataDir]
  }
  const started = async (config: string, ...flags: readonly string[]): Promise<string> => {
    const { result, errorText } = await run('runs', 'start', config, ...flags)
    expect(errorText).toBe('')
    return String(result['runId'])
  }
  const watched = async (runId: string): Promise<Finished> => run('runs', 'watch', runId)
  const progressOf = ({ lines }: Finished): readonly unknown[] =>
    lines.filter(({ event }) => event === 'audit:progress').map(({ done }) => done)
  const join2 = async (name: string, ...flags: readonly string[]): Promise<void> => {
    nodes.push(await joinNode(directory.path, coordinator, { name, data: [...DATA, ...flags] }))
  }

  /** The run that is audited through a death of the coordinator. */
  let open: string
  let stopped: Finished

  beforeAll(async () => {
    directory = await temporaryDirectory()
    await write('open.json', OPEN)
    await write('protected.json', PROTECTED)
    await write('plain.json', PLAIN)
    const again = (env: NodeJS.ProcessEnv): Promise<void> =>
      serve(env, Number(new URL(coordinator.url).port))
    await serve({ TRIBUTARY_FAULT: 'audit.cell_committed' })
    await join2('a')
    open = await started('open.json')
    await coordinator.running.ended
    for (const point of ['audit.cell_before_commit', 'audit.decided']) {
      await again({ TRIBUTARY_FAULT: point })
      await coordinator.running.ended
    }
    await again({})
    stopped = await watched(open)
    // A smoke budget shows that the gate works; an owner who is content with it has to say so.
    const little = ['--audit-budget', 'smoke', '--audit-records', '2']
    await join2('b', '--require-audit', 'elevated', ...little)
  }, 240_000)
  afterAll(async () => {
    await endAll()
    await directory.remove()
  })

  describe('of a run whose updates show their records', () => {
    it('goes on behind its last finished part when the coordinator was killed, and killed again', () => {
      // Killed behind the first part, in the second, and behind the verdict.
      expect(progressOf(stopped)).toEqual([0, 1, 1, 2])
    })

    it('stops it before its first round, with the reason, and lets nobody go on with it', async () => {
      expect(stopped.result).toMatchObject({ state: 'stopped' })
      const [stop] = stopped.lines.filter(({ event }) => event === 'run:stopped')
      expect(stop?.['reason']).toMatch(
        /^audit\/above-threshold: The privacy audit says certain, and the run starts with elevated at most\. .*analytic leak/,
      )
      expect(stopped.lines.map(({ event }) => event)).not.toContain('round:opened')
      for (const command of [['resume'], ['export', '--out', at('exported')]] as const) {
        const [verb, ...flags] = command
        const refused = await run('runs', verb, open, ...flags)
        expect(refused).toMatchObject({ status: 1 })
        expect(refused.errorText).toContain('audit/above-threshold')
      }
    })

    it('leaves a report that people read and that audit verify finds sound', async () => {
      const { result } = await run('runs', 'audit', open, '--out', at('report'))
      expect(result).toMatchObject({ state: 'above-threshold', verdict: 'certain', override: null })
      expect(await readFile(at('report/report.html'), 'utf8')).toContain('<!doctype html>')
      for (const name of ['report.json', 'report.html'])
        expect((await stat(at(`report/${name}`))).mode & 0o777).toBe(0o600)
      const verified = await tributary([
        ...['audit', 'verify', at('report/report.json'), '--key', auditKey],
      ])
      expect(verified).toMatchObject({ status: 0 })
    })

    it('starts when an administrator says why, and the log keeps both', async () => {
      expect(await run('runs', 'override', open)).toMatchObject({ status: 2 })
      const reason = 'drawn records only, ticket 4711'
      expect(await run('runs', 'override', open, '--reason', reason)).toMatchObject({ status: 0 })
      expect(await run('runs', 'resume', open)).toMatchObject({ status: 0 })
      expect((await watched(open)).result).toMatchObject({ state: 'finished' })
      expect(await run('runs', 'export', open, '--out', at('exported'))).toMatchObject({
        status: 0,
      })
      const { lines } = await run('log', 'show')
      const kept = lines.filter(({ action }) => action === 'run.audit-override')
      expect(kept.map(({ phase, subject }) => [phase, subject])).toEqual([
        ['intent', open],
        ['done', open],
      ])
      expect(kept[1]).toMatchObject({ actor: 'operator', data: { reason } })
      const { result } = await run('runs', 'audit', open)
      expect(result).toMatchObject({ state: 'overridden', override: { by: 'operator', reason } })
    })
  })

  describe('of a run whose transforms hide them', () => {
    let runId: string
    let report: SignedReport

    it('lets it start, also with a node that demands a report', async () => {
      runId = await started('protected.json')
      const { result, lines } = await watched(runId)
      expect(result).toMatchObject({ state: 'finished' })
      const audited = lines.find(({ event }) => event === 'audit:finished')
      expect(['not-demonstrated', 'elevated']).toContain(audited?.['verdict'])
      const closed = lines.filter(({ event }) => event === 'round:closed').at(-1)
      // Noise is to hide who they are.
      expect(closed?.['record']).toMatchObject({ accepted: [], counts: { asked: 2, accepted: 2 } })
      await run('runs', 'audit', runId, '--out', at('good'))
      report = await readJson<SignedReport>(at('good/report.json'))
    }, 240_000)

    it('gives a report with which the same run starts without another audit', async () => {
      await write('renamed.json', { ...PROTECTED, name: 'again', rounds: 2, seed: 4 })
      const again = await started('renamed.json', '--audit-report', at('good/report.json'))
      const finished = await watched(again)
      expect(finished.result).toMatchObject({ state: 'finished' })
      expect(progressOf(finished)).toEqual([])
      const { result } = await run('runs', 'audit', again)
      expect(result).toMatchObject({ state: 'passed', source: 'attached' })
    })

    it.each([
      ['audit/bad-report', 'edited', {}],
      ['audit/not-trusted', 'forged', {}],
      ['audit/stale', 'whole', { training: { ...OPEN.training, batchSize: 2 } }],
    ] as const)('gives none that is %s', async (code, kind, change) => {
      const text = JSON.stringify(report)
      const files = {
        whole: report,
        forged: signReport(report.report, newKeyPair().privateKey),
        edited: JSON.parse(text.replace('"localSteps":1', '"localSteps":2')) as SignedReport,
      }
      await write('config.json', { ...PROTECTED, ...change })
      await write('report.json', files[kind])
      const flags = ['--audit-report', at('report.json')]
      const refused = await run('runs', 'start', 'config.json', ...flags)
      expect(refused.status).toBe(2)
      expect(refused.errorText).toContain(code)
      if (kind === 'whole') expect(refused.errorText).toContain('training.batchSize')
    })
  })

  it('is wanted by a node whose owner demands one: the others work without it', async () => {
    const { lines, result } = await watched(await started('plain.json'))
    expect(result).toMatchObject({ state: 'finished' })
    const told = lines.find(({ event }) => event === 'member:refused')
    expect(told).toMatchObject({ name: 'b', code: 'policy/refused' })
    expect(told?.['message']).toContain('runs without a signed report of a privacy audit')
  })
})
