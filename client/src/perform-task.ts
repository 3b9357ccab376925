import { decodeBundle, encodeBundle, tensorBytes, type Bundle } from '#protocol/bundle.js'
import type { BlobRef } from '#protocol/blob-ref.js'
import { FederationError, type Problem } from '#protocol/errors.js'
import { faultPoint } from '#protocol/fault-points.js'
import { sha256 } from '#protocol/ids.js'
import { canonicalJson } from '#protocol/json.js'
import type { TaskMessage } from '#protocol/messages.js'
import { unwrap } from '#protocol/result.js'
import type { UplinkGroup } from '#protocol/uplink.js'
import { assertAudited } from './audit-demand.js'
import { whereabouts } from './journal.js'
import type { NodeContext } from './node-context.js'
import { noiseKey } from './noise.js'
import { askFate, settleFate } from './settle.js'
import type { OpenTask } from './state/node-state.js'
import type { AssetFile, Performed } from './training/messages.js'
import { upload } from './upload.js'
import { untilDone } from './wait.js'

/** An update and what is needed to send it and to settle the memory. */
interface Outgoing {
  readonly open: OpenTask
  readonly update: Uint8Array
}

/**
 * One task, from its offer to the coordinator's answer. Nothing leaves before what would be needed to send it again, and to
 * settle the memory, is on disk; so the node may die anywhere in here. The memory changes when the round's fate is known,
 * whatever the answer to the upload was. `over` is aborted when the coordinator expects nothing of this task any more.
 */
export async function performTask(
  node: NodeContext,
  task: TaskMessage,
  over: AbortSignal,
): Promise<'accepted' | Problem> {
  const { runId, round, slot } = task
  const signal = AbortSignal.any([node.signal, over])
  const fewestExamples = await assertAudited(node, task, signal)
  await settleEarlierTask(node, task, signal)
  const { open, update } =
    (await sameTaskAgain(node, task)) ??
    (await trainAndSave(node, { ...task, fewestExamples }, signal))
  const { metrics } = open
  node.emit('update:sending', { runId, round, slot, bytes: update.length, metrics: { ...metrics } })
  return upload(node.link, open, { update, signal: node.signal })
}

/** No task of a run is begun before the fate of the one before is known: its memory depends on it. */
async function settleEarlierTask(
  node: NodeContext,
  task: TaskMessage,
  signal: AbortSignal,
): Promise<void> {
  const earlier = await node.state.openTask(task.runId)
  if (earlier === null || isSame(earlier, task)) return
  const fate = await untilDone(async () => {
    const answer = await askFate(node, earlier)
    if (answer !== 'open') return answer
    throw new FederationError('coordinator/unreachable', 'The earlier round is still being closed')
  }, signal)
  await settleFate(node, earlier, fate)
}

/** After a restart in the middle: the update is here already and only has to be sent. */
async function sameTaskAgain(node: NodeContext, task: TaskMessage): Promise<Outgoing | null> {
  const open = await node.state.openTask(task.runId)
  if (open === null || !isSame(open, task)) return null
  const update = await node.state.outgoing(task.runId)
  return update !== null && sha256(update) === open.updateSha256 ? { open, update } : null
}
const isSame = (open: OpenTask, { round, attempt, lease }: TaskMessage): boolean =>
  open.round === round && open.attempt === attempt && open.lease === lease

type AuditedTask = TaskMessage & { readonly fewestExamples: number }

async function trainAndSave(
  node: NodeContext,
  task: AuditedTask,
  signal: AbortSignal,
): Promise<Outgoing> {
  const { state, trainer, policy } = node
  const { runId, round, config, part, slot, uplink, personal } = task
  const kept = await state.memory(runId)
  const memory = kept === null ? null : encodeBundle(kept)
  const request = {
    ...{ kind: 'perform' as const, config, part, round, slot, task: task.task, uplink, policy },
    fewestExamples: task.fewestExamples,
    noiseKey: noiseKey(await state.noiseSecret(), task),
    shared: await node.fetchBlob(task.shared, signal),
    assets: await fetchAssets(node, task.assets, signal),
    personal: personal === null ? null : await node.fetchBlob(personal, signal),
    memory,
    stateDirectory: state.directory,
  }
  const performed = await trainer.perform(request, signal)
  faultPoint('client.trained')
  const open = openTaskOf(task, performed)
  const pending = performed.pending === null ? null : unwrap(decodeBundle(performed.pending))
  const at = new Date().toISOString()
  const { hasPersonalModel } = performed
  await state.saveRun({
    ...{ runId, name: config.name, method: config.method.name, slot, config },
    ...{ hasPersonalModel, at, round },
  })
  // Before it can be sent: what may have left is in the journal, even if this process ends now.
  await state.journal({ ...whereabouts(task), at, bytes: open.privacy, fate: 'sent' })
  await state.saveOpenTask(open, performed.update, pending)
  faultPoint('client.saved')
  return { open, update: performed.update }
}

/** Large and constant, so kept by hash: fetched once in a node's life. */
async function fetchAssets(
  node: NodeContext,
  assets: readonly (BlobRef & { readonly name: string })[],
  signal: AbortSignal,
): Promise<Readonly<Record<string, AssetFile>>> {
  const files: Record<string, AssetFile> = {}
  for (const { name, ...blob } of assets) {
    const { hash, bytes } = blob
    if ((await node.state.asset(hash)) === null) {
      await node.state.saveAsset(hash, await node.fetchBlob(blob, signal))
      node.emit('asset:fetched', { name, hash, bytes })
    }
    files[name] = { hash, path: node.state.assetPath(hash) }
  }
  return files
}

function openTaskOf(task: TaskMessage, performed: Performed): OpenTask {
  const { runId, round, attempt, slot, lease, part, config } = task
  const { weight, metrics, engine, update, pending } = performed
  return {
    ...{ runId, round, attempt, slot, lease, part, config, weight, metrics, engine },
    privacy: privacyBytes(unwrap(decodeBundle(update)), task.uplink, { metrics, weight }),
    updateSha256: sha256(update),
    hasPending: pending !== null,
  }
}

/**
 * Payload bytes by privacy class: what the owner of the data reads in the journal. What the announcement of an update tells
 * of the data beside it, as JSON, counts as metrics.
 */
function privacyBytes(
  update: Bundle,
  uplink: readonly UplinkGroup[],
  announced: Pick<Performed, 'metrics' | 'weight'>,
): Readonly<Record<string, number>> {
  const totals: Record<string, number> = {
    metrics: Buffer.byteLength(canonicalJson(announced)),
  }
  for (const group of uplink) {
    const own = update.tensors.filter(({ name }) => name.startsWith(`${group.name}/`))
    const bytes = own.reduce((sum, tensor) => sum + tensorBytes(tensor), 0)
    totals[group.privacyClass] = (totals[group.privacyClass] ?? 0) + bytes
  }
  return totals
}
