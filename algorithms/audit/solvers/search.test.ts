import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import type { AttackResult, Reconstruction } from '#algorithms/audit/attack.js'
import type * as distances from '#algorithms/audit/matching/distance.js'
import type { DistanceTo } from '#algorithms/audit/matching/distance.js'
import { useBackend } from '#algorithms/tensor/backends.js'
import { tf, type Tensor } from '#algorithms/tensor/tf.js'
import { inLab, LAB_BUDGET, psnrOf } from '#testing/attack-lab.js'
import { dlg } from './dlg.js'
import { ggl } from './ggl.js'
import { gi } from './gi.js'
import { gifd } from './gifd.js'
import { idlg } from './idlg.js'
import { ig } from './ig.js'
import { latent } from './latent.js'
import { newTrail, Search } from './search.js'

beforeAll(async () => {
  await useBackend('wasm')
})

const short = { ...LAB_BUDGET, stageIterations: 8 }

type Measure = DistanceTo['from']

/** Every distance comes by here: problems cannot be changed. */
const spoilt = vi.hoisted(() => ({ by: null as ((own: Measure) => Measure) | null }))
vi.mock('#algorithms/audit/matching/distance.js', async (original) => {
  const own = await original<typeof distances>()
  const distanceTo = (observed: readonly Tensor[]): DistanceTo => {
    const to = own.distanceTo(observed)
    const from: Measure = (...args) => to.from(...args)
    return { ...to, from: (...args) => (spoilt.by?.(from) ?? from)(...args) }
  }
  return { ...own, distanceTo }
})
afterEach(() => void (spoilt.by = null))

/** Losses are multiplied by what `factor` says of their number, from 0. */
function spoil(factor: (call: number) => number): void {
  let calls = 0
  spoilt.by =
    (own) =>
    (...args) =>
      tf.mul(own(...args), factor(calls++))
}

/** The attack finds nothing, says so, and leaves no tensor. */
async function failsWith(result: Promise<AttackResult>, note: RegExp): Promise<void> {
  const { chosen, stages, curve, note: said } = await result
  expect([chosen, stages, curve]).toEqual([null, [], []])
  expect(said).toMatch(note)
}

describe('a descent', () => {
  it.each([true, false])('sees the signs of slopes alone: %s', async (isSigned) => {
    await inLab(async (made) => {
      const search = new Search(made.input())
      const start = tf.fill(search.shape, 0.5)
      const [end] = (await search.descend([newTrail(0)], {
        ...{ stage: 0, start: [start], iterations: 4, isSigned },
        rate: () => 0.01,
        objective: ([x], k) => tf.mul(k % 2 === 0 ? 1000 : 1, tf.sum(x!)),
        show: ([x]) => ({ x: x!, y: made.problem.labels }),
      }))!
      const moved = 0.5 - end!.dataSync()[0]!
      // Adam makes full steps while all that it sees is alike.
      if (isSigned) expect(moved).toBeCloseTo(0.04, 6)
      else expect(moved).toBeLessThan(0.039)
      tf.dispose([start, end!])
    })
  })
})

describe('restarts', () => {
  it.each([latent, gifd, ig, gi])('of $name that all fail are told, not thrown', async (attack) => {
    await inLab(async (made) => {
      const before = tf.memory().numTensors
      spoil(() => Number.NaN)
      await failsWith(
        attack.run(made.input({ budget: short })),
        /^2 of 2 restarts failed: their loss was not finite$/,
      )
      expect(tf.memory().numTensors).toBe(before)
    })
  })

  it('without a gradient fail as well', async () => {
    await inLab(async (made) => {
      spoil(() => 0)
      await failsWith(idlg.run(made.input({ budget: short })), /^2 of 2 restarts failed/)
    })
  })

  it('are drawn again when they begin badly', async () => {
    await inLab(async (made) => {
      spoil((call) => (call < 3 ? Number.NaN : 1))
      const result = await latent.run(made.input({ budget: short }))
      expect(result.chosen).not.toBeNull()
      expect(result.note).toBeUndefined()
    })
  })

  it('are drawn again when the loss is no number, though its gradient is', async () => {
    await inLab(async (made) => {
      let calls = 0
      spoilt.by =
        (own) =>
        (...args) =>
          tf.add(own(...args), calls++ < 2 ? Number.NaN : 0)
      const result = await latent.run(made.input({ budget: { ...short, restarts: 1 } }))
      expect(result.iterations).toBe(short.stageIterations)
    })
  })

  it('that go astray are left out, and the others count', async () => {
    await inLab(async (made) => {
      // The first restart breaks in its second iteration, which is seen at the 25th: losses to draw it, to look at it, for 25
      // steps, and to look at it twice more.
      spoil((call) => (call > 3 && call < 29 ? Number.NaN : 1))
      const result = await ig.run(made.input({ budget: short }))
      expect(result.chosen?.restart).toBe(1)
      expect(result.note).toMatch(/^1 of 2 restarts failed/)
    })
  })

  it('of gi do not spoil each other', async () => {
    await inLab(async (made) => {
      let first = true
      spoilt.by =
        (own) =>
        (...args) => {
          // Two pictures in each step, in turn: every first one breaks.
          first = !first
          const isSearch = args[1] === 'relative'
          return tf.mul(own(...args), isSearch && !first ? Number.NaN : 1)
        }
      const result = await gi.run(made.input({ budget: short }))
      expect(result.chosen).toBeNull()
    })
  })
})

describe('the group of gi', () => {
  it('leaves restarts alone at first, and then draws them to what they have in common', async () => {
    await inLab(async (made) => {
      /** The update of the first restart's picture in every step. */
      const steps = async (restarts: number): Promise<number[][]> => {
        const seen: number[][] = []
        let calls = 0
        spoilt.by = (own) => (update, kind) => {
          // One call for each restart draws them; then as many in every step.
          if (kind === 'relative' && calls++ % restarts === 0) {
            seen.push(update.flatMap((tensor) => [...tensor.dataSync()]))
          }
          return own(update, kind)
        }
        await gi.run(made.input({ budget: { ...short, restarts } }))
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
    const plain = await reached()
    for (const norm of [0.01, 1e-10, 1e-22]) {
      expect(Math.abs(plain - (await reached([{ name: 'clip', norm }])))).toBeLessThan(0.3)
    }
  })
})

describe('the length of an update', () => {
  it.each([dlg, gi, ggl])('A2: changes nothing for $name, however small it is', async (attack) => {
    // The clip is seen through: what is simulated is clipped, too.
    const found: Reconstruction[] = []
    for (const norm of [1e-3, 1e-10, 1e-22]) {
      await inLab(
        async (made) => found.push((await attack.run(made.input({ budget: short }))).chosen!),
        { updates: [{ name: 'clip', norm }] },
      )
    }
    const [usual, ...tiny] = found
    for (const one of tiny) {
      expect(one.matchLoss / usual!.matchLoss).toBeCloseTo(1, 1)
      expect(psnrOf(one.images, usual!.images)).toBeGreaterThan(40)
    }
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
