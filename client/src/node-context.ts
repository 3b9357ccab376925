import type { BlobRef } from '#protocol/blob-ref.js'
import type { DataCard } from '#protocol/data-card.js'
import type { JsonValue } from '#protocol/json.js'
import type { Policy } from '#protocol/policy.js'
import type { NodeState } from './state/node-state.js'
import type { Trainer } from './training/trainer.js'
import type { Link } from './transport/socket.js'

/** What the parts of a node share. */
export interface NodeContext {
  readonly state: NodeState
  readonly trainer: Pick<Trainer, 'perform' | 'settle'>
  readonly card: DataCard
  /** What the owner of the data allows. */
  readonly policy: Policy
  /** With which the coordinator signs reports of privacy audits, as it told when the node first came to it. */
  readonly auditKey: string
  readonly link: Link
  /** Aborted when the node leaves. */
  readonly signal: AbortSignal
  /** Tries until the coordinator is there or the signal aborts; the bytes are checked against their hash. */
  fetchBlob(blob: BlobRef, signal: AbortSignal): Promise<Uint8Array>
  emit(type: string, data: Readonly<Record<string, JsonValue>>): void
}
