import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createLog } from '#coordinator/ops/log.js'
import { printable, printableLines } from '../../cli/src/printable.js'
import { World } from './world.js'

/** What moves cursors, colours, clears, sets titles, turns text around, or pretends to be another line. */
const HOSTILE = [
  ...[
    'a\r\nb',
    'a\nb',
    '\u001b[2J\u001b[H',
    '\u001b]0;owned\u0007',
    '\u001b[31mred',
    '\u009b31m',
    'a\u0000b',
  ],
  ...[
    'a\u2028b',
    'a\u2029b',
    '\u202egnp.exe',
    '\u2066x\u2069',
    '\b\b\b',
    '\u007f',
    '\u0085',
    '\u001bP$q\u001b\\',
  ],
  ...['{"level":60,"msg":"fake"}\n{"level":60}', '%s%d%j%O', '"}\n', '\\u001b[2J'],
]
// eslint-disable-next-line no-control-regex
const CONTROL = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/

describe('SEC-T20: text of others in logs and terminals', () => {
  let world: World
  let written = ''
  beforeAll(async () => {
    const log = createLog('trace', { write: (line: string) => void (written += line) })
    world = await World.open({ log })
  })
  afterAll(() => world.close())

  it('SEC-T20: one event is one line, which can be read and which no terminal obeys', async () => {
    for (const text of HOSTILE) {
      const node = await world.join(text)
      const runId = await world.run({ name: text, rounds: 1 })
      const task = await node.task(1)
      const problem = { code: 'task/failed', message: text }
      await node.ask('task:failed', {
        ...{ runId, round: 1, attempt: 1, slot: task.slot },
        lease: task.lease,
        problem,
      })
      await node.ask(text, { [text]: text })
      await world.call(['GET', `/${encodeURIComponent(text)}?${encodeURIComponent(text)}=1`])
      await world.call(['POST', '/api/sign-in'], { body: JSON.stringify({ code: text }) })
      await world.call(['POST', `/api/runs/${runId}/stop`], { body: '{}' })
      node.close()
    }
    const lines = written.trimEnd().split('\n')
    expect(lines.length).toBeGreaterThan(5 * HOSTILE.length)
    for (const line of lines) {
      expect(CONTROL.test(line)).toBe(false)
      const { level, time } = JSON.parse(line) as { level: number; time: number }
      expect([typeof level, typeof time, level < 60]).toEqual(['number', 'number', true])
    }
  })
  it('SEC-T20: no text is without end', () => {
    let line = ''
    createLog('info', { write: (text: string) => void (line = text) }).info(
      { name: 'x'.repeat(1e6) },
      'x',
    )
    expect(line.length).toBeLessThan(5_000)
  })
  it('SEC-T20: what commands print to a terminal is harmless too', () => {
    for (const text of HOSTILE) {
      expect(CONTROL.test(printable(text))).toBe(false)
      expect(printable(text)).not.toContain('\n')
      const shown = printableLines(`node ${text}`)
      // Colours alone are let through, because our own lines have them.
      // eslint-disable-next-line no-control-regex
      expect(CONTROL.test(shown.replaceAll(/\u001b\[[0-9;]*m/g, ''))).toBe(false)
    }
  })
})
