import { readdirSync, readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ATTACKS, type AttackResult, type Reconstruction } from '#algorithms/audit/attack.js'
import type { MatchTarget } from '#algorithms/audit/target/match-target.js'
import { useBackend } from '#algorithms/tensor/backends.js'
import { tf } from '#algorithms/tensor/tf.js'
import { attackLab, inLab, LAB_BUDGET, meanSquaredError, type Lab } from '#testing/attack-lab.js'
import { ATTACK_LIST } from './attack-list.js'
import { dlg } from './dlg.js'
import { gifd } from './gifd.js'

let made: Lab
beforeAll(async () => {
  await useBackend('wasm')
  made = await attackLab()
})
afterAll(() => made.dispose())

/** All of a target that has a name. */
type Unmarked = { [K in keyof MatchTarget as K extends string ? K : never]: MatchTarget[K] }

const images = (found: Reconstruction | null): Float32Array => found?.images ?? new Float32Array(0)

describe('the list of attacks', () => {
  it('has every attack once, in the order in which they are tried', () => {
    expect(ATTACK_LIST.map(({ name }) => name)).toEqual([...ATTACKS])
  })

  it('has every attack of this folder', () => {
    const files = readdirSync(import.meta.dirname).filter((file) => /^[a-z0-9-]+\.ts$/.test(file))
    const exported = files.flatMap((file) => {
      const text = readFileSync(`${import.meta.dirname}/${file}`, 'utf8')
      return /^export const \w+: Attack = \{\n {2}name: '([a-z-]+)'/m.exec(text)?.[1] ?? []
    })
    expect(exported.toSorted()).toEqual([...ATTACKS].toSorted())
  })
})

const SMALL = { ...LAB_BUDGET, stageIterations: 25, cmaGenerations: 15 }

describe.each(ATTACK_LIST.map((attack) => [attack.name, attack] as const))('%s', (name, attack) => {
  let before: number
  let after: number
  /** Tensors after each iteration. */
  const tensors: number[] = []
  let results: readonly [AttackResult, AttackResult]

  beforeAll(async () => {
    before = tf.memory().numTensors
    const onIteration = (): void => void tensors.push(tf.memory().numTensors)
    results = [
      await attack.run(made.input({ budget: SMALL, onIteration })),
      await attack.run(made.input({ budget: SMALL })),
    ]
    after = tf.memory().numTensors
  })

  it('A16: gives the same from the same seed', () => {
    expect(results[1]).toEqual(results[0])
    expect(results[0].name).toBe(name)
    expect(results[0].chosen).not.toBeNull()
  })

  it('A17: holds as many tensors in every iteration of a stage, and none at the end', () => {
    expect(after).toBe(before)
    // One more where a restart, a stage or its first moments begin.
    expect(new Set(tensors).size).toBeLessThanOrEqual(results[0].stages.length + 2)
  })

  it('does the iterations that it says, and tells each', () => {
    expect(results[0].iterations).toBe(tensors.length)
    const said = attack.iterations(SMALL, made.generator)
    if (name === 'analytic') expect(tensors.length).toBeLessThanOrEqual(said)
    else expect(tensors).toHaveLength(said)
  })

  it('gives pictures in [0, 1] whose loss it tells truly', () => {
    const { chosen } = results[0]
    expect(Math.min(...images(chosen))).toBeGreaterThanOrEqual(0)
    expect(Math.max(...images(chosen))).toBeLessThanOrEqual(1)
    if (name === 'dlg') return // its labels are its own
    const { problem } = made
    const loss = tf.tidy(
      () => problem.loss(tf.tensor(images(chosen), [1, 8, 8, 1]), problem.labels).dataSync()[0],
    )
    expect(chosen?.matchLoss).toBeCloseTo(loss!, 6)
  })

  it('comes nearer to the record than where it started', async () => {
    if (name === 'analytic') return // it does not move
    const { curve, chosen } = results[0]
    expect(chosen?.matchLoss).toBeLessThan(curve[0]!.loss)
    expect(curve.at(-1)?.iteration).toBeGreaterThan(curve[0]!.iteration)
    const still = { ...SMALL, stageIterations: 0, cmaGenerations: 1 }
    const start = (await attack.run(made.input({ budget: still }))).chosen
    const error = (of: Reconstruction | null): number => meanSquaredError(images(of), made.pictures)
    // The generator cannot express the record, and gets few iterations.
    expect(error(chosen)).toBeLessThan((attack.needsGenerator ? 0.75 : 0.1) * error(start))
  })

  it('A17: leaves no tensor when it is stopped in the middle', async () => {
    if (name === 'analytic') return // it takes no iterations here
    let left = 17
    const onIteration = (): void => {
      left -= 1
      if (left === 0) throw new Error('enough')
    }
    await expect(attack.run(made.input({ onIteration }))).rejects.toThrow('enough')
    expect(tf.memory().numTensors).toBe(before)
  })

  it('A22: refuses a target that was not made from records', async () => {
    const unmarked: Unmarked = { ...made.problem.target }
    // @ts-expect-error A target has a mark that only makeTarget gives.
    const forged: MatchTarget = unmarked
    const copied = { ...made.problem, target: forged }
    await expect(attack.run(made.input({ problem: copied }))).rejects.toMatchObject({
      code: 'audit/not-from-records',
    })
  })

  it('A22: refuses a problem whose loss is another than that of its target', async () => {
    const changed = { ...made.problem, loss: () => tf.scalar(0) }
    await expect(attack.run(made.input({ problem: changed }))).rejects.toMatchObject({
      code: 'audit/not-from-records',
    })
  })

  it('takes several records at once', async () => {
    const budget = { ...SMALL, stageIterations: 5, cmaGenerations: 2 }
    const result = await inLab((three) => attack.run(three.input({ budget })), {
      labels: [2, 0, 2],
    })
    expect(images(result.chosen)).toHaveLength(3 * 64)
  })
})

describe('a thousand iterations', () => {
  it.each([gifd, dlg])(
    'A17: of $name hold as many tensors in the end as at first',
    async (attack) => {
      const budget = { ...SMALL, stageIterations: attack === gifd ? 334 : 250, restarts: 1 }
      const tensors: number[] = []
      const onIteration = (): void => void tensors.push(tf.memory().numTensors)
      await attack.run(made.input({ budget, onIteration }))
      expect(tensors.length).toBeGreaterThanOrEqual(1000)
      expect(new Set(tensors).size).toBeLessThanOrEqual(attack === gifd ? 3 : 1)
    },
  )
})
