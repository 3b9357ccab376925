import { describe, expect, it } from 'vitest'
import type { RunRecord } from '#protocol/record.js'
import { madeUpClass, madeUpGeometry, madeUpLocal } from '#testing/made-up-diagnostics.js'
import { madeUpRun } from '#testing/made-up-runs.js'
import { shownBy } from '#testing/shown-output.js'
import { printDiagnostics, shownDiagnostics } from './diagnostics-text.js'

const headNorms = [
  [3, 1],
  [1, 2],
]
const local = (cka: number, probe: number) =>
  madeUpLocal({
    ...{ clients: 2, probe, headNorms },
    layers: { hidden: [200, cka], logits: [10, null] },
  })
const virtual = { lossBefore: 1, lossAfter: 0.5, accuracyBefore: 0.5, accuracyAfter: 0.75 }
const classes = [
  madeUpClass('cat'),
  madeUpClass('dog', { clients: null, condition: 1.5e9, jitter: 0.01, betweenClients: null }),
]
const diagnosed = (members: readonly (readonly number[] | null)[], probe = 500) =>
  madeUpRun({
    members,
    config: { evaluation: { diagnostics: { probe } } },
    rounds: [
      {},
      {
        diagnostics: {
          ...{ local: local(0.75, probe), headNorms: [2, 1], geometry: madeUpGeometry() },
        },
      },
      { diagnostics: { local: local(0.9, probe), headNorms: [1, 1] } },
      {
        part: 'calibration',
        diagnostics: {
          geometry: madeUpGeometry({ selfDuality: null }),
          headNorms: [1.5, 1],
          calibration: { answered: [0], missing: [], classes, virtual },
        },
      },
    ],
  })

const shown = (record: RunRecord) => shownBy((out) => printDiagnostics(out, record))

describe('diagnostics in words', () => {
  const lines = shown(diagnosed([[8, 2], null]))
  it('show layers side by side, and warn where the probe is small for them', () => {
    expect(lines).toContain('layer | width | round 1 | debiased | round 2 | debiased')
    expect(lines).toContain('hidden | 200 | 0.750 | 0.625 | 0.900 | 0.775')
    expect(lines).toContain('logits | 10 | – | – | – | –')
    const caution = lines.findIndex((line) => line.includes('Caution: hidden: 500 examples'))
    expect(lines[caution + 1]).toContain('evaluation.diagnostics.probe to 800')
    expect(shown(diagnosed([[8, 2]], 800)).join()).not.toContain('Caution')
  })
  it('show whether heads follow labels, and say so where nobody tells labels', () => {
    expect(lines).toContain(
      'round | follow labels | local, longest/shortest | global, longest/shortest',
    )
    expect(lines).toContain('1 | 1 | 2.5 | 2')
    expect(lines).toContain('3, calibrated | – | – | 1.5')
    expect(lines.join()).not.toContain('--share-counts')
    expect(shown(diagnosed([null, null])).join()).toContain('--share-counts')
  })
  it('show geometry round by round, with the direction that is better', () => {
    expect(lines).toContain('measure | round 1 | round 3, calibrated | better')
    expect(lines).toContain('Head off the class means | 1.5 | – | smaller')
    expect(lines).toContain('Between-class share | 75.00 % | 75.00 % | larger')
    expect(lines).toContain('Length of features | 12 | 12 | –')
  })
  it('leave rounds in the middle out where they are many', () => {
    const rounds = Array.from({ length: 11 }, () => ({
      diagnostics: { geometry: madeUpGeometry() },
    }))
    const text = shown(madeUpRun({ rounds: [{}, ...rounds] })).join('\n')
    expect(text).toMatch(/round 4 \| round 8 \|/)
    expect(text).toContain('3 rounds in the middle are left out')
  })
  it('show what the calibration found of each class', () => {
    expect(lines).toContain('cat | ok | 900 | 2 | 27 | 4000 | 1.0e-4 | 25.00 % | 500')
    expect(lines).toContain('dog | ok | 900 | – | 27 | 1.5e+9 | 0.01 | – | 500')
  })
  it('say what to configure where a run compared nothing', () => {
    const bare = madeUpRun({ rounds: [{}, {}] })
    expect(shown(bare).join()).toContain('--set evaluation.diagnostics.probe=500')
    expect(shownDiagnostics(bare)).toEqual({
      ...{ similarity: null, heads: [], geometry: [], classes: [] },
    })
    const running = madeUpRun({
      config: { evaluation: { diagnostics: { probe: 500 } } },
      changes: { state: 'running' },
    })
    expect(shown(running).join()).toContain('when the first training round is closed')
    expect(lines.join()).not.toMatch(/--set evaluation.diagnostics|No training round/)
  })
})
