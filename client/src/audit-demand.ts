/** A node whose owner wants an audit before anything leaves it: docs/client-nodes.md. */
import type { SignedReport } from '#protocol/audit-report.js'
import { fewestRecords } from '#protocol/audit-settings.js'
import { FederationError } from '#protocol/errors.js'
import type { TaskMessage } from '#protocol/messages.js'
import { auditNotAllowed, refusalText } from '#protocol/policy.js'
import { parseSignedReport } from '#protocol/signed-report.js'
import { reportedRisk } from '#algorithms/audit/reported-risk.js'
import type { NodeContext } from './node-context.js'

/**
 * Reports that were found good, by the configurations for which they were: the next round brings the same. With the records
 * of one client that they speak of at least.
 */
const known = new WeakMap<NodeContext, Map<string, number>>()

/**
 * Throws `policy/refused` unless the owner demands nothing, or the task comes with a report of an audit that is signed by the
 * key that counts, about all that clients of this run send, sound, of as much effort as the owner asks for, and says no more than
 * the owner takes. The coordinator's word for it is not enough.
 * Returns how many training examples this node must have for the report to be about it, 0 where nothing is demanded: only the
 * training process knows how many there are.
 */
export async function assertAudited(
  node: NodeContext,
  task: TaskMessage,
  signal: AbortSignal,
): Promise<number> {
  if (node.policy.audit === undefined) return 0
  const { audit: told } = task
  const refusal = auditNotAllowed(node.policy, told ?? null)
  if (refusal !== null) throw refused(refusalText(refusal))
  if (told === undefined) return 0
  const good = known.get(node) ?? new Map<string, number>()
  const key = `${told.report.hash} ${task.configHash}`
  const found = good.get(key)
  if (found !== undefined) return found
  const signed = parseSignedReport(await node.fetchBlob(told.report, signal))
  if (!signed.ok)
    throw refused(`The report of the privacy audit of this run is none: ${signed.error.message}`)
  const { verdict, obstacles, effort } = await riskIn(node, task, signed.value)
  const [obstacle] = obstacles
  if (obstacle !== undefined)
    throw refused(`The report of the privacy audit of this run proves nothing. ${obstacle}`)
  const { publicKey } = signed.value.signature
  const forbidden = auditNotAllowed(node.policy, { verdict, publicKey, effort })
  if (forbidden !== null) throw refused(refusalText(forbidden))
  const fewest = fewestRecords(signed.value.report)
  known.set(node, good.set(key, fewest))
  return fewest
}

async function riskIn(node: NodeContext, { config }: TaskMessage, signed: SignedReport) {
  const { audit: least = null } = node.policy
  try {
    return await reportedRisk(signed, { config, trustedKeys: [least?.key ?? node.auditKey], least })
  } catch (cause) {
    if (!(cause instanceof FederationError)) throw cause
    throw refused(
      `The report of the privacy audit of this run does not count: ${cause.message}`,
      cause,
    )
  }
}

const refused = (message: string, cause?: unknown): FederationError =>
  new FederationError('policy/refused', message, { cause })
