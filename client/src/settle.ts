import { decodeBundle, encodeBundle } from '#protocol/bundle.js'
import { FederationError } from '#protocol/errors.js'
import { faultPoint } from '#protocol/fault-points.js'
import type { Fate } from '#protocol/record.js'
import { unwrap } from '#protocol/result.js'
import { whereabouts } from './journal.js'
import type { NodeContext } from './node-context.js'
import type { OpenTask } from './state/node-state.js'

type Place = Pick<OpenTask, 'runId' | 'round' | 'attempt' | 'slot'>

/** What the coordinator's record says about a task. Rejects with `coordinator/unreachable` when the connection is lost. */
export async function askFate(
  { link }: Pick<NodeContext, 'link'>,
  { runId, round, attempt, slot }: Place,
): Promise<Fate | 'open'> {
  await link.connected()
  try {
    return (await link.ask('fate:ask', { runId, round, attempt, slot })).fate
  } catch (error) {
    // The slot is another node's: nothing that this one did can count there.
    if (error instanceof FederationError && error.code === 'round/not-leased') return 'abandoned'
    throw error
  }
}

/** Makes the memory what the method says it is after this fate, and forgets the open task. Once only, whoever asks. */
export async function settleFate(node: NodeContext, task: OpenTask, fate: Fate): Promise<void> {
  const { state, trainer } = node
  const { runId, round, slot, config, part } = task
  const current = await state.openTask(runId)
  if (current?.lease !== task.lease) return
  const memory = await state.memory(runId)
  const pending = task.hasPending ? await state.pending(runId) : null
  const kept = await trainer.settle({
    ...{ kind: 'settle', config, part, fate },
    memory: memory === null ? null : encodeBundle(memory),
    pending: pending === null ? null : encodeBundle(pending),
  })
  await state.journal({ ...whereabouts(task), at: new Date().toISOString(), bytes: {}, fate })
  faultPoint('client.before_memory')
  await state.settle(runId, kept === null ? null : unwrap(decodeBundle(kept)))
  faultPoint('client.memory_saved')
  node.emit('task:settled', { runId, round, slot, fate })
}
