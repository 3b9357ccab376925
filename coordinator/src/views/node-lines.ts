import type { NodeId, RunId } from '#protocol/ids.js'
import type { NodeLine } from '#protocol/server-views.js'
import type { Clock } from '#coordinator/clock.js'
import type { SocketFleet } from '#coordinator/fleet/socket-fleet.js'
import type { NodeRow, Store } from '#coordinator/store/store.js'
import { hidesMembers } from './privacy.js'

export interface NodeLineParts {
  readonly store: Pick<Store, 'nodes' | 'runs' | 'roster'>
  readonly fleet: Pick<SocketFleet, 'registry' | 'reception' | 'taskOf' | 'coolDownsOf' | 'factsOf'>
  readonly clock: Pick<Clock, 'timestamp'>
}

/** Nodes as people see them. Whoever is a member of a run that hides its members shows neither its part in it nor its counts. */
export async function nodeLines(parts: NodeLineParts): Promise<readonly NodeLine[]> {
  const hiding = await hidingRuns(parts.store)
  return (await parts.store.nodes()).map((node) => lineOf(parts, node, hiding))
}

interface Hiding {
  readonly runs: ReadonlySet<RunId>
  readonly members: ReadonlySet<NodeId>
}

function lineOf(
  { fleet, clock }: NodeLineParts,
  { nodeId, name, enrolledAt, revokedAt }: NodeRow,
  hiding: Hiding,
): NodeLine {
  const facts = fleet.factsOf(nodeId)
  const online = fleet.registry.get(nodeId) !== null
  const task = fleet.taskOf(nodeId)
  const isHidden = hiding.members.has(nodeId)
  return {
    ...{ nodeId, name, enrolledAt, revokedAt, online },
    engine: fleet.reception.engineOf(nodeId),
    card: facts === null ? null : shownCard(facts.card, isHidden),
    policy: facts?.policy ?? null,
    lastSeenAt: online ? clock.timestamp() : (facts?.lastSeenAt ?? null),
    examplesPerSecond: facts?.examplesPerSecond ?? null,
    failures: {
      count: facts?.failures.count ?? 0,
      latest: [...(facts?.failures.latest ?? [])],
    },
    task: task === null || hiding.runs.has(task.runId) ? null : task,
    coolDowns: fleet
      .coolDownsOf(nodeId)
      .filter(({ runId }) => !hiding.runs.has(runId))
      .map(({ nodeId: _, ...coolDown }) => coolDown),
  }
}

type Card = NonNullable<NodeLine['card']>
const shownCard = (card: Card, isHidden: boolean): Card =>
  isHidden ? { inputShape: card.inputShape, classes: card.classes } : card

async function hidingRuns(store: NodeLineParts['store']): Promise<Hiding> {
  const runs = (await store.runs()).filter(({ config }) => hidesMembers(config))
  const members = new Set<NodeId>()
  for (const { runId } of runs)
    for (const { nodeId } of await store.roster(runId)) if (nodeId !== null) members.add(nodeId)
  return { runs: new Set(runs.map(({ runId }) => runId)), members }
}
