import type { SignedReport } from '#protocol/audit-report.js'
import { FederationError } from '#protocol/errors.js'
import type { Hash } from '#protocol/ids.js'
import { unwrap } from '#protocol/result.js'
import { parseSignedReport } from '#protocol/signed-report.js'
import type { BlobStore } from '#coordinator/store/store.js'

/** Far more than any report of numbers has. */
const LARGEST_REPORT = 16 * 2 ** 20

/**
 * The report that somebody uploaded for a run. Throws `audit/bad-report` when it is none, or holds pictures: those are to be
 * deleted on a day, and what a run was started with is kept for good.
 */
export async function readAttached(
  blobs: BlobStore,
  hash: Hash,
): Promise<{ readonly report: SignedReport; readonly bytes: number }> {
  // It must not be collected before the run that reaches it is stored.
  const size = (await blobs.touch(hash)) ? await blobs.size(hash) : null
  if (size !== null && size > LARGEST_REPORT)
    throw bad(`The report has ${size} bytes; at most ${LARGEST_REPORT} are read`)
  const bytes = size === null ? null : await blobs.get(hash)
  if (bytes === null) throw bad(`The report ${hash} was not uploaded`)
  const report = unwrap(parseSignedReport(bytes))
  if (report.report.pictures !== null)
    throw bad(
      'The report holds pictures, which do not go to coordinators: audit without --pictures',
    )
  return { report, bytes: bytes.byteLength }
}

const bad = (message: string): FederationError => new FederationError('audit/bad-report', message)
