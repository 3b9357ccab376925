import type { HttpAnswer } from '#protocol/http-api.js'

type NodeView = HttpAnswer<'GET /api/nodes'>['nodes'][number]

/** A line for each node and run in which it is not asked now. */
export const coolDownLines = (
  nodes: readonly Pick<NodeView, 'name' | 'coolDowns'>[],
): readonly string[] =>
  nodes.flatMap(({ name, coolDowns }) =>
    coolDowns.map(
      ({ runId, failures, seconds, reason }) =>
        `${name} is not asked in ${runId} for ${seconds} s: ${failures} failures in a row, the last: ${reason}`,
    ),
  )

/** Of the event `member:cooling-down`. */
export const coolDownText = ({
  name,
  seconds,
  failures,
  reason,
}: Readonly<Record<string, unknown>>): string =>
  `${String(name)} is not asked for ${String(seconds)} s: ${String(failures)} failures in a row, the last: ${String(reason)}`
