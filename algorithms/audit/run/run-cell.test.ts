import { beforeAll, describe, expect, it } from 'vitest'
import { auditReportSchema } from '#protocol/audit-report.js'
import { labelOverlap } from '#algorithms/audit/metrics/label-recovery.js'
import { mean } from '#algorithms/audit/metrics/spread.js'
import { useBackend } from '#algorithms/tensor/backends.js'
import { tf } from '#algorithms/tensor/tf.js'
import { MADE_META, tinyAudit, tinyRun } from '#testing/tiny-audit.js'
import { cellResultSchema, type CellResult } from './cell-result.js'
import { cellsOf } from './cells.js'
import { reportOf } from './report.js'
import { runCell } from './run-cell.js'
import type { AuditSpec } from './spec.js'
import type { CellWatch } from './watch.js'
import { factsOf, openWorld, type AuditWorld } from './world.js'

/** A clock that stands still, so that results can be compared. */
const NO_TIME: CellWatch = { now: () => 0 }

async function computed(spec: AuditSpec, watch: CellWatch = NO_TIME) {
  const world = await openWorld(spec, { generator: null, start: null })
  const results: CellResult[] = []
  try {
    for (const cell of cellsOf(spec)) results.push(await runCell({ spec, world }, cell, watch))
    return { results, facts: factsOf(spec, world) }
  } finally {
    world.dispose()
  }
}

describe('a cell', () => {
  beforeAll(async () => void (await useBackend('cpu')))
  const spec = tinyAudit({
    methods: ['analytic', 'ig', 'gifd'],
    rows: [{ batchSize: 1 }, { batchSize: 2, updates: [{ name: 'gaussian-noise', stddev: 0.01 }] }],
  })

  it('A16: has the same numbers every time, with the same seed and backend', async () => {
    const [first, again] = [await computed(spec), await computed(spec)]
    expect(again).toEqual(first)
    const report = await reportOf(spec, first.results, { ...MADE_META, facts: first.facts })
    const second = await reportOf(spec, again.results, { ...MADE_META, facts: again.facts })
    expect(second).toEqual(report)
    expect(auditReportSchema.safeParse(report).error).toBeUndefined()
    for (const result of first.results) expect(cellResultSchema.parse(result)).toEqual(result)
  })

  it('tells what each attack found and why one was left out, beside guesses and a placebo', async () => {
    const { results } = await computed(spec)
    const [plain, noisy] = [results[0]!, results.at(-1)!]
    expect(plain.methods.map(({ name, note }) => [name, note === null])).toContainEqual([
      'ig',
      true,
    ])
    expect(plain.methods.find(({ name }) => name === 'gifd')).toMatchObject({
      ...{ chosen: null, note: 'Left out: there is no generator' },
    })
    expect(plain.controls.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['class-mean', 'random-same-class', 'placebo']),
    )
    expect([plain.signalToNoise, noisy.signalToNoise === null]).toEqual([null, false])
    expect([plain.floor, typeof noisy.floor]).toEqual([null, 'number'])
    expect(noisy.labels.truth).toHaveLength(2)
    expect(plain.pictures).toBeNull()
  })

  it('tells by which rule labels were read off, and of batches what others would have told', async () => {
    const short = { ...spec, methods: ['ig' as const] }
    const { results, facts } = await computed(short)
    const [plain, noisy] = [results[0]!.labels, results.at(-1)!.labels]
    expect(plain).toMatchObject({ rule: 'bias', isCertain: true, others: [] })
    expect(noisy).toMatchObject({ rule: 'counts', isCertain: false })
    expect(noisy.others.map(({ rule }) => rule)).toEqual(['greedy', 'minimum'])
    const { rows } = await reportOf(short, results, { ...MADE_META, facts })
    const [one, two] = rows.map(({ labelRecovery }) => labelRecovery)
    expect(one).toMatchObject({ rules: ['bias'], certain: 1, others: [] })
    expect(two).toMatchObject({ rules: ['counts'], certain: 0 })
    const shares = results.flatMap(({ row, labels: { truth, others } }) => {
      if (row === 0) return []
      const found = others.find(({ rule }) => rule === 'greedy')!.inferred
      return labelOverlap({ truth: Int32Array.from(truth), inferred: Int32Array.from(found) })
    })
    expect(two?.others[0]).toEqual({ rule: 'greedy', rate: mean(shares) })
  })

  it('runs a placebo of what succeeded, where none of the usual kinds did', async () => {
    const { results } = await computed(
      tinyAudit({ methods: ['gifd', 'gi'], rows: [{ batchSize: 1 }] }),
    )
    const [first] = results
    expect(first?.methods.map(({ chosen }) => chosen === null)).toEqual([true, false])
    expect(
      first?.controls.filter(({ name }) => name === 'placebo').map(({ method }) => method),
    ).toEqual(['gi'])
  })

  it('makes no update for placebos where nothing was found', async () => {
    const nothing = tinyAudit({ methods: ['gifd'], rows: [{ batchSize: 1 }] })
    const world = await openWorld(nothing, { generator: null, start: null })
    const looks: string[] = []
    const watched: AuditWorld = {
      ...world,
      statistics: (state) => {
        looks.push(state)
        return world.statistics(state)
      },
    }
    const [cell] = cellsOf(nothing)
    const { controls } = await runCell({ spec: nothing, world: watched }, cell!, NO_TIME)
    world.dispose()
    expect(controls.map(({ name }) => name)).toEqual(['class-mean', 'random-same-class'])
    // For the labels of the audited records, and for the facts.
    expect(looks).toHaveLength(2)
  })

  it('leaves no tensors behind', async () => {
    await computed(spec)
    const before = tf.memory().numTensors
    await computed(spec)
    expect(tf.memory().numTensors).toBe(before)
  })

  it('tells how far it is, to the end', async () => {
    const told: number[] = []
    await computed(
      { ...spec, rows: spec.rows.slice(0, 1), batches: 1 },
      { ...NO_TIME, onProgress: ({ done, total }) => told.push(done / total) },
    )
    expect(told).toEqual([...told].sort((a, b) => a - b))
    expect(told.at(-1)).toBeGreaterThan(0.9)
  })

  it('ends after the iteration in hand when it is interrupted', async () => {
    const abort = new AbortController()
    const onProgress = (): void => abort.abort()
    await expect(
      computed(spec, { ...NO_TIME, onProgress, signal: abort.signal }),
    ).rejects.toMatchObject({ code: 'audit/interrupted' })
  })

  it('is not tried where the update is 0', async () => {
    // Smaller than the smallest number in single precision.
    const frozen = tinyAudit({}, tinyRun({ updates: [{ name: 'clip', norm: 1e-60 }] }))
    const { results } = await computed(frozen)
    expect(results[0]).toMatchObject({
      untried: expect.stringMatching(/^no signal: the update is 0/) as string,
      methods: [],
    })
  })

  it('draws every record beside what attacks made of it, only where it is asked to', async () => {
    const small = { ...spec, rows: spec.rows.slice(1), batches: 1 }
    const { results } = await computed(small, {
      ...NO_TIME,
      picture: (pixels, shape) => Promise.resolve(`${pixels.length}:${shape.join('x')}`),
    })
    expect(results[0]?.pictures).toMatchObject([
      { record: 0, truth: '64:8x8x1' },
      { record: 1, truth: '64:8x8x1' },
    ])
    const { reconstructions } = results[0]!.pictures![0]!
    const ig = results[0]!.methods.find(({ name }) => name === 'ig')
    expect(reconstructions.find(({ method }) => method === 'ig')?.psnr).toBe(ig?.chosen?.[0]?.psnr)
  })

  it('leaves out all else after an exact leak, unless methods were named', async () => {
    const leaky = tinyRun({ model: { name: 'mlp', hidden: [6], activation: 'softplus' } })
    const all = { ...tinyAudit({ rows: [{ batchSize: 1 }] }, leaky), methods: null, batches: 1 }
    const { results } = await computed(all)
    const [analytic, ...others] = results[0]!.methods
    expect(analytic?.residual).toBeLessThan(1e-3)
    expect(others.every(({ chosen }) => chosen === null)).toBe(true)
    expect(others.find(({ name }) => name === 'ig')?.note).toMatch(
      /analytic leak gives every record/,
    )
  })
})
