import { beforeAll, describe, expect, it } from 'vitest'
import type { Attack, AttackResult } from '#algorithms/audit/attack.js'
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

  it('stays within its ball: a small one moves the picture less than a large one', async () => {
    await inLab(async (made) => {
      const moved = async (radius: number | null): Promise<number> => {
        const budget = { ...short, restarts: 1, radii: [radius] }
        const [first, , last] = stageImages(await gifd.run(made.input({ budget })))
        return apart(first!, last!)
      }
      const [small, large, none] = [await moved(0.01), await moved(0.1), await moved(null)]
      expect(small).toBeLessThan(large)
      expect(large).toBeLessThanOrEqual(none * 1.5)
      expect(await moved(0)).toBeCloseTo(none, 6)
    })
  })

  it('A8: never chooses a greater loss for having searched on', async () => {
    await inLab(async (made) => {
      const { stages, chosen } = await gifd.run(made.input())
      const best = stages.map((_, i) =>
        Math.min(...stages.slice(0, i + 1).map(({ matchLoss }) => matchLoss)),
      )
      expect(best).toEqual(best.toSorted((a, b) => b - a))
      expect(chosen?.matchLoss).toBe(best.at(-1))
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

  it('tries every radius from the same latents, and says which was best', async () => {
    await inLab(async (made) => {
      const radii = [0.05, null]
      const both = await gifd.run(made.input({ budget: { ...short, radii } }))
      const each = await Promise.all(
        radii.map(
          async (radius) =>
            (await inLab((one) => gifd.run(one.input({ budget: { ...short, radii: [radius] } }))))
              .chosen,
        ),
      )
      const least = Math.min(...each.map((one) => one!.matchLoss))
      expect(both.chosen!.matchLoss).toBeCloseTo(least, 7)
      expect(both.note).toMatch(/^l1 radius: (0\.05|none)$/)
    })
  })
})

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

  it('do not search for latents again, come to the same, and count the work as theirs', async () => {
    await inLab(async (made) => {
      const found = await latent.run(made.input({ budget: short }))
      for (const attack of [gifd, gias]) {
        const alone = await attack.run(made.input({ budget: short }))
        const { result, told } = await count(made, attack, [found])
        expect(result).toEqual(alone)
        expect(told).toBe(result.iterations - found.iterations)
        expect(told).toBe(attack.iterations(short, made.generator, ['latent']))
      }
    })
  })

  it('take the best latent of descent and evolution, and say whose it is', async () => {
    await inLab(async (made) => {
      const descended = await latent.run(made.input({ budget: short }))
      const evolved = await ggl.run(made.input({ budget: short, earlier: [descended] }))
      const { result, told } = await count(made, gifdCma, [descended, evolved])
      expect(told).toBe(gifdCma.iterations(short, made.generator, ['latent', 'ggl']))
      const isEvolved = evolved.chosen!.matchLoss < descended.chosen!.matchLoss
      const better = isEvolved ? evolved : descended
      expect(result.stages[0]?.images).toEqual(better.chosen?.images)
      expect(result.note).toBe(`from the latent that ${isEvolved ? 'evolution' : 'descent'} found`)
    })
  })
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
