/** A report as it comes from outside: a file, an upload, a coordinator. */
import sjson from 'secure-json-parse'
import { signedReportSchema, type SignedReport } from './audit-report.js'
import { FederationError } from './errors.js'
import { parseWith } from './messages.js'
import { fail, type Result } from './result.js'

/** `audit/bad-report` for what is no JSON or no report of this version. Whether it is genuine is another question. */
export function parseSignedReport(bytes: Uint8Array): Result<SignedReport> {
  let value: unknown
  try {
    value = sjson.parse(Buffer.from(bytes).toString('utf8'), {
      ...{ protoAction: 'error', constructorAction: 'error' },
    })
  } catch (cause) {
    return fail(new FederationError('audit/bad-report', 'The report is no JSON', { cause }))
  }
  const parsed = parseWith(signedReportSchema, 'the report', value)
  if (parsed.ok) return parsed
  const { message } = parsed.error
  return fail(new FederationError('audit/bad-report', message, { cause: parsed.error }))
}
