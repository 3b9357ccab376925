import { readdirSync, readFileSync } from 'node:fs'
import { beforeAll, describe, expect, it } from 'vitest'
import {
  ATTACKS,
  type Attack,
  type AttackResult,
  type Reconstruction,
} from '#algorithms/audit/attack.js'
import type { MatchTarget } from '#algorithms/audit/target/match-target.js'
import { useBackend } from '#algorithms/tensor/backends.js'
import { tf } from '#algorithms/tensor/tf.js'
import { inLab, LAB_BUDGET, labGenerator, meanSquaredError } from '#testing/attack-lab.js'
import { ATTACK_LIST } from './attack-list.js'

beforeAll(async () => {
  await useBackend('wasm')
})

const run = (attack: Attack, over = {}): Promise<AttackResult> =>
  inLab((made) => attack.run(made.input(over)))

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

describe.each(ATTACK_LIST.map((attack) => [attack.name, attack] as const))('%s', (name, attack) => {
  const small = { ...LAB_BUDGET, stageIterations: 12, cmaGenerations: 4 }

  it('A16: gives the same from the same seed, A17: and leaves no tensor', async () => {
    const results = await inLab(async (made) => {
      const before = tf.memory().numTensors
      const first = await attack.run(made.input({ budget: small }))
      const second = await attack.run(made.input({ budget: small }))
      expect(tf.memory().numTensors).toBe(before)
      return [first, second] as const
    })
    expect(results[1]).toEqual(results[0])
    expect(results[0].name).toBe(name)
    expect(results[0].chosen).not.toBeNull()
  })

  it('does no more iterations than it says, and tells each', async () => {
    let told = 0
    const result = await inLab((made) =>
      attack.run(made.input({ budget: small, onIteration: () => (told += 1) })),
    )
    expect(result.iterations).toBe(told)
    expect(told).toBeLessThanOrEqual(attack.iterations(small, labGenerator()))
    if (name !== 'analytic') expect(told).toBe(attack.iterations(small, labGenerator()))
  })

  it('A8: chooses the least loss of all stages, the earlier of equal ones', async () => {
    const { chosen, stages } = await run(attack)
    const least = Math.min(...stages.map(({ matchLoss }) => matchLoss))
    expect(chosen).toBe(stages.find(({ matchLoss }) => matchLoss === least))
    expect(stages.map(({ stage }) => stage)).toEqual(
      stages.map(({ stage }) => stage).toSorted((a, b) => a - b),
    )
  })

  it('gives pictures in [0, 1] whose loss it tells truly', async () => {
    await inLab(async (made) => {
      const { chosen } = await attack.run(made.input({ budget: small }))
      expect(Math.min(...images(chosen))).toBeGreaterThanOrEqual(0)
      expect(Math.max(...images(chosen))).toBeLessThanOrEqual(1)
      if (name === 'dlg') return // its labels are its own
      const { problem } = made
      const loss = tf.tidy(
        () => problem.loss(tf.tensor(images(chosen), [1, 8, 8, 1]), problem.labels).dataSync()[0],
      )
      expect(chosen?.matchLoss).toBeCloseTo(loss!, 6)
    })
  })

  it('A17: leaves no tensor when it is stopped in the middle', async () => {
    if (name === 'analytic') return // it takes no iterations here
    await inLab(async (made) => {
      const before = tf.memory().numTensors
      let left = 17
      const onIteration = (): void => {
        left -= 1
        if (left === 0) throw new Error('enough')
      }
      const running = attack.run(made.input({ onIteration }))
      await expect(running).rejects.toThrow('enough')
      expect(tf.memory().numTensors).toBe(before)
    })
  })

  it('A22: refuses a target that was not made from records', async () => {
    await inLab(async (made) => {
      const unmarked: Unmarked = { ...made.problem.target }
      // @ts-expect-error A target has a mark that only makeTarget gives.
      const forged: MatchTarget = unmarked
      const copied = { ...made.problem, target: forged }
      await expect(attack.run(made.input({ problem: copied }))).rejects.toMatchObject({
        code: 'audit/not-from-records',
      })
    })
  })

  it('takes several records at once', async () => {
    const result = await inLab((made) => attack.run(made.input({ budget: small })), {
      labels: [2, 0, 2],
    })
    expect(images(result.chosen)).toHaveLength(3 * 64)
  })

  it('comes nearer to the record than where it started', async () => {
    if (name === 'analytic') return
    await inLab(async (made) => {
      const end = await attack.run(made.input())
      const start = end.curve[0]?.loss ?? 0
      expect(end.chosen?.matchLoss).toBeLessThan(start)
      expect(meanSquaredError(images(end.chosen), made.pictures)).toBeLessThan(0.2)
    })
  })
})
