/**
 * Where the noise of a node comes from. It must be secret from who runs the coordinator, who knows the run's seed; the same for
 * the same update, or two noisings of it might leave, whose mean has less noise; and another for any other update, or their
 * difference would have none.
 */
import { createHash } from 'node:crypto'
import { canonicalJson } from '#protocol/json.js'
import type { TaskMessage } from '#protocol/messages.js'
import { derivedKey, SecretStream } from '#protocol/secret-stream.js'
import type { NoiseStreams, NoisyStep } from '#algorithms/update-transforms/apply.js'

/**
 * The key of one slot in one round. On nothing else that a coordinator says, which could say it in many ways that all train the
 * same update: what the noise beside hangs on is the update itself.
 */
export const noiseKey = (
  secret: Uint8Array,
  { runId, round, slot }: Pick<TaskMessage, 'runId' | 'round' | 'slot'>,
): Uint8Array => derivedKey(secret, `fl/noise/2|${runId}|${round}|${slot}`)

/**
 * A stream for each transform that draws, by what it is about to noise. Its options count, too: the same numbers scaled to two
 * deviations would give themselves away. Its place in the list does not: others before it may do nothing.
 */
export const noiseOf =
  (key: Uint8Array): NoiseStreams =>
  (_index, step) =>
    new SecretStream(derivedKey(key, `update|${hashOf(step)}`))

function hashOf({ name, options, parts }: NoisyStep): string {
  const hash = createHash('sha256')
  const lengths = parts.map(({ length }) => length)
  hash.update(canonicalJson({ name, options: JSON.stringify(options), lengths }))
  for (const part of parts) hash.update(Buffer.from(part.buffer, part.byteOffset, part.byteLength))
  return hash.digest('hex')
}
