import { describe, expect, it } from 'vitest'
import { DEFAULT_THRESHOLDS } from '#protocol/audit-thresholds.js'
import { tinyAudit, tinyRun } from '#testing/tiny-audit.js'
import { auditHash, batchesOf, cellsOf } from './cells.js'
import { rowConfig, type AuditSpec } from './spec.js'

const CLIP = [{ name: 'clip', norm: 0.1 }]
const rowsOf = (rows: readonly object[], run = tinyRun()) => tinyAudit({ rows }, run).rows
const keysOf = (file: object, run = tinyRun()) =>
  cellsOf(tinyAudit(file, run)).map(({ key }) => key)

describe('the specification of an audit', () => {
  it('A22: is not made for records of which nobody says why they may be audited', () => {
    const records = { data: { name: 'synthetic' } }
    expect(() => tinyAudit({ records })).toThrow(
      expect.objectContaining({ code: 'audit/no-consent' }) as Error,
    )
  })

  it('is not made of settings of which no update can be simulated, with every reason', () => {
    const run = tinyRun({
      task: { inputShape: [4], classes: ['a', 'b'] },
      ...{ model: { name: 'mlp' }, training: { optimizer: { name: 'adam' } } },
    })
    expect(() => tinyAudit({}, run)).toThrow(
      expect.objectContaining({
        code: 'audit/not-auditable',
        message: expect.stringMatching(/are no pictures.*adam/s) as string,
      }) as Error,
    )
  })

  it('takes what a row leaves out from the run', () => {
    expect(rowsOf([{}])).toEqual([
      {
        ...{ id: '1-none-b2-k1', updates: [], batchSize: 2, localSteps: 1, clients: 1 },
        ...{ approximation: 'unrolled', labels: 'inferred', modelState: 'fresh' },
      },
    ])
    const run = tinyRun({ updates: CLIP, training: { localEpochs: 3, batchSize: 100 } })
    expect(rowsOf([{}, { updates: [] }], run)).toMatchObject([
      { id: '1-clip-b64-k3', updates: CLIP, batchSize: 64, localSteps: 3 },
      { id: '2-none-b64-k3', updates: [] },
    ])
  })

  it('takes an update of many steps for one gradient, unless it is told otherwise', () => {
    const run = tinyRun({ training: { localEpochs: 9 } })
    expect(rowsOf([{}], run)[0]).toMatchObject({ localSteps: 9, approximation: 'one-gradient' })
    expect(() => rowsOf([{ approximation: 'unrolled' }], run)).toThrow(/9 local steps are too many/)
  })

  it.each([
    [{ modelState: 'trained' }, /name them in run.startFrom/],
    [
      { batchSize: 3, localSteps: 3 },
      /3 local steps are no whole epochs of 3 records in batches of 2/,
    ],
  ])('refuses a row that cannot be: %j', (row, message) => {
    expect(() => rowsOf([row])).toThrow(message)
  })

  it('completes the transforms of a row as a run with them would, and refuses what it would refuse', () => {
    const run = tinyRun({ updates: CLIP })
    expect(rowsOf([{ updates: CLIP }], run)[0]?.updates).toEqual(run.updates)
    expect(() => rowsOf([{ updates: [{ name: 'clipp' }] }])).toThrow(/^rows\[0\]: .*clip/)
    expect(() => rowsOf([{}, { updates: [{ name: 'clip', norm: 'much' }] }])).toThrow(/^rows\[1\]/)
    expect(() => rowsOf([{ updates: [{ name: 'gaussian-noise', stddev: 1000 }] }])).toThrow(
      /^rows\[0\]: .*maxAbs/,
    )
  })

  it('refuses attacks that there are not, by name', () => {
    expect(() => tinyAudit({ methods: ['gifd', 'magic'] })).toThrow(/no attack magic; there are/)
  })

  it('refuses public data that hold audited records', () => {
    const source = (share: [number, number]) => ({ name: 'mnist', share, hash: null })
    const audit = (own: [number, number], others: [number, number]) => () =>
      tinyAudit({}, tinyRun(), { records: source(own), auxiliary: source(others) })
    expect(audit([0, 0.5], [0.4, 1])).toThrow(/have records in common/)
    expect(audit([0.4, 1], [0, 0.5])).toThrow(/have records in common/)
    expect(audit([0, 0.5], [0.5, 1])).not.toThrow()
  })

  it('configures the client of a row: its transforms, its epochs, its start', () => {
    const run = tinyRun({ updates: CLIP, startFrom: 'c'.repeat(64) })
    const spec = tinyAudit(
      { rows: [{ updates: [], batchSize: 4, localSteps: 6, modelState: 'fresh' }, {}] },
      run,
    )
    const [plain, own] = spec.rows.map((row) => rowConfig(spec, row))
    expect([plain?.updates, plain?.training.localEpochs, plain?.startFrom]).toEqual([
      ...[undefined, 3, null],
    ])
    expect([own?.updates, own?.training.localEpochs, own?.startFrom]).toEqual([
      ...[CLIP, 1, run.startFrom],
    ])
  })
})

describe('cells', () => {
  it('are whole batches that make up the records, two at most in a smoke test', () => {
    const spec = tinyAudit({
      records: { data: { name: 'synthetic' }, count: 6, basis: 'public' },
      rows: [{ batchSize: 1 }, { batchSize: 4, localSteps: 2 }, { batchSize: 2, clients: 2 }],
    })
    expect(spec.rows.map((row) => batchesOf(spec, row))).toEqual([6, 2, 2])
    expect(cellsOf(spec)).toHaveLength(10)
    expect(cellsOf({ ...spec, batches: 2 })).toHaveLength(6)
  })

  it('have a key of what their numbers depend on', () => {
    const base = keysOf({})
    expect(new Set(base).size).toBe(base.length)
    const changes: [object, ReturnType<typeof tinyRun>?][] = [
      [{ rows: [{ batchSize: 1, labels: 'given' }] }],
      [{ rows: [{ batchSize: 1, updates: CLIP }] }],
      [{ seed: 5 }],
      [{ iterations: 6 }],
      [{ methods: ['gi'] }],
      [{ generatorClasses: 'searched' }],
      [{}, tinyRun({ seed: 3 })],
      [{}, tinyRun({ training: { batchSize: 2, optimizer: { learningRate: 0.4 } } })],
      [{}, tinyRun({ model: { name: 'flat', filters: [2, 4] } })],
    ]
    for (const [file, run] of changes) expect(keysOf(file, run)).not.toContain(base[0])
  })

  it('have another key where other rows take more records: placebos and candidates are others then', () => {
    const one = { rows: [{ batchSize: 1 }] }
    const more = { rows: [{ batchSize: 1 }, { batchSize: 2, clients: 2 }] }
    for (const key of keysOf(one)) expect(keysOf(more)).not.toContain(key)
    // As many as before, whoever takes them.
    expect(keysOf({ rows: [{ batchSize: 1 }, { batchSize: 2 }] })).toEqual(
      expect.arrayContaining(keysOf(one)),
    )
  })

  it('have a key of the threshold after which nothing else is tried, where there is one', () => {
    const thresholds = { ...DEFAULT_THRESHOLDS, analyticResidual: 1e-2 }
    const keys = (methods: AuditSpec['methods'], file: object) =>
      cellsOf({ ...tinyAudit(file), methods }).map(({ key }) => key)
    expect(keys(null, { thresholds })).not.toContain(keys(null, {})[0])
    expect(keys(['ig'], { thresholds })).toEqual(keys(['ig'], {}))
  })

  it('keep their key where only rows that take no more, the name, thresholds or utility change', () => {
    const base = keysOf({})
    expect(keysOf({ name: 'other', utilityRounds: 3 })).toEqual(base)
    expect(keysOf({ thresholds: { ...DEFAULT_THRESHOLDS, highGain: 9 } })).toEqual(base)
    expect(keysOf({ rows: [{ batchSize: 1 }, { batchSize: 1, updates: CLIP }] })).toEqual(
      expect.arrayContaining(base),
    )
    expect(keysOf({}, tinyRun({ cohort: { size: 3 } }))).toEqual(base)
    expect(auditHash(tinyAudit({ name: 'other' }))).not.toBe(auditHash(tinyAudit()))
  })
})
