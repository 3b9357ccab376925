import { beforeAll, describe, expect, it } from 'vitest'
import type { AttackResult, Reconstruction } from '#algorithms/audit/attack.js'
import { useBackend } from '#algorithms/tensor/backends.js'
import { inLab, type LabOptions } from '#testing/attack-lab.js'
import { newTrail, Search, type Trail } from './search.js'
import { resultOf } from './selection.js'

beforeAll(async () => {
  await useBackend('wasm')
})

const place = (restart: number, stage: number, matchLoss: number): Reconstruction => ({
  ...{ stage, matchLoss, restart, images: new Float32Array(0) },
})
/** A restart whose stages end with these losses. */
const trailOf = (restart: number, losses: readonly number[], over: Partial<Trail> = {}): Trail => ({
  ...newTrail(restart),
  ends: losses.map((loss, stage) => place(restart, stage, loss)),
  curve: [{ iteration: restart, loss: losses[0]! }],
  ...over,
})
const resultFrom = (trails: readonly Trail[], options: LabOptions = {}): Promise<AttackResult> =>
  inLab(
    async (made) => resultOf(new Search(made.input()), 'gifd', { trails, restarts: trails.length }),
    options,
  )
const NOISY = { updates: [{ name: 'gaussian-noise', stddev: 0.01 }] }

describe('what an attacker takes', () => {
  it('A8: is the least loss of all stages and restarts, neither the first nor the last', async () => {
    const { chosen, stages, curve, note } = await resultFrom([
      trailOf(0, [0.5, 0.4, 0.7], { label: 'one' }),
      trailOf(1, [0.3, 0.2, 0.6], { label: 'two' }),
      trailOf(2, [0.9, 0.8, 0.25], { label: 'three' }),
    ])
    expect(stages).toEqual([place(1, 0, 0.3), place(1, 1, 0.2), place(2, 2, 0.25)])
    expect(chosen).toEqual(place(1, 1, 0.2))
    expect([curve, note]).toEqual([[{ iteration: 1, loss: 0.3 }], 'two'])
  })

  it('A8: of equal losses is the earlier stage, then the earlier restart', async () => {
    const { chosen, stages } = await resultFrom([
      trailOf(0, [0.5, 0.4, 0.2]),
      trailOf(1, [0.5, 0.2, 0.3]),
    ])
    expect(stages).toEqual([place(0, 0, 0.5), place(1, 1, 0.2), place(0, 2, 0.2)])
    expect(chosen).toEqual(place(1, 1, 0.2))
  })

  it('is nothing where every restart failed', async () => {
    const { chosen, stages, curve } = await resultFrom([newTrail(0), newTrail(1)])
    expect([chosen, stages, curve]).toEqual([null, [], []])
  })

  it('at the noise floor is where a restart came down to it, or ended', async () => {
    const frozen = trailOf(0, [0.5, 0.1], { atFloor: place(0, 0, 0.4) })
    const other = trailOf(1, [0.6, 0.45])
    expect((await resultFrom([frozen, other], NOISY)).atFloor).toEqual(place(0, 0, 0.4))
    const better = trailOf(1, [0.3, 0.35])
    expect((await resultFrom([frozen, better], NOISY)).atFloor).toEqual(place(1, 0, 0.3))
    expect((await resultFrom([frozen, better])).atFloor).toBeNull()
  })
})
