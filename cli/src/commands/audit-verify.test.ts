import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { AuditReport } from '#protocol/audit-report.js'
import { settingsOf } from '#protocol/audit-settings.js'
import { signReport } from '#protocol/audit-signature.js'
import { DEFAULT_THRESHOLDS } from '#protocol/audit-thresholds.js'
import { newKeyPair } from '#protocol/proof.js'
import { runIn } from '#simulations/audit/open-audit.js'
import { madeUpAudit, OPEN, QUIET, type MadeUpRow } from '#testing/made-up-audit.js'
import { verify } from './audit-verify.js'

const KEY = newKeyPair()
const OTHER = newKeyPair()
const RUN = {
  task: { inputShape: [16, 16, 1], classes: [...'0123456789'] },
  model: { name: 'gap' },
  training: { batchSize: 4, localEpochs: 1 },
}
const LENIENT = {
  ...{ ...DEFAULT_THRESHOLDS, certainGain: 90, highGain: 90, elevatedGain: 90 },
  ...{ highIdentification: 90, elevatedIdentification: 90, labelPValue: 1e-9 },
}

describe('audit verify', () => {
  let folder: string
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'verify-'))
    await writeFile(join(folder, 'run.json'), JSON.stringify(RUN))
  })
  afterAll(() => rm(folder, { recursive: true }))

  interface Case {
    readonly rows?: readonly MadeUpRow[]
    readonly change?: Partial<AuditReport>
    /** After everything was computed from it. */
    readonly edit?: Partial<AuditReport>
    readonly set?: readonly string[]
    readonly key?: string
  }
  /** Codes of what it throws, and words; empty: nothing. */
  async function verified({ rows = [QUIET], change, edit, set = [], key }: Case = {}) {
    const config = join(folder, 'run.json')
    const settings = settingsOf(await runIn(config))
    const { report } = await madeUpAudit({ settings, ...change }, rows)
    const path = join(folder, 'report.json')
    await writeFile(path, JSON.stringify(signReport({ ...report, ...edit }, KEY.privateKey)))
    const finished: unknown[] = []
    const out = {
      ...{ json: true, event: () => undefined, say: () => undefined, table: () => undefined },
      finish: (_command: string, result: unknown) => void finished.push(result),
    }
    const flags = { config, set, ...(key === undefined ? {} : { key }) }
    const work = verify({ out, signal: new AbortController().signal }, flags, path)
    const error = await work.then(
      () => ({ code: '', message: '' }),
      (cause: unknown) => cause as { readonly code: string; readonly message: string },
    )
    return { error, finished }
  }

  it('finds a report about the run sound, by whoever signed it or by the key that is named', async () => {
    const { error, finished } = await verified()
    expect([error.message, finished]).toMatchObject(['', [{ isSound: true }]])
    expect((await verified({ key: KEY.publicKey })).error.code).toBe('')
    expect((await verified({ key: OTHER.publicKey })).error.code).toBe('audit/not-trusted')
  })

  it('names a calibration or diagnostics of the run before keys that differ', async () => {
    for (const [set, name] of [
      ['calibration={"name":"ccvr","when":"final"}', /^The calibration ccvr .*no audit attacks/],
      [
        'evaluation={"central":{"name":"synthetic"},"diagnostics":{}}',
        /^evaluation\.diagnostics .*no audit attacks/,
      ],
    ] as const) {
      for (const also of [[], ['training.batchSize=8']]) {
        const { error, finished } = await verified({ set: [set, ...also] })
        expect([error.code, finished]).toEqual(['audit/stale', []])
        expect(error.message).toMatch(name)
      }
    }
    const { error } = await verified({ set: ['training.batchSize=8'] })
    expect([error.code, error.message]).toEqual([
      'audit/stale',
      'The report is about another run: training.batchSize differ',
    ])
  })

  it('refuses a report whose row is of more records than a batch of the run', async () => {
    const { error } = await verified({ rows: [{ ...QUIET, batchSize: 8, localSteps: 2 }] })
    expect([error.code, error.message]).toMatchObject([
      'audit/stale',
      expect.stringContaining('no row'),
    ])
  })

  it('says what contradicts, all of it', async () => {
    const { error } = await verified({ edit: { verdict: 'certain', isSound: true } })
    expect([error.code, error.message]).toMatchObject([
      'audit/bad-report',
      expect.stringContaining('The verdict is certain, but'),
    ])
  })

  it('tells that the thresholds are lax only of a report that proves something', async () => {
    const lax = { change: { thresholds: LENIENT } }
    const { error } = await verified({ ...lax, rows: [{ methods: OPEN }] })
    expect(error.code).toBe('audit/lax-thresholds')
    expect(error.message).toContain('by the usual ones it is high')
    const void_ = await verified({ ...lax, rows: [{ methods: OPEN, placeboHits: 6 }] })
    expect(void_.error.code).toBe('audit/unsound')
    expect(void_.finished).toMatchObject([{ isSound: false }])
  })
})
