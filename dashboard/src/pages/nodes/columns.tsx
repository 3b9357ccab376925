import { Link } from '@tanstack/react-router'
import type { NodeLine } from '#protocol/server-views.js'
import { count, number } from '../../look/format.js'
import { Badge } from '../../parts/mark.js'
import { Progress } from '../../parts/progress.js'
import type { Column } from '../../parts/table.js'
import { Ago } from '../../parts/time.js'
import { ClassBars } from './class-bars.js'
import { NodeMark } from './node-mark.js'
import { NODE_STATES, stateOf } from './node-state.js'
import css from './nodes.module.css'

const none = <span className="muted">–</span>

export const NODE_COLUMNS: readonly Column<NodeLine>[] = [
  {
    ...{ id: 'name', header: 'Node', isRowHeader: true },
    sortBy: (node) => node.name,
    cell: (node) => <Name node={node} />,
  },
  {
    ...{ id: 'state', header: 'State', width: 132, from: 'tablet' },
    sortBy: (node) => NODE_STATES.indexOf(stateOf(node)),
    cell: (node) => <NodeMark node={node} />,
  },
  {
    ...{ id: 'device', header: 'Device', width: 120, from: 'tablet' },
    sortBy: (node) => node.engine?.backend ?? null,
    cell: (node) => <Device node={node} />,
  },
  {
    ...{ id: 'speed', header: 'Examples/s', width: 104, align: 'end', from: 'tablet' },
    sortBy: (node) => node.examplesPerSecond,
    cell: ({ examplesPerSecond: speed }) => (speed === null ? none : number(Math.round(speed))),
  },
  {
    ...{ id: 'data', header: 'Data', width: 164, align: 'end', from: 'desktop' },
    sortBy: (node) => node.card?.counts?.train ?? null,
    cell: (node) => <Data node={node} />,
  },
  {
    ...{ id: 'task', header: 'Task', width: 248, from: 'desktop' },
    cell: (node) => <Task node={node} />,
  },
  {
    ...{ id: 'failures', header: 'Failures', width: 88, narrowWidth: 84, align: 'end' },
    sortBy: (node) => node.failures.count,
    cell: ({ failures }) =>
      failures.count === 0 ? (
        <span className="muted">0</span>
      ) : (
        <Badge tone="warn">{count(failures.count)}</Badge>
      ),
  },
  {
    ...{ id: 'seen', header: 'Last seen', width: 112, align: 'end', from: 'tablet' },
    sortBy: (node) => (node.lastSeenAt === null ? null : Date.parse(node.lastSeenAt)),
    cell: (node) => (
      <span className={css['second']}>
        <Seen node={node} />
      </span>
    ),
  },
]

/** On a phone, where its columns are not there, the name says what they would. */
function Name({ node }: { readonly node: NodeLine }) {
  return (
    <span className={css['name']}>
      <span className={css['sign']}>
        <NodeMark node={node} isSign />
      </span>
      <Link
        to="/nodes"
        search={(search) => ({ ...search, node: node.nodeId })}
        replace
        data-row-link
        className={css['link']}
      >
        {node.name}
      </Link>
      <span className={css['below']}>
        {node.engine === null && !node.online && node.lastSeenAt === null ? (
          'not seen since the coordinator started'
        ) : (
          <>
            {node.engine?.backend ?? 'unknown device'} · <Seen node={node} />
          </>
        )}
      </span>
    </span>
  )
}

export function Seen({ node: { online, lastSeenAt } }: { readonly node: NodeLine }) {
  if (online) return <>now</>
  if (lastSeenAt !== null) return <Ago time={lastSeenAt} />
  return <span title="Not since the coordinator started">–</span>
}

function Device({ node: { engine } }: { readonly node: NodeLine }) {
  if (engine === null) return none
  const { backend, threads } = engine
  return (
    <>
      {backend}
      {threads > 1 && <span className="muted"> × {threads}</span>}
    </>
  )
}

function Data({ node: { card } }: { readonly node: NodeLine }) {
  if (card === null) return none
  const { counts, classes, trains } = card
  if (trains === false) return <span className="muted">nothing to train on</span>
  if (counts === undefined)
    return (
      <span className={css['second']} title="How many examples it holds is not told">
        {count(classes.length)} classes
      </span>
    )
  return (
    <span className={css['data']}>
      <ClassBars counts={counts.perClass} />
      <span className={css['total']}>{count(counts.train)}</span>
    </span>
  )
}

function Task({ node: { task, name } }: { readonly node: NodeLine }) {
  if (task === null) return none
  const { round, progress } = task
  return (
    <span className={css['task']}>
      <span className={css['second']}>round {round}</span>
      {progress !== null && (
        <Progress label={`Training steps of ${name}`} done={progress.done} total={progress.total} />
      )}
    </span>
  )
}
