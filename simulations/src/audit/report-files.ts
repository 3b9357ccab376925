import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { signedReportSchema, type SignedReport } from '#protocol/audit-report.js'
import { FederationError } from '#protocol/errors.js'
import { parseSignedReport } from '#protocol/signed-report.js'
import { writeForOwner } from './owner-files.js'

export interface ReportFiles {
  readonly json: string
  readonly html: string
}

export const reportFiles = (directory: string): ReportFiles => ({
  json: join(directory, 'report.json'),
  html: join(directory, 'report.html'),
})

/** `DIR/report.json`, which is what counts, and the page `DIR/report.html` that shows it; for their owner alone. */
export async function writeReport(directory: string, signed: SignedReport): Promise<ReportFiles> {
  const files = reportFiles(directory)
  // As whoever reads the file will have it, keys in that order: the page made again from it is the same.
  const asRead = signedReportSchema.parse(signed)
  await writeForOwner(files.json, `${JSON.stringify(asRead, null, 2)}\n`)
  // What draws the page is loaded only here: reading a report needs none of it.
  const { auditReportPage } = await import('#simulations/audit-report/report.js')
  await writeForOwner(files.html, await auditReportPage(asRead))
  return files
}

/** Null where there is none, or none that can be read. */
export async function reportIn(directory: string): Promise<SignedReport | null> {
  try {
    return await readReport(reportFiles(directory).json)
  } catch {
    return null
  }
}

/** Throws `audit/bad-report` for a file that holds no report. */
export async function readReport(path: string): Promise<SignedReport> {
  let bytes: Uint8Array
  try {
    bytes = await readFile(path)
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code ?? String(cause)
    throw new FederationError('audit/bad-report', `Cannot read the report ${path}: ${code}`, {
      cause,
    })
  }
  const parsed = parseSignedReport(bytes)
  if (parsed.ok) return parsed.value
  throw new FederationError('audit/bad-report', `${path}: ${parsed.error.message}`, {
    cause: parsed.error,
  })
}
