/** A node whose owner wants an audit before anything leaves it: docs/client-nodes.md. */
import type { SignedReport } from '#protocol/audit-report.js'
import { FederationError } from '#protocol/errors.js'
import type { TaskMessage } from '#protocol/messages.js'
import { auditNotAllowed, refusalText } from '#protocol/policy.js'
import { parseSignedReport } from '#protocol/signed-report.js'
import { reportedRisk } from '#algorithms/audit/reported-risk.js'
import type { NodeContext } from './node-context.js'

/** Reports that were found good, by the configurations for which they were: the next round brings the same. */
const known = new WeakMap<NodeContext, Set<string>>()

/**
 * Throws `policy/refused` unless the owner demands nothing, or the task comes with a report of an audit that is signed by the
 * key that counts, about all that clients of this run send, sound, of as much effort as the owner asks for, and says no more than
 * the owner takes. The coordinator's word for it is not enough.
 */
export async function assertAudited(
  node: NodeContext,
  task: TaskMessage,
  signal: AbortSignal,
): Promise<void> {
  if (node.policy.audit === undefined) return
  const { audit: told } = task
  const refusal = auditNotAllowed(node.policy, told ?? null)
  if (refusal !== null) throw refused(refusalText(refusal))
  if (told === undefined) return
  const good = known.get(node) ?? new Set<string>()
  const key = `${told.report.hash} ${task.configHash}`
  if (good.has(key)) return
  const signed = parseSignedReport(await node.fetchBlob(told.report, signal))
  if (!signed.ok)
    throw refused(`The report of the privacy audit of this run is none: ${signed.error.message}`)
  const { verdict, obstacles, effort } = await riskIn(node, task, signed.value)
  const [obstacle] = obstacles
  if (obstacle !== undefined)
    throw refused(`The report of the privacy audit of this run proves nothing. ${obstacle}`)
  const { publicKey } = signed.value.signature
  const found = auditNotAllowed(node.policy, { verdict, publicKey, effort })
  if (found !== null) throw refused(refusalText(found))
  known.set(node, good.add(key))
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
