import { decodeBundle, encodeBundle } from '#protocol/bundle.js'
import type { Fate } from '#protocol/record.js'
import { unwrap } from '#protocol/result.js'
import type { NodeContext } from './node-context.js'
import type { OpenTask } from './state/node-state.js'

/** Makes the memory what the method says it is after this fate, and forgets the open task. Once only, whoever asks. */
export async function settleFate(node: NodeContext, task: OpenTask, fate: Fate): Promise<void> {
  const { state, trainer } = node
  const current = await state.openTask(task.runId)
  if (current?.lease !== task.lease) return
  const memory = await state.memory(task.runId)
  const pending = task.hasPending ? await state.pending(task.runId) : null
  const kept = await trainer.settle({
    kind: 'settle',
    config: task.config,
    part: task.part,
    memory: memory === null ? null : encodeBundle(memory),
    pending: pending === null ? null : encodeBundle(pending),
    fate,
  })
  await state.settle(task.runId, kept === null ? null : unwrap(decodeBundle(kept)))
  node.emit('task:settled', { runId: task.runId, round: task.round, slot: task.slot, fate })
}
