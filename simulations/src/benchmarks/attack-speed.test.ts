import { beforeAll, describe, expect, it } from 'vitest'
import type { Engine } from '#protocol/record.js'
import { ATTACKS } from '#algorithms/audit/attack.js'
import { useBackend } from '#algorithms/tensor/backends.js'
import { attackSpeedMarkdown } from './attack-speed-report.js'
import {
  measureAttacks,
  type AttackSpeedMeasurement,
  type AttackSpeedSetting,
} from './attack-speed.js'

const small = { localSteps: 1, iterations: 1, side: 8 }
const SETTINGS: readonly AttackSpeedSetting[] = [
  { ...small, model: 'mlp', batch: 1 },
  { ...small, model: 'gap', batch: 2 },
]

describe('the speed of attacks', () => {
  let engine: Engine
  const measurements: AttackSpeedMeasurement[] = []
  beforeAll(async () => {
    engine = await useBackend('wasm')
    for (const setting of SETTINGS) measurements.push(await measureAttacks(setting, engine))
  })

  it('is measured for every attack, and no tensor is left', () => {
    for (const { attacks, use } of measurements) {
      expect(attacks.map(({ name }) => name)).toEqual([...ATTACKS])
      expect(use.tensorsAfter).toBe(use.tensorsBefore)
    }
    const [perceptron, pooled] = measurements
    expect(perceptron).toMatchObject({ parameters: 64 * 200 + 200 + 200 * 200 + 200 + 2010 })
    expect(pooled).toMatchObject({ parameters: 850 })
  })

  it('counts the iterations of each: four stages of pixels, one latent and three features', () => {
    const iterations = Object.fromEntries(
      measurements[1]!.attacks.map(({ name, iterations: own }) => [name, own]),
    )
    expect(iterations).toEqual({
      ...{ analytic: 0, latent: 1, gifd: 4, ig: 4, gi: 4, gias: 4, ggl: 1 },
      ...{ 'gifd-cma': 5, dlg: 4, idlg: 4 },
    })
  })

  it('is none where nothing is searched, and says where an attack does not apply', () => {
    const [perceptron, pooled] = measurements
    expect(perceptron!.attacks[0]).toMatchObject({
      name: 'analytic',
      perSecond: null,
      excluded: null,
    })
    expect(pooled!.attacks[0]).toMatchObject({ name: 'analytic', perSecond: null })
    expect(pooled!.attacks[0]!.excluded).toMatch(/behind others/)
    for (const { perSecond } of pooled!.attacks.slice(1)) expect(perSecond).toBeGreaterThan(0)
  })

  it('makes a page', () => {
    const machine = {
      ...{ version: '1.2.3', commit: null, node: 'v20', load: 0 },
      ...{ cpu: 'a processor', cores: 2 },
    }
    const page = attackSpeedMarkdown({ measurements, machine })
    expect(page).toContain(
      '`tributary benchmark audit --backend wasm --models mlp gap --batch 1 --local-steps 1 --iterations 1 --out audit.md`',
    )
    expect(page).toContain('| attack | mlp | gap |')
    expect(page).toContain('| analytic | no search | – |')
    expect(page).toContain('| gap | 850 |')
    expect(page).not.toContain('busy')
  })
})
