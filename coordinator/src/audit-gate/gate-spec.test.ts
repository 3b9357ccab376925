import { describe, expect, it } from 'vitest'
import { auditGate } from '#protocol/audit-config.js'
import { coversRun, settingsOf } from '#protocol/audit-settings.js'
import { recordedConfigSchema, type RunConfig } from '#protocol/config-schema.js'
import { openShare } from '#data/share.js'
import { cellsOf } from '#algorithms/audit/run/cells.js'
import { outOfReach } from '#algorithms/audit/soundness.js'
import { gateSpec } from './gate-spec.js'

const configWith = (change: object = {}): RunConfig =>
  recordedConfigSchema.parse({
    task: { inputShape: [12, 9, 1], classes: ['a', 'b', 'c'] },
    training: { localEpochs: 2, batchSize: 8 },
    cohort: { take: 'all', sampler: 'uniform', minReporters: 1 },
    ...change,
  })
const gate = (change: object = {}) => auditGate.parse(change)

describe('what is audited before a run', () => {
  it('is the run as it is configured', async () => {
    const updates = [{ name: 'clip', norm: 1 }]
    const config = configWith({ updates })
    const spec = await gateSpec(config, gate())
    expect(spec.rows).toMatchObject([
      { updates, batchSize: 8, localSteps: 2, approximation: 'unrolled', labels: 'inferred' },
    ])
    const row = { ...spec.rows[0]!, updates: [...updates] } as never
    expect(coversRun({ rows: [row], settings: settingsOf(config) })).toBe(true)
  })

  it('has canaries of the shape and number of classes of the task, none of which an attacker knows', async () => {
    const { records, auxiliary } = await gateSpec(configWith(), gate({ count: 4 }))
    expect(records).toMatchObject({ basis: 'canary', count: 4 })
    const [own, others] = [await openShare(records.data), await openShare(auxiliary)]
    for (const { inputShape, classes } of [own, others])
      expect([inputShape, classes.length]).toEqual([[12, 9, 1], 3])
    const keyOf = (features: Float32Array, row: number): string =>
      features.slice(row * 108, (row + 1) * 108).join()
    const known = new Set(
      Array.from({ length: others.count }, (_, row) => keyOf(others.features, row)),
    )
    for (let row = 0; row < own.count; row += 1)
      expect(known.has(keyOf(own.features, row))).toBe(false)
    // A record, another for the placebo, and a hundred to tell it from.
    const perClass = own.labels.filter((label) => label === 0).length
    expect(perClass).toBeGreaterThan(101)
  })

  it('has public records where the run names some, one half for the attacker', async () => {
    const records = { name: 'mnist', share: [0.5, 1], basis: 'public' }
    const spec = await gateSpec(configWith(), gate({ records }))
    expect(spec.records).toMatchObject({
      basis: 'public',
      data: { name: 'mnist', share: [0.5, 0.75] },
    })
    expect(spec.auxiliary).toMatchObject({ name: 'mnist', share: [0.75, 1] })
  })

  it('has no records of which nobody said why they may be audited, and reads none', async () => {
    const records = { name: 'idx', path: '/patients' }
    await expect(gateSpec(configWith(), gate({ records }))).rejects.toMatchObject({
      code: 'audit/no-consent',
    })
    const consented = gateSpec(configWith(), gate({ records: { ...records, basis: 'consented' } }))
    await expect(consented).rejects.toMatchObject({ code: 'data/not-found' })
  })

  it.each([[[7, 28, 1]], [[28, 28, 5]]])(
    'is refused for a task on %j without records: no canaries can be drawn',
    async (inputShape) => {
      const task = { inputShape, classes: ['a', 'b'] }
      await expect(gateSpec(configWith({ task }), gate())).rejects.toThrow(
        /name public records of that shape/,
      )
    },
  )

  it('is refused for records that are no pictures, whatever is named', async () => {
    const task = { inputShape: [10], classes: ['a', 'b'] }
    await expect(gateSpec(configWith({ task }), gate())).rejects.toThrow(/are no pictures/)
  })

  it('draws enough of every class to tell a record from, also of very many classes', async () => {
    const classes = Array.from({ length: 1000 }, (_, i) => String(i))
    const { records } = await gateSpec(
      configWith({ task: { inputShape: [8, 8, 1], classes } }),
      gate(),
    )
    const [, drawn] = /count=(\d+)/.exec(records.data.path ?? '') ?? []
    // Half of them are what an attacker could have.
    expect(await outOfReach({ of: 2, candidates: Number(drawn) / 2 / 1000 - 1 })).toEqual([])
  })

  it('refuses settings of which no update can be simulated, at once and with every reason', async () => {
    const config = configWith({
      method: { name: 'fedper' },
      training: { optimizer: { name: 'adam' } },
    })
    await expect(gateSpec(config, gate())).rejects.toMatchObject({
      code: 'audit/not-auditable',
      message: expect.stringMatching(/fedper.*adam/s) as string,
    })
  })

  it('is asked the same after a restart: finished cells are found again', async () => {
    const keys = async (config: RunConfig): Promise<readonly string[]> =>
      cellsOf(await gateSpec(config, gate({ budget: 'standard', count: 24 }))).map(({ key }) => key)
    expect(await keys(configWith())).toHaveLength(3)
    const other = configWith({ name: 'other', cohort: { size: 9 } })
    expect(await keys(configWith())).toEqual(await keys(other))
    const changed = configWith({ training: { localEpochs: 1, batchSize: 8 } })
    expect(await keys(configWith())).not.toEqual(await keys(changed))
  })
})
