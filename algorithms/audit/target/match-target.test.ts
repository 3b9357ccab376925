import { beforeAll, describe, expect, it } from 'vitest'
import { FederationError } from '#protocol/errors.js'
import { useBackend } from '#algorithms/tensor/backends.js'
import { tf } from '#algorithms/tensor/tf.js'
import { createProblem } from '#algorithms/audit/matching/problem.js'
import {
  flatOf,
  labConfig,
  labParams,
  labTarget,
  pictures,
  relativeError,
  synthetic,
} from '#testing/audit-target-lab.js'
import { makeTarget, type MatchTarget, type TargetSpec } from './match-target.js'
import type { AuditRecords } from './records.js'

beforeAll(() => useBackend('wasm'))

const coded = (code: string): object => expect.objectContaining({ code }) as object

function specOf(over: Partial<TargetSpec> = {}): TargetSpec {
  const config = over.config ?? labConfig()
  const source = pictures(2, 1)
  return {
    ...{ config, params: labParams(config), clients: 1, slot: 0 },
    records: synthetic({ source, indices: Int32Array.of(0, 1) }),
    ...{ approximation: 'unrolled', labels: 'given', ...over },
  }
}

describe('a target', () => {
  it('A22: is made from records alone: an update is refused at run time', async () => {
    const { target, dispose } = await labTarget()
    const stored = { ...target, observed: target.observed.map((tensor) => tf.clone(tensor)) }
    const forgeries: unknown[] = [stored, { ...target }, Object.create(target), structuredClone({})]
    for (const forgery of forgeries) {
      expect(() => createProblem(forgery as MatchTarget)).toThrow(coded('audit/not-from-records'))
    }
    createProblem(target).dispose()
    tf.dispose(stored.observed)
    dispose()
  })

  it('A22: is made from records alone: nothing else has its type', async () => {
    const { target, dispose } = await labTarget()
    // Everything of a target that can be named.
    const { settings, rule, params, observed, labels, floor, approximation } = target
    const { signal, remarks, clipNorm, support, isMaskedFirst, shift } = target
    const unnamed = {
      ...{ settings, rule, params, observed, labels, floor, approximation },
      ...{ signal, remarks, clipNorm, support, isMaskedFirst, shift, dispose: () => undefined },
    }
    // @ts-expect-error: its key cannot be named outside of its module.
    expect(() => createProblem(unnamed)).toThrow(coded('audit/not-from-records'))
    dispose()
  })

  it('A22: stays as it was made', async () => {
    const { target, dispose } = await labTarget()
    const other = await labTarget({ seed: 2 })
    const open = target as { -readonly [Key in keyof MatchTarget]: MatchTarget[Key] }
    expect(() => (open.observed = other.target.observed)).toThrow(TypeError)
    expect(() => ((open.observed as unknown[])[0] = other.target.observed[0])).toThrow(TypeError)
    expect(() => ((open.params as unknown[])[0] = other.target.params[0])).toThrow(TypeError)
    dispose()
    other.dispose()
  })

  it('refuses records of which nobody said why they may be audited', async () => {
    for (const basis of [undefined, null, 'private', '']) {
      const records = { ...specOf().records, basis } as unknown as AuditRecords
      await expect(makeTarget(specOf({ records }))).rejects.toThrow(coded('audit/no-consent'))
    }
  })

  it('refuses records that cannot enter the model, and such as cannot be dealt', async () => {
    const source = pictures(3, 1, [4, 4, 1])
    const records = synthetic({ source, indices: Int32Array.of(0, 1, 2) })
    await expect(makeTarget(specOf({ records }))).rejects.toThrow(coded('audit/data-mismatch'))
    await expect(makeTarget(specOf({ clients: 3 }))).rejects.toThrow(/equal parts/)
  })

  it('refuses more local steps than can be unrolled, unless they are taken for one', async () => {
    const config = labConfig({ localEpochs: 9 })
    await expect(makeTarget(specOf({ config }))).rejects.toThrow(coded('audit/not-auditable'))
    const rough = await makeTarget(specOf({ config, approximation: 'one-gradient' }))
    expect(rough.remarks.join()).toMatch(/The 9 local steps .* taken for one gradient/)
    expect(rough.rule.steps).toBe(1)
    rough.dispose()
  })

  it('has inferred labels in ascending order, whatever that of the records', async () => {
    const seen: number[] = []
    const target = await makeTarget(
      specOf({
        labels: ({ observed, batch, model, isScaled }) => {
          seen.push(...observed.map((part) => part.length), batch, Number(isScaled))
          expect(observed).toHaveLength(model.params.length)
          return { labels: Int32Array.of(3, 1) }
        },
      }),
    )
    expect([...target.labels]).toEqual([1, 3])
    expect(seen).toEqual([54, 6, 648, 12, 48, 4, 2, 0])
    target.dispose()
    const one = specOf({ labels: () => ({ labels: Int32Array.of(1) }) })
    await expect(makeTarget(one)).rejects.toThrow(/Expected 2 labels, got 1/)
  })

  it('is the same from the same seed, and another from another slot where something is drawn', async () => {
    const config = labConfig({ updates: [{ name: 'gaussian-noise', stddev: 0.01 }] })
    const numbers: number[][] = []
    for (const slot of [0, 0, 1]) {
      const target = await makeTarget(specOf({ config, slot }))
      numbers.push([...flatOf(target.observed)])
      target.dispose()
    }
    expect(numbers[1]).toEqual(numbers[0])
    expect(relativeError(numbers[2]!, numbers[0]!)).toBeGreaterThan(0.01)
  })

  it('leaves no tensor behind, made or refused', async () => {
    const before = tf.memory().numTensors
    const target = await makeTarget(specOf())
    target.dispose()
    target.dispose()
    const adam = labConfig({ optimizer: { name: 'adam' } })
    await expect(makeTarget(specOf({ config: adam }))).rejects.toThrow(FederationError)
    expect(tf.memory().numTensors).toBe(before)
  })
})
