import { decodeBundle, encodeBundle, tensorBytes, type Bundle } from '#protocol/bundle.js'
import type { BlobRef } from '#protocol/blob-ref.js'
import type { Problem } from '#protocol/errors.js'
import { sha256 } from '#protocol/ids.js'
import type { TaskMessage } from '#protocol/messages.js'
import type { Fate } from '#protocol/record.js'
import { unwrap } from '#protocol/result.js'
import type { UplinkGroup } from '#protocol/uplink.js'
import type { NodeContext } from './node-context.js'
import { settleFate } from './settle.js'
import type { OpenTask } from './state/node-state.js'
import type { Performed } from './training/messages.js'
import { upload } from './upload.js'

/**
 * One task, from its offer to the coordinator's answer. Nothing leaves before what would be needed to send it again, and to
 * settle the memory, is on disk; so the node may die anywhere in here.
 */
export async function performTask(
  node: NodeContext,
  task: TaskMessage,
): Promise<'accepted' | Problem> {
  await settleEarlierTask(node, task)
  const open = (await sameTaskAgain(node, task)) ?? (await trainAndSave(node, task))
  const update = await node.state.outgoing(task.runId)
  if (update === null)
    return { code: 'task/failed', message: 'The update is not in the state directory' }
  node.emit('update:sending', {
    runId: task.runId,
    round: task.round,
    slot: task.slot,
    bytes: update.length,
  })
  const verdict = await upload(node.link, open, update, node.signal)
  await journal(node, open, verdict === 'accepted' ? 'sent' : 'refused')
  if (verdict !== 'accepted') await settleFate(node, open, 'refused')
  return verdict
}

/** No task of a run is begun before the fate of the one before is known: its memory depends on it. */
async function settleEarlierTask(node: NodeContext, task: TaskMessage): Promise<void> {
  const earlier = await node.state.openTask(task.runId)
  if (earlier === null || isSame(earlier, task)) return
  await settleFate(node, earlier, await node.askFate(earlier))
}

/** After a restart in the middle: the update is here already and only has to be sent. */
async function sameTaskAgain(node: NodeContext, task: TaskMessage): Promise<OpenTask | null> {
  const earlier = await node.state.openTask(task.runId)
  return earlier !== null && isSame(earlier, task) ? earlier : null
}
const isSame = (open: OpenTask, { round, attempt, lease }: TaskMessage): boolean =>
  open.round === round && open.attempt === attempt && open.lease === lease

async function trainAndSave(node: NodeContext, task: TaskMessage): Promise<OpenTask> {
  const { state, trainer } = node
  const memory = await state.memory(task.runId)
  const performed = await trainer.perform({
    kind: 'perform',
    ...{
      config: task.config,
      part: task.part,
      round: task.round,
      slot: task.slot,
      task: task.task,
    },
    shared: await node.fetchBlob(task.shared),
    assets: await fetchAssets(node, task.assets),
    personal: task.personal === null ? null : await node.fetchBlob(task.personal),
    memory: memory === null ? null : encodeBundle(memory),
    uplink: task.uplink,
    stateDirectory: state.directory,
  })
  const open = openTaskOf(task, performed)
  const pending = performed.pending === null ? null : unwrap(decodeBundle(performed.pending))
  await state.saveOpenTask(open, performed.update, pending)
  return open
}

/** Large and constant, so kept by hash: fetched once in a node's life. */
async function fetchAssets(
  node: NodeContext,
  assets: readonly (BlobRef & { readonly name: string })[],
): Promise<Readonly<Record<string, Uint8Array>>> {
  const fetched: Record<string, Uint8Array> = {}
  for (const { name, ...blob } of assets) {
    const cached = await node.state.asset(blob.hash)
    const bytes = cached ?? (await node.fetchBlob(blob))
    if (cached === null) await node.state.saveAsset(blob.hash, bytes)
    fetched[name] = bytes
  }
  return fetched
}

function openTaskOf(task: TaskMessage, performed: Performed): OpenTask {
  const { runId, round, attempt, slot, lease, part, config } = task
  const { weight, metrics, engine, update, pending } = performed
  return {
    ...{ runId, round, attempt, slot, lease, part, config, weight, metrics, engine },
    privacy: privacyBytes(unwrap(decodeBundle(update)), task.uplink),
    updateSha256: sha256(update),
    hasPending: pending !== null,
  }
}

/** Payload bytes by privacy class: what the owner of the data reads in the journal. */
function privacyBytes(
  update: Bundle,
  uplink: readonly UplinkGroup[],
): Readonly<Record<string, number>> {
  const totals: Record<string, number> = {}
  for (const group of uplink) {
    const own = update.tensors.filter(({ name }) => name.startsWith(`${group.name}/`))
    const bytes = own.reduce((sum, tensor) => sum + tensorBytes(tensor), 0)
    totals[group.privacyClass] = (totals[group.privacyClass] ?? 0) + bytes
  }
  return totals
}

function journal(node: NodeContext, open: OpenTask, fate: Fate | 'sent'): Promise<void> {
  const { runId, round, privacy } = open
  return node.state.journal({ at: new Date().toISOString(), runId, round, bytes: privacy, fate })
}
