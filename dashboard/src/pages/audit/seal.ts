import type { SignedReport } from '#protocol/audit-report.js'
import { reportText } from '#protocol/report-text.js'

/** unchecked: the browser cannot, as over plain HTTP from another machine. */
export type Seal = 'valid' | 'broken' | 'unchecked'

/** Whether the key that the signature names signed exactly this report. Whose key it is, is another question. */
export async function sealOf({ report, signature }: SignedReport): Promise<Seal> {
  // Browsers know no keys where others could have changed the page.
  if (!('subtle' in crypto)) return 'unchecked'
  let key: CryptoKey
  try {
    const spki = bytesOf(signature.publicKey)
    key = await crypto.subtle.importKey('spki', spki, { name: 'Ed25519' }, false, ['verify'])
  } catch (error) {
    // Older browsers know no such keys; what is no key at all has signed nothing.
    return error instanceof DOMException && error.name === 'NotSupportedError'
      ? 'unchecked'
      : 'broken'
  }
  const text = new TextEncoder().encode(reportText(report))
  const isValid = await crypto.subtle.verify(
    { name: 'Ed25519' },
    key,
    bytesOf(signature.value),
    text,
  )
  return isValid ? 'valid' : 'broken'
}

/** Of base64url. */
function bytesOf(text: string): Uint8Array<ArrayBuffer> {
  const plain = atob(text.replaceAll('-', '+').replaceAll('_', '/'))
  return Uint8Array.from(plain, (letter) => letter.charCodeAt(0))
}
