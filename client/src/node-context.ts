import type { BlobRef } from '#protocol/blob-ref.js'
import type { JsonValue } from '#protocol/json.js'
import type { Fate } from '#protocol/record.js'
import type { NodeState, OpenTask } from './state/node-state.js'
import type { Trainer } from './training/trainer.js'
import type { Link } from './transport/socket.js'

/** What the parts of a node share. */
export interface NodeContext {
  readonly state: NodeState
  readonly trainer: Trainer
  readonly link: Link
  readonly signal: AbortSignal
  /** Tries until the coordinator is there or the node leaves; the bytes are checked against their hash. */
  fetchBlob(blob: BlobRef): Promise<Uint8Array>
  /** Waits until the coordinator can tell. */
  askFate(task: OpenTask): Promise<Fate>
  emit(type: string, data: Readonly<Record<string, JsonValue>>): void
}
