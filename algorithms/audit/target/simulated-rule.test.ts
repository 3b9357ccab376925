import { beforeAll, describe, expect, it } from 'vitest'
import { CATALOGUE } from '#algorithms/catalogue.js'
import { useBackend } from '#algorithms/tensor/backends.js'
import { tf } from '#algorithms/tensor/tf.js'
import { createProblem } from '#algorithms/audit/matching/problem.js'
import { lossGradients } from '#algorithms/audit/matching/local-update.js'
import { flatOf, labTarget, relativeError, type LabSpec } from '#testing/audit-target-lab.js'

beforeAll(() => useBackend('wasm'))

/** How far the simulated update of the true records is from what the client sent, relative. */
async function simulationError(spec: LabSpec): Promise<number> {
  const { target, x, y, dispose } = await labTarget({ count: 3, ...spec })
  const problem = createProblem(target)
  const error = tf.tidy(() => relativeError(flatOf(problem.update(x, y)), flatOf(target.observed)))
  problem.dispose()
  dispose()
  return error
}

// Without its own part an update would differ by: momentum 0.9, steps 0.1, decay 0.05, clipping of steps 0.5, pulls 0.05.
const ROUNDING = 1e-3
const steps = { localEpochs: 3 }

describe('the simulated client', () => {
  it.each<[string, LabSpec]>([
    ['several steps', steps],
    ['momentum', { ...steps, optimizer: { momentum: 0.9 } }],
    ['weight decay', { ...steps, optimizer: { weightDecay: 0.1 } }],
    ['weight decay of weights alone', { optimizer: { weightDecay: 0.1, decay: 'weights' } }],
    ['momentum and weight decay', { ...steps, optimizer: { momentum: 0.5, weightDecay: 0.1 } }],
    ['clipped steps', { ...steps, optimizer: { gradientClip: 0.1 } }],
    ['a schedule', { optimizer: { schedule: { name: 'cosine', floor: 0.1 } } }],
    ['a clip', { ...steps, updates: [{ name: 'clip', norm: 0.01 }] }],
    [
      'a clip and weight decay',
      { ...steps, optimizer: { weightDecay: 0.1 }, updates: [{ name: 'clip', norm: 0.01 }] },
    ],
    ['numbers left out', { ...steps, updates: [{ name: 'top-k', fraction: 0.3 }] }],
    [
      'numbers left out and weight decay',
      { optimizer: { weightDecay: 0.1 }, updates: [{ name: 'top-k', fraction: 0.3 }] },
    ],
    ['the mean of three clients', { clients: 3 }],
  ])('makes of the true records what the client sent: %s', async (_, spec) => {
    expect(await simulationError(spec)).toBeLessThan(ROUNDING)
  })

  const AUDITED = CATALOGUE.methods.filter((method) => method.plainTraining !== undefined)
  const OPTIONS: Readonly<Record<string, object>> = {
    fedprox: { mu: 0.9 },
    clsprox: { mu: 0.9 },
    fednova: { mu: 0.9 },
    moon: { mu: 5 },
    ditto: { lambda: 1 },
  }
  it.each(AUDITED.map(({ name }) => name))(
    'makes of the true records what a client of %s sends in the first round',
    async (name) => {
      const method = { name, ...OPTIONS[name] }
      const momentum = name === 'scaffold' ? 0 : 0.5
      expect(await simulationError({ ...steps, method, optimizer: { momentum } })).toBeLessThan(
        ROUNDING,
      )
    },
  )

  it('has the methods of which a first update is local training, and no other', () => {
    expect(AUDITED.map(({ name }) => name).toSorted()).toEqual([
      ...['apfl', 'clsprox', 'ditto', 'fedavg', 'fedavg-finetune', 'fednova', 'fedprox', 'moon'],
      'scaffold',
    ])
  })

  it('A15: has the gradient of all records as that of the mean of clients with one each', async () => {
    const { target, x, y, dispose } = await labTarget({ count: 3, clients: 3 })
    const { settings, rule, params, observed } = target
    expect([settings.batch, rule.steps]).toEqual([3, 1])
    tf.tidy(() => {
      const gradient = lossGradients(settings.model, params, { x, y })
      expect(relativeError(flatOf(observed), flatOf(gradient))).toBeLessThan(1e-4)
    })
    dispose()
  })

  it.each<[string, LabSpec]>([
    ['steps', {}],
    ['steps with momentum', { optimizer: { momentum: 0.9 } }],
    ['steps of fednova', { method: { name: 'fednova' }, optimizer: { momentum: 0.9 } }],
  ])('has the length of one gradient, however many %s there were', async (_, spec) => {
    const small = { ...spec.optimizer, learningRate: 0.001 }
    const made = await labTarget({ count: 2, localEpochs: 5, ...spec, optimizer: small })
    const { settings, params, observed } = made.target
    tf.tidy(() => {
      const gradient = lossGradients(settings.model, params, { x: made.x, y: made.y })
      expect(relativeError(flatOf(observed), flatOf(gradient))).toBeLessThan(0.1)
    })
    made.dispose()
  })

  it('is told of what it does not know: batches smaller than the records', async () => {
    const { target, dispose } = await labTarget({ count: 4, batchSize: 2, localEpochs: 2 })
    expect(target.rule.steps).toBe(4)
    expect(target.remarks.join()).toMatch(/takes 2 of its 4 records in a local step/)
    dispose()
  })
})
