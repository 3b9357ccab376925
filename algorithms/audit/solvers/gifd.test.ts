import { beforeAll, describe, expect, it } from 'vitest'
import type { Attack, AttackResult } from '#algorithms/audit/attack.js'
import type { LayeredGenerator } from '#algorithms/audit/generator/layered-generator.js'
import { useBackend } from '#algorithms/tensor/backends.js'
import { tf } from '#algorithms/tensor/tf.js'
import {
  inLab,
  LAB_BUDGET,
  labGenerator,
  labPictures,
  psnrOf,
  type Lab,
  type LabOptions,
} from '#testing/attack-lab.js'
import { gias } from './gias.js'
import { gifdCma } from './gifd-cma.js'
import { gifd } from './gifd.js'
import { ggl } from './ggl.js'
import { latent } from './latent.js'

beforeAll(async () => {
  await useBackend('wasm')
})

const short = { ...LAB_BUDGET, stageIterations: 25, cmaGenerations: 4 }
const apart = (a: Float32Array, b: Float32Array): number =>
  a.reduce((most, value, i) => Math.max(most, Math.abs(value - b[i]!)), 0)

/** Where each restart was after each stage, whatever was chosen. */
const stageImages = ({ stages }: AttackResult): Float32Array[] => stages.map(({ images }) => images)

/** How far each record's feature went at most in each stage, in l1 norms of where it began: stage by stage, record by record. */
async function farthest(radius: number | null): Promise<number[]> {
  const stages = new Map<number, { readonly start: Float32Array; readonly most: number[] }>()
  const note = (stage: number, h: Float32Array): void => {
    const { start, most } = stages.get(stage) ?? { start: h, most: [0, 0] }
    stages.set(stage, { start, most })
    const [size, at] = [h.length / 2, (i: number): number => start[i]!]
    for (const row of [0, 1]) {
      const own = [...h.keys()].slice(row * size, (row + 1) * size)
      const moved = own.reduce((sum, i) => sum + Math.abs(h[i]! - at(i)), 0)
      const norm = own.reduce((sum, i) => sum + Math.abs(at(i)), 0)
      most[row] = Math.max(most[row]!, moved / norm)
    }
  }
  await inLab(
    async (made) => {
      const generator: LayeredGenerator = {
        ...made.generator,
        run: (from, h, ...others) => {
          if (from > 0) note(from, Float32Array.from(h.dataSync()))
          return made.generator.run(from, h, ...others)
        },
      }
      const budget = { ...short, restarts: 1, radii: [radius] }
      await gifd.run(made.input({ generator, budget }))
    },
    { labels: [0, 2] },
  )
  return [...stages.values()].flatMap(({ most }) => most)
}

describe('gifd', () => {
  it('A7: begins each stage with the picture that the one before ended with', async () => {
    await inLab(async (made) => {
      const { generator } = made
      tf.tidy(() => {
        const z = tf.tensor([[0.3, -1, 0.5]])
        const c = tf.tensor([[0, 1, 0]])
        const whole = generator.run(0, z, c).dataSync()
        let h = z
        for (let i = 0; i < generator.lastFeature; i++) {
          h = generator.block(i, h, c)
          expect(
            apart(generator.run(i + 1, h, c).dataSync() as Float32Array, whole as Float32Array),
          ).toBeLessThan(1e-5)
        }
      })
    })
  })

  it('A7: does so in the search itself: no iteration of the feature stages, no change', async () => {
    await inLab(async (made) => {
      const found = await latent.run(made.input({ budget: short }))
      const still = { ...short, stageIterations: 0 }
      const result = await gifd.run(made.input({ budget: still, earlier: [found] }))
      expect(result.stages.map(({ stage }) => stage)).toEqual([0, 1, 2])
      for (const images of stageImages(result)) {
        expect(apart(images, found.chosen!.images)).toBeLessThan(1e-5)
      }
    })
  })

  it('A7: goes on from the latent of descent or evolution in the same way', async () => {
    await inLab(async (made) => {
      const descended = await latent.run(made.input({ budget: short }))
      const evolved = await ggl.run(made.input({ budget: short }))
      const still = { ...short, stageIterations: 0 }
      const earlier = [descended, evolved]
      const [first, ...later] = stageImages(
        await gifdCma.run(made.input({ budget: still, earlier })),
      )
      expect(later).toHaveLength(2)
      for (const images of later) expect(apart(images, first!)).toBeLessThan(1e-5)
    })
  })

  it('A9: with a ball of no size stays where it began', async () => {
    await inLab(async (made) => {
      const result = await gifd.run(made.input({ budget: { ...short, radii: [1e-9] } }))
      const [first, ...later] = stageImages(result)
      for (const images of later) expect(apart(images, first!)).toBeLessThan(1e-5)
    })
  })

  it('keeps every step of every record within the ball around the start of its stage, §9.1', async () => {
    const [reached, small, free] = [await farthest(0.2), await farthest(0.01), await farthest(null)]
    for (const share of reached) expect(share).toBeLessThanOrEqual(0.2 + 1e-5)
    // Stages, and records in each: 2 × 2.
    expect(small).toHaveLength(4)
    for (const share of small) expect(share).toBeCloseTo(0.01, 4)
    for (const share of free) expect(share).toBeGreaterThan(0.02)
    // As §18 has it, a radius of 0 is no constraint.
    expect(await farthest(0)).toEqual(free)
  })

  it('A8: tells of every stage the least loss of all restarts and radii, and chooses the least', async () => {
    await inLab(async (made) => {
      const radii = [0.05, null]
      const budget = { ...short, restarts: 2, radii }
      const start = await latent.run(made.input({ budget }))
      const latents = start.latents!
      const all = await gifd.run(made.input({ budget, earlier: [start] }))
      const alone: { readonly note: string; readonly result: AttackResult }[] = []
      for (const trail of latents.trails) {
        const earlier = [{ ...start, latents: { ...latents, trails: [trail] } }]
        for (const radius of radii) {
          const one = { ...budget, restarts: 1, radii: [radius] }
          const result = await gifd.run(made.input({ budget: one, earlier }))
          alone.push({ note: `l1 radius: ${radius ?? 'none'}`, result })
        }
      }
      expect(alone.map(({ result }) => result.stages.length)).toEqual([3, 3, 3, 3])
      expect(all.stages.map(({ matchLoss }) => matchLoss)).toEqual(
        [0, 1, 2].map((stage) =>
          Math.min(...alone.map(({ result }) => result.stages[stage]!.matchLoss)),
        ),
      )
      const [best] = alone.toSorted(
        (a, b) => a.result.chosen!.matchLoss - b.result.chosen!.matchLoss,
      )
      expect(all.chosen?.images).toEqual(best!.result.chosen?.images)
      expect(all.note).toBe(best!.note)
      expect(all.iterations - latents.iterations).toBe(2 * 2 * 2 * short.stageIterations)
    })
  })

  it('finds what latents cannot express: better than latent, on the records and in the loss', async () => {
    await inLab(
      async (made) => {
        const budget = { ...LAB_BUDGET, stageIterations: 150, restarts: 3 }
        const start = await latent.run(made.input({ budget }))
        const end = await gifd.run(made.input({ budget, earlier: [start] }))
        expect(end.chosen!.matchLoss).toBeLessThan(start.chosen!.matchLoss / 2)
        const gain =
          psnrOf(end.chosen!.images, made.pictures) - psnrOf(start.chosen!.images, made.pictures)
        expect(gain).toBeGreaterThan(2)
      },
      { labels: [1] },
    )
  })
})

/** As found, but told to match exactly: the last of its latents. */
function withoutLoss(found: AttackResult): AttackResult {
  const latents = found.latents!
  const trails = latents.trails.map((trail, i) =>
    i < latents.trails.length - 1 ? trail : { ...trail, end: { ...trail.end, matchLoss: 0 } },
  )
  return { ...found, latents: { ...latents, trails } }
}

describe('attacks that go on from earlier ones', () => {
  const count = async (
    made: Lab,
    attack: Attack,
    earlier: readonly AttackResult[],
  ): Promise<{ result: AttackResult; told: number }> => {
    let told = 0
    const onIteration = (): void => void (told += 1)
    const result = await attack.run(made.input({ budget: short, earlier, onIteration }))
    return { result, told }
  }

  it('do not search for latents again, come to the same, count the work as theirs, and come nearer', async () => {
    await inLab(async (made) => {
      const found = await latent.run(made.input({ budget: short }))
      for (const attack of [gifd, gias]) {
        const alone = await attack.run(made.input({ budget: short }))
        const { result, told } = await count(made, attack, [found])
        expect(result).toEqual(alone)
        expect(told).toBe(result.iterations - found.iterations)
        expect(told).toBe(attack.iterations(short, made.generator, ['latent']))
        expect(result.chosen!.matchLoss).toBeLessThan(0.8 * found.chosen!.matchLoss)
        const [before, after] = [found, result].map(({ chosen }) =>
          psnrOf(chosen!.images, made.pictures),
        )
        expect(after! - before!).toBeGreaterThan(0.5)
      }
    })
  })

  it.each(['descent', 'evolution'] as const)(
    'take the latent of %s where it is best, and say so',
    async (who) => {
      await inLab(async (made) => {
        const descended = await latent.run(made.input({ budget: short }))
        const evolved = await ggl.run(made.input({ budget: short, earlier: [descended] }))
        const better = who === 'descent' ? descended : evolved
        const earlier = [descended, evolved].map((one) => (one === better ? withoutLoss(one) : one))
        const { result, told } = await count(made, gifdCma, earlier)
        expect(told).toBe(gifdCma.iterations(short, made.generator, ['latent', 'ggl']))
        expect(result.stages[0]?.images).toEqual(better.latents!.trails.at(-1)!.end.images)
        expect(result.note).toBe(`from the latent that ${who} found`)
      })
    },
  )
})

describe('a generator of another task', () => {
  it('without labels is given none, and the loss alone takes them', async () => {
    await inLab(async (made) => {
      const generator = labGenerator({ conditional: false })
      const before = tf.memory().numTensors
      const { chosen, latents } = await gifd.run(made.input({ generator, budget: short }))
      expect(chosen).not.toBeNull()
      expect(latents?.classes).toBeNull()
      expect(tf.memory().numTensors).toBe(before)
      generator.dispose()
    })
  })

  it('has its classes searched for: that of the record is found under any name', async () => {
    await inLab(
      async (made) => {
        // The task calls class 1 what the generator calls 1, but the attack is not told so.
        const budget = { ...LAB_BUDGET, stageIterations: 300, restarts: 1 }
        const result = await latent.run(made.input({ budget, searchClasses: true }))
        expect([...result.latents!.classes!]).toEqual([1, 1])
        expect(result.iterations).toBe(300 + 3 * 30)
      },
      { labels: [1, 1] },
    )
  })

  it('has those classes searched for that it does not have, and keeps the others', async () => {
    await inLab(
      async (made) => {
        const generator = labGenerator({ classes: 2 })
        const result = await latent.run(made.input({ generator, budget: short }))
        expect(result.latents!.classes![0]).toBe(0)
        expect(result.latents!.classes![1]).toBeLessThan(2)
        expect(result.iterations).toBe(2 * 25 + 2 * 3)
        generator.dispose()
      },
      { labels: [0, 2] },
    )
  })
})

describe('the noise floor', () => {
  // With few numbers in the update and many in the feature, noise can be fitted.
  const noisy: LabOptions = {
    model: { name: 'mlp', hidden: [2], activation: 'softplus' },
    updates: [{ name: 'gaussian-noise', stddev: 0.004 }],
  }

  it('freezes a search that comes down to it, and lets the other one go on', async () => {
    await inLab(async (made) => {
      const floor = made.problem.target.floor!
      const budget = { ...LAB_BUDGET, stageIterations: 100, restarts: 1, radii: [null] }
      const { atFloor, chosen } = await gifd.run(made.input({ budget }))
      expect(floor).toBeGreaterThan(0)
      expect(atFloor!.matchLoss).toBeLessThanOrEqual(1.15 * floor)
      // One look earlier it was above, so it is not far below.
      expect(atFloor!.matchLoss).toBeGreaterThan(chosen!.matchLoss)
      expect(atFloor!.stage).toBeLessThanOrEqual(chosen!.stage)
    }, noisy)
  })

  it('is null where there is no noise', async () => {
    await inLab(async (made) => {
      expect((await gifd.run(made.input({ budget: short }))).atFloor).toBeNull()
    })
  })
})

describe('pictures of the lab', () => {
  it('are in [0, 1], and not what the latents can make', () => {
    const generator = labGenerator()
    const pictures = labPictures(generator, [0, 1, 2])
    expect(Math.min(...pictures)).toBeGreaterThanOrEqual(0)
    expect(Math.max(...pictures)).toBeLessThanOrEqual(1)
    generator.dispose()
  })
})
