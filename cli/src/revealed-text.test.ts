import { describe, expect, it } from 'vitest'
import { unwrap } from '#protocol/result.js'
import { parseRunConfig, type RunConfigInput } from '#protocol/run-config.js'
import { configCatalogue } from '#algorithms/catalogue.js'
import { tinyConfig } from '#testing/tiny-federation.js'
import type { Session } from './command.js'
import {
  calibrationText,
  revealedIn,
  sayOwnersDecide,
  sayRevealed,
  sayRevealedByCells,
} from './revealed-text.js'

const inputOf = (method: string, change: object = {}) =>
  ({
    ...tinyConfig(),
    ...{ model: { name: 'mlp', hidden: [5, 4] }, method: { name: method } },
    ...change,
  }) as RunConfigInput
const configOf = (...args: Parameters<typeof inputOf>) =>
  unwrap(parseRunConfig(inputOf(...args), configCatalogue()))
/** What people read, and what programs do. */
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

describe('what a run reveals, said to who starts it', () => {
  it('is nothing where only params leave, and where the configuration is not valid', () => {
    for (const input of [inputOf('fedavg'), inputOf('local-only'), inputOf('nothing')])
      expect(revealedIn(input)).toBeNull()
    expect(shown((session) => sayRevealed(session, null))).toEqual({ lines: [], events: [] })
  })

  it('is what the method gives away, with what owners must allow', () => {
    const revealed = revealedIn(inputOf('fedd2s'))
    const { lines, events } = shown((session) => {
      sayRevealed(session, revealed)
      sayOwnersDecide(session, revealed)
    })
    expect(lines[0]).toMatch(/^What clients give away\. .*the activation at the cut/)
    expect(lines[1]).toContain('--allow-per-example')
    expect(events).toMatchObject([['run:reveals', { classes: ['per-example'] }]])
  })

  it('is what the calibration gives away, which needs no leave', () => {
    const revealed = revealedIn(inputOf('fedavg', { calibration: { name: 'ccvr' } }))
    const { lines } = shown((session) => {
      sayRevealed(session, revealed)
      sayOwnersDecide(session, revealed)
    })
    expect(lines).toEqual([calibrationText('ccvr')])
    expect(lines[0]).toContain('label histogram')
  })

  it('is said once for variants of a study that reveal the same', () => {
    const fixed = { method: { name: 'fedd2s', schedule: 'fixed', cuts: ['dense1'] } }
    const cells = [
      { variant: 'fedavg', config: configOf('fedavg') },
      { variant: 'fedd2s', config: configOf('fedd2s') },
      { variant: 'quick', config: configOf('fedd2s', { rounds: 2 }) },
      { variant: 'fedd2s', config: configOf('fedd2s', { seed: 9 }) },
      { variant: 'fixed', config: configOf('fedd2s', fixed) },
    ]
    const { lines, events } = shown((session) => sayRevealedByCells(session, cells))
    expect(lines.map((line) => line.slice(0, 42))).toEqual([
      'What clients give away. fedd2s, quick: In ',
      'What clients give away. fixed: In every ro',
    ])
    expect(events).toMatchObject([
      ['run:reveals', { of: 'fedd2s, quick' }],
      ['run:reveals', { of: 'fixed' }],
    ])
  })
})
