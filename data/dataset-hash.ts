import { sha256, type Hash } from '#protocol/ids.js'
import { canonicalJson } from '#protocol/json.js'
import type { Dataset } from './dataset.js'

const bytesOf = ({ buffer, byteOffset, byteLength }: Float32Array | Int32Array): Uint8Array =>
  new Uint8Array(buffer, byteOffset, byteLength)

/** Equal for equal rows in the same order, whatever the data set is called and wherever it came from. */
export function datasetHash({ inputShape, classes, features, labels, domains }: Dataset): Hash {
  return sha256(
    canonicalJson({
      inputShape: [...inputShape],
      classes: [...classes],
      features: sha256(bytesOf(features)),
      labels: sha256(bytesOf(labels)),
      domains: domains === undefined ? null : [[...domains.names], sha256(domains.of)],
    }),
  )
}
