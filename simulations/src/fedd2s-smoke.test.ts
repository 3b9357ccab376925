/** The experiment of the fedd2s specification (§16), small enough for every commit: finite numbers, and bytes by the formulae. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { RoundRecord, RunRecord } from '#protocol/record.js'
import { loadExperiment } from './experiments.js'
import { simulate } from './simulate.js'

const CLIENTS = 4
const CLASSES = 10
/** Units at the cuts, in the order in which two rounds each use them. */
const WIDTHS = [4, 6, 8]
/** Names, shapes and kinds of the tensors, and the slots: what a message has beside its values. */
const FRAMING = 256
/** What a client says when it is also asked to score. */
const SCORES = 1024

const OVERRIDES = [
  'model.hidden=[8,6,4]',
  'method.interval=2',
  'data.path="prototypes:count=400:seed={seed}"',
  'data.partition="label-skew:0.1:min=20:max=60:seed={seed}"',
  'data.testFraction=0.5',
  `data.clients=${CLIENTS}`,
  'evaluation.every=3',
  'rounds=6',
]

describe('fedd2s in a small simulation', () => {
  let directory = ''
  let record: RunRecord
  const train = (): readonly RoundRecord[] =>
    record.rounds.filter(({ purpose }) => purpose === 'train')

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'tributary-fedd2s-'))
    const config = await loadExperiment('fedd2s-label-skew', OVERRIDES)
    ;({ record } = await simulate(config, { workers: 0, runsDirectory: directory }))
  })
  afterAll(() => rm(directory, { recursive: true, force: true }))

  it('ends with every client’s own model scored, and all numbers finite', () => {
    expect(record.state).toBe('finished')
    expect(train()).toHaveLength(6)
    for (const { accepted } of train()) expect(accepted).toHaveLength(CLIENTS)
    const metrics = record.rounds.flatMap(({ metrics, accepted }) => [
      metrics,
      ...accepted.map((one) => one.metrics),
    ])
    const values = metrics.flatMap((one) => Object.values(one))
    expect(values.length).toBeGreaterThan(100)
    expect(values.filter((value) => !Number.isFinite(value))).toEqual([])
    expect(record.rounds.at(-1)?.metrics['clients/trained/accuracy']).toBeGreaterThan(0.2)
  })

  it('sends up an activation and a label for each example, and gets soft labels for each', () => {
    const examples = record.roster.reduce((sum, { card }) => sum + (card.counts?.train ?? 0), 0)
    expect(examples).toBeGreaterThanOrEqual(CLIENTS * 10)
    for (const [r, round] of train().entries()) {
      const most = CLIENTS * (FRAMING + ('clients/accuracy' in round.metrics ? SCORES : 0))
      const up = examples * (4 * WIDTHS[Math.floor(r / 2)]! + 1)
      expect(round.bytesUp - up).toBeGreaterThan(0)
      expect(round.bytesUp - up).toBeLessThan(most)
      // Soft labels are those of the round before.
      const down = r === 0 ? 0 : examples * 4 * CLASSES
      expect(round.bytesDown - down).toBeGreaterThan(0)
      expect(round.bytesDown - down).toBeLessThan(CLIENTS * FRAMING)
    }
  })
})
