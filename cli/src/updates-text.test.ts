import { describe, expect, it } from 'vitest'
import type { Choice, RunConfig } from '#protocol/run-config.js'
import { tinyConfig } from '#testing/tiny-federation.js'
import type { Session } from './command.js'
import { sayUpdatesIn, sayUpdatesOfCells, updatesText } from './updates-text.js'

const CLIP: Choice = { name: 'clip', norm: 2 }
const NOISE: Choice = { name: 'gaussian-noise', stddev: 0.5 }
const configOf = (...updates: readonly Choice[]): RunConfig => ({ ...tinyConfig(), updates })
function shown(print: (session: Session) => void) {
  const [lines, events]: [string[], unknown[]] = [[], []]
  const out: Session['out'] = {
    ...{ json: true, table: () => undefined, finish: () => undefined },
    say: (line) => void lines.push(line),
    event: (name, data) => void events.push([name, data]),
  }
  print({ out, signal: new AbortController().signal })
  return { lines, events }
}

describe('what is done to updates, said to who starts a run', () => {
  it('is nothing without transforms, and for a configuration that is malformed', () => {
    expect(updatesText(tinyConfig(), 'nodes')).toBeNull()
    expect(updatesText(configOf(), 'nodes')).toBeNull()
    expect(shown((session) => sayUpdatesIn(session, { updates: 3 })).lines).toEqual([])
  })

  it('is the list in words, and what it does not change', () => {
    expect(updatesText(configOf(CLIP), 'nodes')).toBe(
      'Updates of fedavg leave clients so: clipped to an L2 norm of 2. Not changed by that: how many examples a client has, its loss and its steps.',
    )
    const { evaluation } = tinyConfig()
    const more: RunConfig = {
      ...configOf(CLIP),
      ...{ evaluation: { ...evaluation, federated: true } },
      calibration: { name: 'ccvr', when: 'final' },
    }
    expect(updatesText(more, 'nodes')).toMatch(
      /the scores of its evaluations; the statistics for ccvr\.$/,
    )
  })

  it('says where noise comes from, and that it guarantees nothing in a simulation', () => {
    expect(updatesText(configOf(CLIP, NOISE), 'nodes')).toMatch(
      /a key that only it has; nothing accounts for an epsilon\.$/,
    )
    expect(updatesText(configOf(NOISE), 'simulation')).toMatch(/guarantees nothing\.$/)
    expect(updatesText(configOf({ ...NOISE, stddev: 0 }), 'simulation')).not.toMatch(/guarantees/)
  })

  it('comes as an event, too, and of many cells each list once', () => {
    const cells = [configOf(CLIP), configOf(), configOf(NOISE), configOf(CLIP)]
    const { lines, events } = shown((session) =>
      sayUpdatesOfCells(
        session,
        cells.map((config) => ({ config })),
      ),
    )
    expect(lines).toHaveLength(2)
    expect(events).toMatchObject([
      ['run:updates', { updates: [CLIP] }],
      ['run:updates', { updates: [NOISE] }],
    ])
  })
})
