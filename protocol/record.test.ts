import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { parseRunRecord } from './record.js'
import { unwrap } from './result.js'

const DOCUMENT = readFileSync(new URL('../docs/protocol.md', import.meta.url), 'utf8')
const [, TEXT = ''] = /^```json answer=GET \/api\/runs\/:id\n([^]*?)^```$/m.exec(DOCUMENT) ?? []
/** The documented record with one value replaced; the path is dotted. */
function changed(path: string, value: unknown): string {
  const record = JSON.parse(TEXT) as Record<string, unknown>
  const keys = path.split('.')
  const last = keys.pop()!
  const place = keys.reduce((at, key) => at[key] as Record<string, unknown>, record)
  place[last] = value
  return JSON.stringify(record)
}
function refusal(text: string): string {
  const result = parseRunRecord(text)
  return result.ok ? 'accepted' : `${result.error.code}: ${result.error.message}`
}

describe('the record of a run', () => {
  it('is read as it was written', () => {
    const record = unwrap(parseRunRecord(TEXT))
    expect(record).toEqual(JSON.parse(TEXT))
    expect(unwrap(parseRunRecord(JSON.stringify(record)))).toEqual(record)
  })
  it('may be of a simulation that has just begun: no nodes, no rounds, no model', () => {
    const text = changed('kind', 'simulated')
    const young = { ...(JSON.parse(text) as object), rounds: [], roster: [], modelHash: null }
    expect(unwrap(parseRunRecord(JSON.stringify(young)))).toMatchObject({ rounds: [] })
    expect(refusal(changed('roster.0.nodeId', null))).toBe('accepted')
  })
  it.each<[string, string, RegExp]>([
    ['text', 'round 1: 93 %', /not JSON/],
    ['a number', '7', /expected an object/],
    ['a record cut short', TEXT.slice(0, -20), /not JSON/],
    ['another format', changed('format', 2), /format: expected one of 1/],
    ['an unknown key', changed('note', 'x'), /note: unknown key/],
    ['a hash that is none', changed('modelHash', 'abc'), /SHA-256/],
    ['a round below 0', changed('rounds.0.round', -1), /rounds\[0\]\.round: expected ≥ 0/],
    ['a metric that is no number', changed('rounds.0.metrics.loss', null), /metrics\.loss/],
    ['a weight of 0', changed('rounds.0.accepted.0.weight', 0), /accepted\[0\]\.weight/],
    ['a time that is none', changed('createdAt', 'yesterday'), /record/],
    [
      'a configuration that is not whole',
      changed('config.task', undefined),
      /config\.task is missing/,
    ],
    ['__proto__', TEXT.replace('{', '{"__proto__":{},'), /not JSON/],
    ['endless nesting', '['.repeat(100_000) + ']'.repeat(100_000), /nested too deeply/],
  ])('is refused when it is %s', (_what, text, message) => {
    expect(refusal(text)).toMatch(/^config\/invalid: This is no record of a run/)
    expect(refusal(text)).toMatch(message)
  })
})
