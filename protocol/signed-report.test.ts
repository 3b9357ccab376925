import { describe, expect, it } from 'vitest'
import { madeUpAudit } from '#testing/made-up-audit.js'
import { parseSignedReport } from './signed-report.js'

describe('a report that comes from outside', () => {
  const parsed = (text: string) => parseSignedReport(Buffer.from(text))

  it('is read as it was written', async () => {
    const signed = await madeUpAudit()
    expect(parsed(JSON.stringify(signed))).toEqual({ ok: true, value: signed })
  })

  it.each([
    ['no JSON', '{', /no JSON/],
    ['a key that reaches prototypes', '{"__proto__": {}}', /no JSON/],
    ['another file', '{"report": {}}', /In the report: /],
  ])('is refused when it is %s', (_what, text, message) => {
    const { error } = parsed(text) as Extract<ReturnType<typeof parsed>, { ok: false }>
    expect([error.code, error.message]).toEqual([
      'audit/bad-report',
      expect.stringMatching(message),
    ])
  })
})
