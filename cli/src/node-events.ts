import type { NodeEvent } from '#client/join.js'
import type { JsonObject, JsonValue } from '#protocol/json.js'
import { bytes, decimals } from '#simulations/report/numbers.js'

const text = (value: JsonValue | undefined): string =>
  typeof value === 'string' ? value : JSON.stringify(value ?? null)
const where = ({ runId, round }: NodeEvent): string => `${text(runId)} round ${text(round)}`
const why = ({ message, code }: NodeEvent): string => `${text(message)} [${text(code)}]`

const FATES: Readonly<Record<string, string>> = {
  accepted: "closed with this node's update",
  refused: "closed without this node's update",
  abandoned: 'given up: nothing of it counts',
}

/** What happened, for people, by type. */
const LINES: Readonly<Record<string, (event: NodeEvent) => string>> = {
  'backend:chosen': (event) => `Training on ${text(event['chosen'])}: ${measured(event)}`,
  'node:connected': ({ name, nodeId }) => `Connected as ${text(name)} (${text(nodeId)})`,
  'node:disconnected': ({ reason }) => `Connection lost (${text(reason)}); trying again`,
  'node:problem': (event) => `Problem: ${why(event)}`,
  'asset:fetched': (event) => `Fetched ${text(event['name'])} once: ${size(event)}`,
  'task:started': (event) => `${where(event)}: working`,
  'update:sending': (event) => `${where(event)}: sending ${size(event)}${scores(event)}`,
  'update:accepted': (event) => `${where(event)}: update arrived`,
  'update:refused': (event) => `${where(event)}: update refused: ${why(event)}`,
  'task:refused': (event) => `${where(event)}: not taken: ${why(event)}`,
  'task:failed': (event) => `${where(event)}: failed: ${why(event)}`,
  'task:settled': (event) => `${where(event)}: ${FATES[text(event['fate'])] ?? 'closed'}`,
}

/** One short line for an event of a node; of a type that is not known here, its name and what it says. */
export function describeNodeEvent(event: NodeEvent): string {
  const { type, ...rest } = event
  const line = Object.hasOwn(LINES, type) ? LINES[type] : undefined
  return line?.(event) ?? `${type} ${JSON.stringify(rest)}`
}

const size = (event: NodeEvent): string => bytes(Number(event['bytes'] ?? 0))

/** What the client half measured: the loss of its training, and its accuracy where it measures one. */
function scores({ metrics }: NodeEvent): string {
  const known = ['loss', 'accuracy'].flatMap((name) => {
    const value = (metrics as JsonObject | undefined)?.[name]
    return typeof value === 'number' ? [`${name} ${decimals(value)}`] : []
  })
  return known.length === 0 ? '' : `, ${known.join(', ')}`
}

function measured({ measurements }: NodeEvent): string {
  const all = Array.isArray(measurements) ? (measurements as readonly JsonObject[]) : []
  return all
    .flatMap(({ backend, stepMs }) =>
      typeof stepMs === 'number' ? [`${text(backend)} ${stepMs.toFixed(1)} ms a step`] : [],
    )
    .join(', ')
}
