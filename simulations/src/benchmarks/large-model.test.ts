import { describe, expect, it } from 'vitest'
import { useBackend } from '#algorithms/tensor/backends.js'
import {
  measureSteps,
  sizesOf,
  STEPS,
  type LargeModel,
  type StepMeasurement,
} from './large-model.js'
import { largeModelMarkdown } from './large-model-report.js'
import { VIT_B16_MODEL } from './run-large-model.js'

const small: LargeModel = {
  config: {
    model: { name: 'vit', patchSize: 4, width: 6, depth: 1, heads: 2 },
    task: { inputShape: [8, 8, 1], classes: ['a', 'b', 'c'] },
    seed: 3,
  },
  ...{ poolSize: 4, topK: 2 },
}

describe('the sizes of ViT-B/16', () => {
  it('are those of the paper: a pool of 25 entries is 10.48 % of the model', () => {
    const sizes = sizesOf(VIT_B16_MODEL)
    expect(sizes).toEqual({
      ...{ backbone: 85_798_656, sites: 74, channels: 102_912 },
      ...{ whole: 85_952_456, pool: 9_009_800 },
    })
    expect((100 * sizes.pool) / sizes.whole).toBeCloseTo(10.48, 2)
  })
})

describe('steps of a large model', () => {
  it('are taken in both ways, leave no tensor, and make a page', async () => {
    const engine = await useBackend('wasm')
    const steps: StepMeasurement[] = []
    for (const kind of STEPS) steps.push(await measureSteps(small, kind, engine))
    for (const { stepSeconds, loss, use } of steps) {
      expect(stepSeconds).toHaveLength(3)
      expect(Number.isFinite(loss)).toBe(true)
      expect(use.tensorsAfter).toBe(use.tensorsBefore)
    }
    expect(steps.map(({ querySeconds }) => querySeconds === null)).toEqual([false, true])

    const cpu = { cpu: 'a processor', cores: 2 }
    const machine = { version: '1.2.3', commit: null, node: 'v20', load: 0, ...cpu }
    const page = largeModelMarkdown({
      ...{ name: 'small', large: small, sizes: sizesOf(small), steps, machine },
    })
    // 4 · (2 · 78 + 6 + 3 · 6 + 3), by the 6 · (2 + 11) channels of one block.
    expect(page).toContain('| FedIns pool, M = 4 | 732 |')
    expect(page).toContain('| whole model | ')
    expect(page).not.toContain('busy')
  })
})
