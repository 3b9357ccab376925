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
 * The key of one task. It hangs on all that a coordinator can choose about what is trained: asked for the same round again with
 * another model, a node draws other noise, so that the difference of the answers still has noise. Not on the lease, which is
 * another after a restart of the coordinator.
 */
export function noiseKey(secret: Uint8Array, asked: TaskMessage): Uint8Array {
  const { runId, round, attempt, slot, configHash, part, task, shared, assets, personal } = asked
  const given = { configHash, part, task, shared, assets, personal }
  const what = sha256(canonicalJson(given))
  return derivedKey(secret, `fl/noise/1|${runId}|${round}|${attempt}|${slot}|${what}`)
}

/** A stream for each transform of the run, by its place in the list. */
export const noiseOf =
  (key: Uint8Array): NoiseStreams =>
  (index) =>
    new SecretStream(derivedKey(key, `transform|${index}`))
