/**
 * Named instants at which a process may die, in the order in which a round passes them: reliability specification §3. Nothing
 * happens at one unless a hook is set, which only tests of crashes do.
 */
export const COORDINATOR_FAULT_POINTS = [
  'open.before_commit',
  'open.committed',
  'grant.sent',
  'chunk.written',
  'staged.before_fsync',
  'blob.renamed',
  'accept.before_commit',
  'accept.committed_before_ack',
  /** The node has its answer; the round is not closed yet. */
  'ack.sent',
  'freeze.before_commit',
  'freeze.committed',
  'agg.mid',
  'model.tmp_written',
  'model.renamed',
  'commit.before',
  'commit.after',
  'publish.half',
  'key.destroyed',
  'gc.mid',
  'recovery.mid',
] as const
export const CLIENT_FAULT_POINTS = [
  'client.training',
  'client.trained',
  'client.saved',
  'client.uploading',
  'client.uploaded',
  'client.before_memory',
  'client.memory_saved',
] as const
/** Of the privacy audit before the first round, where a run has one. */
export const AUDIT_FAULT_POINTS = [
  'audit.cell_before_commit',
  'audit.cell_committed',
  'audit.decided',
] as const
export type FaultPoint =
  | (typeof COORDINATOR_FAULT_POINTS)[number]
  | (typeof CLIENT_FAULT_POINTS)[number]
  | (typeof AUDIT_FAULT_POINTS)[number]

let hook: ((point: FaultPoint) => void) | null = null

/** Called where the process could die. */
export const faultPoint = (point: FaultPoint): void => hook?.(point)
/** What happens at every fault point of this process; null: nothing. */
export function setFaultHook(next: ((point: FaultPoint) => void) | null): void {
  hook = next
}
