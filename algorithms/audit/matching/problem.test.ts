import { beforeAll, describe, expect, it } from 'vitest'
import { useBackend } from '#algorithms/tensor/backends.js'
import { tf, type Tensor } from '#algorithms/tensor/tf.js'
import {
  flatOf,
  labTarget,
  noiseLike,
  relativeError,
  type LabSpec,
} from '#testing/audit-target-lab.js'
import type { Distance } from './distance.js'
import { lossGradients } from './local-update.js'
import { assertMatching, createProblem, type MatchingProblem } from './problem.js'

beforeAll(() => useBackend('wasm'))

interface Scene {
  readonly problem: MatchingProblem
  readonly x: Tensor
  readonly y: Tensor
}
/** Runs `look` on a target's problem inside tf.tidy, and checks that nothing is left of either. */
async function inScene(spec: LabSpec, look: (scene: Scene) => void): Promise<void> {
  const before = tf.memory().numTensors
  const made = await labTarget(spec)
  const problem = createProblem(made.target)
  tf.tidy(() => look({ problem, x: made.x, y: made.y }))
  problem.dispose()
  made.dispose()
  expect(tf.memory().numTensors).toBe(before)
}

interface Place {
  readonly loss: number
  readonly slope: Float32Array
}
function at({ problem, y }: Scene, x: Tensor, distance?: Distance): Place {
  const { value, grad } = tf.valueAndGrad((z: Tensor) => problem.loss(z, y, distance))(x)
  return { loss: value.dataSync()[0]!, slope: grad.dataSync() as Float32Array }
}
const lengthOf = (values: Float32Array): number => Math.hypot(...values)
const CLIP = { name: 'clip', norm: 0.01 }
const TOP_K = { name: 'top-k', fraction: 0.2 }
const refused = expect.objectContaining({ code: 'audit/not-from-records' }) as Error

describe('a matching problem', () => {
  it('A22: is made by createProblem alone: copies and others are refused, and it stays as it is', async () => {
    const made = await labTarget()
    const problem = createProblem(made.target)
    const copy: MatchingProblem = { ...problem, loss: () => tf.scalar(0) }
    const { target, labels, gradientsPerLoss } = problem
    // @ts-expect-error A problem has a mark that only createProblem gives.
    const byHand: MatchingProblem = {
      ...{ target, labels, gradientsPerLoss },
      loss: () => tf.scalar(0),
      update: () => [],
      dispose: () => undefined,
    }
    for (const forged of [copy, byHand, Object.create(problem) as MatchingProblem]) {
      expect(() => assertMatching(forged)).toThrow(refused)
    }
    assertMatching(problem)
    const open = problem as { -readonly [Key in keyof MatchingProblem]: MatchingProblem[Key] }
    expect(() => (open.loss = () => tf.scalar(0))).toThrow(TypeError)
    problem.dispose()
    made.dispose()
  })

  it('A17: disposes its target where that is asked of it', async () => {
    const before = tf.memory().numTensors
    const { target, x, y } = await labTarget()
    createProblem(target, { ownsTarget: true }).dispose()
    tf.dispose([x, y])
    expect(tf.memory().numTensors).toBe(before)
  })
})

describe('the matching problem of a target', () => {
  it.each([
    ['one record', {}],
    ['three records', { count: 3 }],
    ['three local steps', { count: 2, localEpochs: 3 }],
    ['few numbers of a clipped update', { updates: [CLIP, TOP_K] }],
    ['a clip of few numbers', { updates: [TOP_K, CLIP] }],
    ['max pooling and relu', { model: { name: 'cnn', filters: [3, 4], kernelSize: 3, hidden: 6 } }],
  ] as const)('A1: is solved by the true records, and has no slope there: %s', (_, spec) =>
    inScene(spec, (scene) => {
      const { x } = scene
      for (const distance of ['cosine', 'relative'] as const) {
        const truth = at(scene, x, distance)
        const random = at(scene, noiseLike(x), distance)
        expect(truth.loss).toBeLessThan(1e-6)
        expect(truth.loss).toBeLessThan(1e-6 * random.loss)
        expect(lengthOf(truth.slope)).toBeLessThan(1e-4 * lengthOf(random.slope))
      }
    }),
  )

  it('A2: has the same slopes whether clients clip or not', async () => {
    const slopes: Place[] = []
    const look = (scene: Scene): void => void slopes.push(at(scene, noiseLike(scene.x)))
    await inScene({ count: 2 }, look)
    await inScene({ count: 2, updates: [{ name: 'clip', norm: 0.01 }] }, (scene) => {
      const { clipNorm, signal } = scene.problem.target
      // The clip holds: the update is as long as it lets it be.
      expect(signal.norm / clipNorm!).toBeCloseTo(1, 3)
      look(scene)
    })
    const [free, clipped] = slopes
    expect(clipped!.loss).toBeCloseTo(free!.loss, 5)
    expect(relativeError(clipped!.slope, free!.slope)).toBeLessThan(1e-3)
  })

  it.each([1e-10, 1e-22, 1e-30])(
    'A2: does not see a clip, to a norm of %d either',
    async (norm) => {
      const places: Place[] = []
      const look = (scene: Scene): void => {
        for (const distance of ['cosine', 'relative'] as const) {
          places.push(at(scene, noiseLike(scene.x), distance), at(scene, scene.x, distance))
        }
      }
      await inScene({ count: 2, updates: [{ name: 'clip', norm: 0.01 }] }, look)
      await inScene({ count: 2, updates: [{ name: 'clip', norm }] }, look)
      const [cosine, cosineTruth, relative, relativeTruth, ...others] = places
      for (const [one, other] of [
        [cosine!, others[0]!],
        [relative!, others[2]!],
      ] as const) {
        expect(other.loss / one.loss).toBeCloseTo(1, 3)
        expect(relativeError(other.slope, one.slope)).toBeLessThan(1e-3)
      }
      for (const truth of [cosineTruth!, relativeTruth!, others[1]!, others[3]!]) {
        expect(truth.loss).toBeLessThan(1e-6)
      }
    },
  )

  it('A2: sees through a clip with relative squares, too: it applies it to what it compares', () =>
    inScene({ count: 2, updates: [{ name: 'clip', norm: 0.01 }] }, (scene) => {
      const truth = at(scene, scene.x, 'relative')
      expect(truth.loss).toBeLessThan(1e-5 * at(scene, noiseLike(scene.x), 'relative').loss)
    }))

  it('A15: simulates one step as −η F(x): the observed gradient is F', () =>
    inScene({ count: 2 }, ({ problem, x, y }) => {
      const { target } = problem
      const other = noiseLike(x)
      const gradient = lossGradients(target.settings.model, target.params, { x: other, y })
      expect(relativeError(flatOf(problem.update(other, y)), flatOf(gradient))).toBeLessThan(1e-6)
      // What the client sent is that of the true records.
      const own = lossGradients(target.settings.model, target.params, { x, y })
      expect(relativeError(flatOf(target.observed), flatOf(own))).toBeLessThan(1e-4)
    }))

  it('A15: is the same problem for one step as for one gradient', async () => {
    const places: Place[] = []
    for (const approximation of ['unrolled', 'one-gradient'] as const) {
      await inScene({ count: 2, approximation }, (scene) => {
        places.push(at(scene, noiseLike(scene.x)))
        expect(scene.problem.gradientsPerLoss).toBe(1)
      })
    }
    expect(places[1]).toEqual(places[0])
  })

  it('takes several steps for one gradient only when told so, and then does not fit', async () => {
    const three = { count: 2, localEpochs: 3, optimizer: { learningRate: 0.5 } }
    const losses: number[] = []
    for (const approximation of ['unrolled', 'one-gradient'] as const) {
      await inScene({ ...three, approximation }, (scene) => {
        losses.push(at(scene, scene.x).loss)
        expect(scene.problem.gradientsPerLoss).toBe(approximation === 'unrolled' ? 3 : 1)
      })
    }
    expect(losses[0]).toBeLessThan(1e-8)
    expect(losses[1]).toBeGreaterThan(100 * losses[0]!)
  })

  it('compares only what was sent where numbers were left out', () =>
    inScene({ updates: [{ name: 'top-k', fraction: 0.2 }] }, (scene) => {
      const { problem, x, y } = scene
      const { target } = problem
      const sent = flatOf(target.support!)
      expect(sent.reduce((sum, one) => sum + one, 0) / sent.length).toBeCloseTo(0.2, 1)
      const update = flatOf(problem.update(noiseLike(x), y))
      expect(update.every((value, i) => value === 0 || sent[i] === 1)).toBe(true)
      expect(at(scene, x).loss).toBeLessThan(1e-8)
    }))

  it('can be differentiated by soft labels', () =>
    inScene({ count: 2 }, ({ problem, x }) => {
      const slope = tf.grad((logits: Tensor) => problem.loss(x, tf.softmax(logits)))(
        tf.zeros([2, 4]),
      )
      expect(lengthOf(slope.dataSync() as Float32Array)).toBeGreaterThan(1e-4)
    }))

  it('has its labels ascending, one row for each record', () =>
    inScene({ count: 4 }, ({ problem }) => {
      expect([...problem.target.labels]).toEqual([0, 1, 2, 3])
      expect(problem.labels.arraySync()).toEqual([
        [1, 0, 0, 0],
        [0, 1, 0, 0],
        [0, 0, 1, 0],
        [0, 0, 0, 1],
      ])
    }))

  it('A17: leaves no tensor behind, however often it is asked', async () => {
    const made = await labTarget({ count: 2, localEpochs: 2 })
    const problem = createProblem(made.target)
    const before = tf.memory().numTensors
    for (let i = 0; i < 20; i++) {
      tf.tidy(() => void tf.grad((z: Tensor) => problem.loss(z, made.y))(made.x))
      expect(tf.memory().numTensors).toBe(before)
    }
    problem.dispose()
    made.dispose()
  })
})
