import { describe, expect, it } from 'vitest'
import type { JsonObject } from '#protocol/json.js'
import { fedd2sSetup } from '#testing/fedd2s-lab.js'
import { revealedBy } from './reveals.js'

const said = (hyper: JsonObject): string => revealedBy(fedd2sSetup({ hyper }))!.text

describe('what fedd2s says that it gives away', () => {
  it('is rows of single examples, their labels, and more of them as the cut moves', () => {
    expect(revealedBy(fedd2sSetup())!.classes).toEqual(['per-example'])
    const text = said({})
    expect(text).toMatch(
      /for all its training examples, the activation at the cut and the true label/,
    )
    expect(text).toMatch(/from dense3 to dense1, so exposure grows over the run/)
    expect(text).toMatch(/Soft labels of single examples come back/)
    expect(text).toMatch(/Less is given away with minCut, clipNorm with noise, quantization, /)
  })

  it('is less with what makes it less', () => {
    expect(said({ schedule: 'fixed' })).toMatch(/it stays behind dense3/)
    expect(said({ maxSamplesPerRound: 5 })).toMatch(/for up to 5 of its training examples/)
    expect(said({ rows: 'class-means' })).toMatch(/which classes a client has/)
    expect(said({ transfer: 'headDownload' })).toMatch(/No answers for single examples come back/)
    expect(said({ stopFederationAfter: 4 })).toMatch(/From round 5 on nothing is sent/)
  })

  it('says from whom noise hides activations, and from whom it does not', () => {
    expect(said({})).not.toMatch(/seed/)
    expect(said({ clipNorm: 1, noise: 0.5 })).toMatch(
      /not from the coordinator, which knows the seed/,
    )
  })

  it('says that outputs of the whole model go with the rows where they do', () => {
    expect(said({})).not.toMatch(/output of the client's own model/)
    expect(said({ serverTeacher: 'local' })).toMatch(/output of the client's own model/)
  })

  it('is nothing but params where whole models travel', () => {
    expect(revealedBy(fedd2sSetup({ hyper: { profile: 'models' } }))).toBeNull()
  })
})
