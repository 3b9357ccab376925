import type { NodeLine } from '#protocol/server-views.js'

/** What a node is doing, as far as the coordinator knows. */
export type NodeState = 'working' | 'ready' | 'resting' | 'offline' | 'revoked'
/** In which a list stands. */
export const NODE_STATES: readonly NodeState[] = [
  'working',
  'ready',
  'resting',
  'offline',
  'revoked',
]

export function stateOf({ revokedAt, online, task, coolDowns }: NodeLine): NodeState {
  if (revokedAt !== null) return 'revoked'
  if (!online) return 'offline'
  if (task !== null) return 'working'
  return coolDowns.length > 0 ? 'resting' : 'ready'
}

/** Which nodes are shown. */
export const NODE_FILTERS = ['all', 'online', 'offline', 'revoked'] as const
export type NodeFilter = (typeof NODE_FILTERS)[number]

const isOf = (filter: NodeFilter, node: NodeLine): boolean => {
  const state = stateOf(node)
  if (filter === 'all') return true
  return filter === 'online' ? state !== 'offline' && state !== 'revoked' : state === filter
}

/** The nodes that fit, and how many of each kind would if that were chosen. */
export function chooseNodes(
  nodes: readonly NodeLine[],
  { filter, text }: { readonly filter: NodeFilter; readonly text: string },
): {
  readonly shown: readonly NodeLine[]
  readonly counts: Readonly<Record<NodeFilter, number>>
} {
  const words = text
    .toLowerCase()
    .split(/\s+/)
    .filter((word) => word !== '')
  const fitting = nodes.filter(({ name, nodeId, engine }) => {
    const all = `${name} ${nodeId} ${engine?.backend ?? ''}`.toLowerCase()
    return words.every((word) => all.includes(word))
  })
  const counts = Object.fromEntries(
    NODE_FILTERS.map((one) => [one, fitting.filter((node) => isOf(one, node)).length]),
  ) as Record<NodeFilter, number>
  return { shown: fitting.filter((node) => isOf(filter, node)), counts }
}
