/** Whether the signature of a report holds, said for people. */
import { sha256 } from '#protocol/ids.js'
import type { SignedReport } from '#protocol/audit-report.js'
import { isSignatureValid } from '#protocol/audit-signature.js'

export type Seal = 'valid' | 'broken'

export const sealOf = (signed: SignedReport): Seal =>
  isSignatureValid(signed) ? 'valid' : 'broken'

/** What people compare a key by. */
export const keyPrint = ({ signature }: SignedReport): string => sha256(signature.publicKey)

export const sealWords = (seal: Seal): string =>
  seal === 'valid'
    ? 'When this page was made, the signature of the report was right; whose key it is, the page cannot know.'
    : 'The signature of this report does not fit it: it was changed after it was signed. Do not decide on it.'
