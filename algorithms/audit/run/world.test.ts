import { beforeAll, describe, expect, it } from 'vitest'
import type { Hash } from '#protocol/ids.js'
import { everyIndex, rowSize, wholeDataset, type Dataset } from '#data/dataset.js'
import { openShare } from '#data/share.js'
import type { LayeredGenerator } from '#algorithms/audit/generator/layered-generator.js'
import { recordHashes } from '#algorithms/audit/generator/record-hash.js'
import { useBackend } from '#algorithms/tensor/backends.js'
import { tf } from '#algorithms/tensor/tf.js'
import { labGenerator } from '#testing/attack-lab.js'
import { temporaryDirectory } from '#testing/data-fixtures.js'
import { tinyAudit } from '#testing/tiny-audit.js'
import { chooseRecords } from './choose-records.js'
import type { AuditSource, AuditSpec } from './spec.js'
import { openWorld } from './world.js'

const { file } = temporaryDirectory()
const plain = tinyAudit()

/** The records as a file of another name, as they are but for what `change` makes of every number. */
async function copied(
  { source, rows }: { readonly source: Dataset; readonly rows: Int32Array },
  change = (value: number): number => value,
): Promise<AuditSource> {
  const [height = 0, width = 0] = source.inputShape
  const size = rowSize(source.inputShape)
  const lines = Array.from(rows, (row) => {
    const picture = [...source.features.subarray(row * size, (row + 1) * size)].map(change)
    const features = Array.from({ length: height }, (_, i) =>
      picture.slice(i * width, (i + 1) * width),
    )
    return JSON.stringify({ features, label: Number(source.classes[source.labels[row]!]) })
  })
  const path = await file(`${rows.length}-${change(2)}-${rows[0]}.jsonl`, lines.join('\n'))
  return { name: 'jsonl', path, share: [0, 1], hash: null }
}

const partsOf = async (spec: AuditSpec) => {
  const pool = await openShare(spec.records.data)
  const auxiliary = await openShare(spec.auxiliary)
  return { pool, auxiliary, chosen: chooseRecords(pool, spec) }
}

async function opened(spec: AuditSpec, generator: LayeredGenerator | null = null): Promise<void> {
  const world = await openWorld(spec, { generator, start: null })
  world.dispose()
}

describe('the world of an audit', () => {
  beforeAll(async () => void (await useBackend('cpu')))

  it('has public records that are not audited, whatever their files are called', async () => {
    const { pool, auxiliary, chosen } = await partsOf(plain)
    const others = wholeDataset(auxiliary).indices
    const apart = await copied({ source: auxiliary, rows: others })
    await opened(tinyAudit({}, undefined, { auxiliary: apart }))
    const spare = everyIndex(pool.count).filter((row) => chosen.every((one) => one.row !== row))
    // What is only compared with may be public.
    await opened(
      tinyAudit({}, undefined, { auxiliary: await copied({ source: pool, rows: spare }) }),
    )
    const rows = Int32Array.from([...spare.slice(0, 20), chosen[1]!.row])
    const overlapping = await copied({ source: pool, rows })
    const before = tf.memory().numTensors
    await expect(opened(tinyAudit({}, undefined, { auxiliary: overlapping }))).rejects.toThrow(
      expect.objectContaining({
        code: 'config/impossible',
        message: expect.stringMatching(/1 audited record is also in auxiliary/) as string,
      }) as Error,
    )
    expect(tf.memory().numTensors).toBe(before)
  })

  it('has no generator that was trained on what is audited, compared with, or a placebo', async () => {
    const { pool, chosen } = await partsOf(plain)
    const [one] = chosen
    const parts = [
      [one!.row, /one record that is audited/],
      [one!.placebo, /trained on 1 of the .* told from/],
      [one!.candidates.anyClass[0]!, /trained on 1 of the .* told from/],
      [one!.candidates.sameClass[0]!, /trained on 1 of the .* told from/],
    ] as const
    for (const [row, message] of parts) {
      const generator = labGenerator()
      const known = new Set(recordHashes({ source: pool, indices: Int32Array.of(row) }))
      const spec: AuditSpec = {
        ...plain,
        generator: { kind: 'file', hash: generator.hash as Hash },
      }
      const told = opened(spec, { ...generator, trainingRecords: known })
      await expect(told).rejects.toThrow(
        expect.objectContaining({
          code: 'audit/record-known',
          message: expect.stringMatching(message) as string,
        }) as Error,
      )
      await opened(spec, { ...generator, trainingRecords: new Set(['0'.repeat(16)]) })
    }
  })

  it('has no records with numbers outside of [0, 1], which no attack looks for', async () => {
    const { pool, auxiliary } = await partsOf(plain)
    const [own, others] = [pool, auxiliary].map((source) => ({
      source,
      rows: wholeDataset(source).indices,
    }))
    const wide = (value: number): number => 2 * value - 1
    for (const [key, data] of [
      ['records.data', { records: await copied(own!, wide) }],
      ['auxiliary', { auxiliary: await copied(others!, wide) }],
    ] as const) {
      await expect(opened(tinyAudit({}, undefined, data))).rejects.toThrow(
        expect.objectContaining({
          code: 'config/impossible',
          message: expect.stringMatching(`${key} .*from -1 to `) as string,
        }) as Error,
      )
    }
    await opened(
      tinyAudit({}, undefined, { records: await copied(own!, (value) => value * (1 + 1e-7)) }),
    )
  })
})
