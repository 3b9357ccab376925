import { describe, expect, it } from 'vitest'
import { unwrap } from '#protocol/result.js'
import { parseRunConfig } from '#protocol/run-config.js'
import { gatherMethod } from '#testing/gather-method.js'
import { tinyConfig } from '#testing/tiny-federation.js'
import { CATALOGUE, configCatalogue, type Catalogue } from './catalogue.js'
import { classesOfPart, revealedBy } from './revealed.js'

const WITH_GATHER: Catalogue = { ...CATALOGUE, methods: [...CATALOGUE.methods, gatherMethod] }
const configWith = (change: object) =>
  unwrap(parseRunConfig({ ...tinyConfig(), ...change }, configCatalogue(WITH_GATHER)))
const GATHER = { method: { name: 'gather-test' } }

describe('what a run reveals', () => {
  it('is nothing where only params and sums leave', () => {
    expect(revealedBy(configWith({}))).toBeNull()
  })

  it('is what its method says, for tasks of that part', () => {
    const config = configWith(GATHER)
    expect(revealedBy(config, WITH_GATHER)).toEqual({
      ...{ classes: ['per-example'], text: 'Some rows of every client, as they are.' },
    })
    expect(classesOfPart(config, 'method', WITH_GATHER)).toEqual(['per-example'])
    for (const part of ['evaluation', 'calibration', 'toString'])
      expect(classesOfPart(config, part, WITH_GATHER)).toEqual([])
  })

  it('is what its calibration says too', () => {
    const ccvr = configWith({ calibration: { name: 'ccvr' } })
    expect(revealedBy(ccvr)).toMatchObject({
      ...{ classes: [], text: expect.stringContaining('label histogram') as string },
    })
    const config = configWith({ ...GATHER, calibration: { name: 'oracle' } })
    const both = revealedBy(config, WITH_GATHER)
    expect(both?.classes).toEqual(['per-example'])
    expect(both?.text).toMatch(/^Some rows .* as they are\. The features of every example/)
    expect(classesOfPart(config, 'calibration', WITH_GATHER)).toEqual(['per-example'])
  })
})
