import { beforeAll, describe, expect, it } from 'vitest'
import type { AttackResult } from '#algorithms/audit/attack.js'
import type { MatchingProblem } from '#algorithms/audit/matching/problem.js'
import { useBackend } from '#algorithms/tensor/backends.js'
import { tf } from '#algorithms/tensor/tf.js'
import { inLab, LAB_BUDGET, psnrOf, type Lab } from '#testing/attack-lab.js'
import { gi } from './gi.js'
import { gifd } from './gifd.js'
import { idlg } from './idlg.js'
import { ig } from './ig.js'
import { latent } from './latent.js'

beforeAll(async () => {
  await useBackend('wasm')
})

const short = { ...LAB_BUDGET, stageIterations: 8 }

/** The problem with a loss that is multiplied by what `factor` says of its number, from 0. */
function spoilt({ problem }: Lab, factor: (call: number) => number): MatchingProblem {
  let calls = 0
  return {
    ...problem,
    loss: (...args) => tf.mul(problem.loss(...args), factor(calls++)),
  }
}

/** The attack finds nothing, says so, and leaves no tensor. */
async function failsWith(result: Promise<AttackResult>, note: RegExp): Promise<void> {
  const { chosen, stages, curve, note: said } = await result
  expect([chosen, stages, curve]).toEqual([null, [], []])
  expect(said).toMatch(note)
}

describe('restarts', () => {
  it.each([latent, gifd, ig, gi])('of $name that all fail are told, not thrown', async (attack) => {
    await inLab(async (made) => {
      const before = tf.memory().numTensors
      const problem = spoilt(made, () => Number.NaN)
      await failsWith(
        attack.run(made.input({ problem, budget: short })),
        /^2 of 2 restarts failed: their loss was not finite$/,
      )
      expect(tf.memory().numTensors).toBe(before)
    })
  })

  it('without a gradient fail as well', async () => {
    await inLab(async (made) => {
      await failsWith(
        idlg.run(made.input({ problem: spoilt(made, () => 0), budget: short })),
        /^2 of 2 restarts failed/,
      )
    })
  })

  it('are drawn again when they begin badly', async () => {
    await inLab(async (made) => {
      const problem = spoilt(made, (call) => (call < 3 ? Number.NaN : 1))
      const result = await latent.run(made.input({ problem, budget: short }))
      expect(result.chosen).not.toBeNull()
      expect(result.note).toBeUndefined()
    })
  })

  it('are drawn again when the loss is no number, though its gradient is', async () => {
    await inLab(async (made) => {
      const { problem } = made
      let calls = 0
      const loss: MatchingProblem['loss'] = (...args) =>
        tf.add(problem.loss(...args), calls++ < 2 ? Number.NaN : 0)
      const result = await latent.run(
        made.input({ problem: { ...problem, loss }, budget: { ...short, restarts: 1 } }),
      )
      expect(result.iterations).toBe(short.stageIterations)
    })
  })

  it('that go astray are left out, and the others count', async () => {
    await inLab(async (made) => {
      // The first restart breaks in its second iteration, which is seen at the 25th: losses to draw it, to look at it, for 25
      // steps, and to look at it twice more.
      const problem = spoilt(made, (call) => (call > 3 && call < 29 ? Number.NaN : 1))
      const result = await ig.run(made.input({ problem, budget: short }))
      expect(result.chosen?.restart).toBe(1)
      expect(result.note).toMatch(/^1 of 2 restarts failed/)
    })
  })

  it('of gi do not spoil each other', async () => {
    await inLab(async (made) => {
      const { problem } = made
      let first = true
      const broken: MatchingProblem = {
        ...problem,
        loss: (...args) => {
          // Two pictures in each step, in turn: every first one breaks.
          first = !first
          const isSearch = args[2] === 'l2'
          return tf.mul(problem.loss(...args), isSearch && !first ? Number.NaN : 1)
        },
      }
      const result = await gi.run(made.input({ problem: broken, budget: short }))
      expect(result.chosen).toBeNull()
    })
  })
})

describe('the group of gi', () => {
  it('leaves restarts alone at first, and then draws them to what they have in common', async () => {
    await inLab(async (made) => {
      /** The first restart's picture in every step. */
      const steps = async (restarts: number): Promise<number[][]> => {
        const seen: number[][] = []
        let calls = 0
        const loss: MatchingProblem['loss'] = (...args) => {
          // One call for each restart draws them; then as many in every step.
          if (args[2] === 'l2' && calls++ % restarts === 0) seen.push([...args[0].dataSync()])
          return made.problem.loss(...args)
        }
        const problem = { ...made.problem, loss }
        await gi.run(made.input({ problem, budget: { ...short, restarts } }))
        return seen.slice(1)
      }
      const [alone, together] = [await steps(1), await steps(2)]
      expect(together).toHaveLength(4 * short.stageIterations)
      // A thirtieth of 32 steps: the mean is there from the third on.
      expect(together.slice(0, 2)).toEqual(alone.slice(0, 2))
      expect(together.at(-1)).not.toEqual(alone.at(-1))
    })
  })
})

describe('clipping', () => {
  it('A2: changes nothing for a search that looks at directions', async () => {
    const budget = { ...LAB_BUDGET, restarts: 1 }
    const reached = (updates?: { name: string; norm: number }[]): Promise<number> =>
      inLab(
        async (made) =>
          psnrOf((await gifd.run(made.input({ budget }))).chosen!.images, made.pictures),
        updates === undefined ? {} : { updates },
      )
    const [plain, clipped] = [await reached(), await reached([{ name: 'clip', norm: 0.01 }])]
    expect(Math.abs(plain - clipped)).toBeLessThan(0.3)
  })
})

describe('several local steps', () => {
  it('A15: are unrolled: gradients count for each, and the search comes nearer', async () => {
    await inLab(
      async (made) => {
        const result = await idlg.run(made.input({ budget: { ...short, restarts: 1 } }))
        const { iterations } = result
        expect(iterations).toBe(4 * short.stageIterations)
        // One for each iteration, one to draw, three looks at 0, 25 and the end; each of three gradients.
        expect(result.gradientEvaluations).toBe(3 * (iterations + 1 + 3))
        expect(result.chosen!.matchLoss).toBeLessThan(result.curve[0]!.loss)
      },
      { localSteps: 3 },
    )
  })
})
