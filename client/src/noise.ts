/**
 * Where the noise of a node comes from. It must be secret from who runs the coordinator, who knows the run's seed; and the same
 * when a task is performed again after a crash, or two noisings of one update would leave, whose mean has less noise.
 */
import { canonicalJson } from '#protocol/json.js'
import { sha256 } from '#protocol/ids.js'
import type { TaskMessage } from '#protocol/messages.js'
import { derivedKey, SecretStream } from '#protocol/secret-stream.js'
import type { NoiseStreams } from '#algorithms/update-transforms/apply.js'

/**
 * The key of one training. It hangs on all that the update depends on, beside the node's own data. Asked for the same round with
 * another model, a node draws other noise, so that the difference of the answers still has noise. Not on the lease and the
 * attempt: what is trained is the same again, after a restart of the coordinator and when a round is tried again.
 */
export function noiseKey(
  secret: Uint8Array,
  asked: TaskMessage,
  memory: Uint8Array | null,
): Uint8Array {
  const { runId, round, slot, configHash, part, task, shared, assets, personal } = asked
  const kept = memory === null ? null : sha256(memory)
  const what = sha256(canonicalJson({ configHash, part, task, shared, assets, personal, kept }))
  return derivedKey(secret, `fl/noise/1|${runId}|${round}|${slot}|${what}`)
}

/** A stream for each transform of the run, by its place in the list. */
export const noiseOf =
  (key: Uint8Array): NoiseStreams =>
  (index) =>
    new SecretStream(derivedKey(key, `transform|${index}`))
