/**
 * GI, GradInversion: pixels, squared distance, total variation, image norm, and restarts that are drawn to what they have in
 * common. Yin et al., See through Gradients: Image Batch Recovery via GradInversion, CVPR 2021,
 * https://arxiv.org/abs/2104.07586. Gifd specification §12 number 5, §5.2; without statistics of batch norm, which no model here
 * has. Distances are divided by ‖g‖², so that the weights mean the same for every model (§5.3).
 */
import type { Attack } from '#algorithms/audit/attack.js'
import {
  groupDistance,
  pictureNorm,
  totalVariation,
} from '#algorithms/audit/matching/regularisers.js'
import { tf, type Tensor } from '#algorithms/tensor/tf.js'
import { allPixelIterations, greyStart, intoBox, pixelIterations, pixelRestarts } from './pixels.js'
import { stepDecay } from './schedule.js'
import { newTrail, Search, type Descent } from './search.js'
import { resultOf } from './selection.js'

const RATE = 0.05
const WEIGHTS = { tv: 1e-4, norm: 1e-6, group: 0.01 } as const
/** 500 and 100 of the authors' 15,000 iterations. */
const GROUP_FROM = 1 / 30
const GROUP_EVERY = 1 / 150

/** The mean picture of the restarts, which is refreshed now and then. */
class Group {
  #mean: Tensor | null = null

  /** Null: not yet, or a single restart. */
  get mean(): Tensor | null {
    return this.#mean
  }

  /** Restarts that went astray do not count. */
  async refresh(pictures: readonly Tensor[]): Promise<void> {
    const values = await Promise.all(pictures.map((one) => one.data()))
    const sound = pictures.filter((_, i) => values[i]!.every((value) => Number.isFinite(value)))
    this.dispose()
    if (sound.length > 1) {
      this.#mean = tf.tidy(() => tf.div(tf.addN([...sound]), sound.length))
    }
  }

  dispose(): void {
    this.#mean?.dispose()
    this.#mean = null
  }
}

/** All restarts in one descent: what one step of each does to the others is their common mean only. */
function groupDescent(search: Search, restarts: number, group: Group): Descent {
  const { problem, budget } = search.input
  const iterations = pixelIterations(budget)
  const first = Math.ceil(iterations * GROUP_FROM)
  const every = Math.max(1, Math.round(iterations * GROUP_EVERY))
  let step = 0
  return {
    ...{ stage: 0, iterations, isSigned: true, losses: restarts },
    start: Array.from({ length: restarts }, () => greyStart(search)),
    rate: (k) => RATE * stepDecay(k, iterations),
    objective: (pictures) => tf.addN(pictures.map((x) => groupLoss(search, x, group.mean))),
    show: (pictures, trail) => ({ x: pictures[trail]!, y: problem.labels }),
    constrain: async (pictures) => {
      step += 1
      if (step >= first && (step - first) % every === 0) await group.refresh(pictures)
      return intoBox(pictures)
    },
  }
}

function groupLoss({ input }: Search, x: Tensor, mean: Tensor | null): tf.Scalar {
  const { problem } = input
  const alone = tf.addN<tf.Scalar>([
    problem.loss(x, problem.labels, 'relative'),
    tf.mul(WEIGHTS.tv, totalVariation(x)),
    tf.mul(WEIGHTS.norm, pictureNorm(x)),
  ])
  return mean === null ? alone : tf.add(alone, tf.mul(WEIGHTS.group, groupDistance(x, mean)))
}

export const gi: Attack = {
  name: 'gi',
  needsGenerator: false,
  describes:
    'Searches pixels by the squared distance, several at a time that are drawn to their mean.',
  iterations: allPixelIterations,
  excluded: () => null,
  async run(input) {
    const search = new Search(input)
    const restarts = pixelRestarts(input.budget)
    const trails = Array.from({ length: restarts }, (_, restart) => newTrail(restart))
    const group = new Group()
    const descent = await search.draw(async () => groupDescent(search, restarts, group))
    try {
      if (descent !== null) tf.dispose((await search.descend(trails, descent)) ?? [])
    } finally {
      tf.dispose([...(descent?.start ?? [])])
      group.dispose()
    }
    return resultOf(search, 'gi', { trails, restarts })
  },
}
