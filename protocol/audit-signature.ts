/** Who stands for a report: an Ed25519 signature over the whole of it. docs/audit.md. */
import { z } from 'zod'
import { signedReportSchema, type AuditReport, type SignedReport } from './audit-report.js'
import type { JsonObject } from './json.js'
import { isSignedBy, publicKeyOf, sign } from './proof.js'
import { reportText } from './report-text.js'

/** `privateKey`: PKCS #8 DER in base64url. */
export const signReport = (report: AuditReport, privateKey: string): SignedReport => ({
  report,
  signature: {
    algorithm: 'ed25519',
    publicKey: publicKeyOf(privateKey),
    value: sign(reportText(report), privateKey),
  },
})

/** Whether the key that the signature names signed exactly this report. Whose key it is, is another question. */
export const isSignatureValid = ({ report, signature }: SignedReport): boolean =>
  isSignedBy(reportText(report), signature.value, signature.publicKey)

/** JSON Schema (2020-12) of a report as it is handed on, for who reads them with other programs. */
export const auditReportJsonSchema = (): JsonObject =>
  z.toJSONSchema(signedReportSchema, {
    io: 'output',
    unrepresentable: 'any',
  }) as unknown as JsonObject
