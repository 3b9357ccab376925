import { beforeAll, describe, expect, it } from 'vitest'
import { reportOf } from '#algorithms/audit/run/report.js'
import { MADE_META, madeResults, tinyAudit } from '#testing/tiny-audit.js'
import { signedReportSchema, type SignedReport } from './audit-report.js'
import { auditReportJsonSchema, isSignatureValid, signReport } from './audit-signature.js'
import { newKeyPair } from './proof.js'

const { privateKey, publicKey } = newKeyPair()

describe('a signed report', () => {
  let signed: SignedReport
  beforeAll(async () => {
    const spec = tinyAudit()
    signed = signReport(await reportOf(spec, madeResults(spec), MADE_META), privateKey)
  })

  it('names its key, and holds after a way through JSON', () => {
    expect(signed.signature.publicKey).toBe(publicKey)
    expect(isSignatureValid(signedReportSchema.parse(JSON.parse(JSON.stringify(signed))))).toBe(
      true,
    )
  })

  it('is refused when any part of it is changed', () => {
    const edits: ((report: SignedReport['report']) => void)[] = [
      (report) => (report.verdict = 'not-demonstrated'),
      (report) => (report.rows[0]!.methods[0]!.chosen!.psnr.values[0]! -= 1e-9),
      (report) => (report.settings.training.batchSize = 64),
      (report) => report.limitations.pop(),
    ]
    for (const edit of edits) {
      const report = structuredClone(signed.report)
      edit(report)
      expect(isSignatureValid({ ...signed, report })).toBe(false)
    }
  })

  it('is refused under another key, and under one that is none', () => {
    for (const other of [newKeyPair().publicKey, 'nonsense']) {
      expect(
        isSignatureValid({ ...signed, signature: { ...signed.signature, publicKey: other } }),
      ).toBe(false)
    }
  })

  it('has a published schema', () => {
    expect(auditReportJsonSchema()).toMatchObject({
      type: 'object',
      required: ['report', 'signature'],
      properties: { report: { properties: { verdict: { type: 'string' } } } },
    })
  })
})
