import { Link } from '@tanstack/react-router'
import { CircleOff } from 'lucide-react'
import type { ReactNode } from 'react'
import type { NodeLine } from '#protocol/server-views.js'
import { count, duration, number } from '../../look/format.js'
import { Button } from '../../parts/button.js'
import { CopyButton } from '../../parts/copy.js'
import { Drawer } from '../../parts/drawer.js'
import { Facts } from '../../parts/facts.js'
import { Progress } from '../../parts/progress.js'
import { Ago } from '../../parts/time.js'
import { ClassList } from './class-bars.js'
import { Seen } from './columns.js'
import { NodeMark } from './node-mark.js'
import css from './nodes.module.css'
import { policyWords } from './policy-words.js'

/** All that is known of one node. */
export function NodeDrawer({
  node,
  onClose,
  onRevoke,
}: {
  readonly node: NodeLine
  readonly onClose: () => void
  /** Null: whoever looks may not, or it is revoked. */
  readonly onRevoke: (() => void) | null
}) {
  const actions = onRevoke !== null && (
    <Button look="quiet" icon={CircleOff} onPress={onRevoke}>
      Revoke
    </Button>
  )
  return (
    <Drawer
      isOpen
      onClose={onClose}
      title={node.name}
      note={<NodeMark node={node} />}
      actions={actions}
    >
      <Facts items={factsOf(node)} />
      {node.task !== null && <TaskSection task={node.task} name={node.name} />}
      {node.card !== null && <DataSection card={node.card} />}
      {node.policy !== null && (
        <Section title="What its owner allows">
          <ul className={css['policy']}>
            {policyWords(node.policy).map((words) => (
              <li key={words}>{words}</li>
            ))}
          </ul>
        </Section>
      )}
      {node.coolDowns.length > 0 && <CoolDowns node={node} />}
      {node.failures.latest.length > 0 && <Failures node={node} />}
    </Drawer>
  )
}

function Section({ title, children }: { readonly title: string; readonly children: ReactNode }) {
  return (
    <section className={css['section']}>
      <h3>{title}</h3>
      {children}
    </section>
  )
}

function factsOf(node: NodeLine): React.ComponentProps<typeof Facts>['items'] {
  const { nodeId, engine, examplesPerSecond: speed, enrolledAt, revokedAt } = node
  return [
    [
      'Id',
      <span key="id" className={css['id']}>
        <code>{nodeId}</code>
        <CopyButton label="Copy the id" text={nodeId} />
      </span>,
    ],
    engine !== null && ['Backend', `${engine.backend} (${engine.version})`],
    engine !== null && ['Threads', count(engine.threads)],
    speed !== null && ['Speed', `${number(Math.round(speed))} examples/s when it trained last`],
    ['Enrolled', <Ago key="enrolled" time={enrolledAt} />],
    revokedAt === null
      ? ['Last seen', <Seen key="seen" node={node} />]
      : ['Revoked', <Ago key="revoked" time={revokedAt} />],
  ]
}

const RunLink = ({ runId }: { readonly runId: string }) => (
  <Link to="/runs/$runId" params={{ runId }} className={css['run']}>
    {runId}
  </Link>
)

function TaskSection({
  task: { runId, round, slot, progress },
  name,
}: {
  readonly task: NonNullable<NodeLine['task']>
  readonly name: string
}) {
  return (
    <Section title="Current task">
      <p>
        Round {round} of <RunLink runId={runId} />, in slot {slot}
      </p>
      {progress !== null && (
        <Progress label={`Training steps of ${name}`} done={progress.done} total={progress.total} />
      )}
    </Section>
  )
}

function DataSection({
  card: { inputShape, classes, counts, source },
}: {
  readonly card: NonNullable<NodeLine['card']>
}) {
  return (
    <Section title="Data card">
      <Facts
        items={[
          ['Input', inputShape.join(' × ')],
          ['Classes', count(classes.length)],
          counts !== undefined && [
            'Examples',
            `${count(counts.train)} to train on, ${count(counts.test)} to test with`,
          ],
          source !== undefined && [
            'Source',
            [source.data, source.partition, `shard ${source.shard}`, source.shift]
              .filter((part) => part !== undefined && part !== '')
              .join(', '),
          ],
        ]}
      />
      {counts === undefined ? (
        <p className="muted">How many examples it holds of which class is not told.</p>
      ) : (
        <ClassList classes={classes} counts={counts.perClass} />
      )}
    </Section>
  )
}

function CoolDowns({ node: { coolDowns } }: { readonly node: NodeLine }) {
  return (
    <Section title="Not asked for a while">
      <ul className={css['list']}>
        {coolDowns.map(({ runId, failures, seconds, reason }) => (
          <li key={runId} className={css['item']}>
            <span>{reason}</span>
            <span className={css['meta']}>
              <RunLink runId={runId} /> · {failures} failures in a row ·{' '}
              {duration(Math.ceil(seconds))} left
            </span>
          </li>
        ))}
      </ul>
    </Section>
  )
}

function Failures({ node: { failures } }: { readonly node: NodeLine }) {
  const { latest, count: all } = failures
  return (
    <Section title={`Latest failures (${count(all)} since the coordinator started)`}>
      <ul className={css['list']}>
        {latest.map(({ runId, round, at, problem }) => (
          <li key={`${runId} ${round} ${at}`} className={css['item']}>
            <span>{problem.message}</span>
            <span className={css['meta']}>
              <RunLink runId={runId} /> · round {round} · <Ago time={at} /> ·{' '}
              <code>{problem.code}</code>
            </span>
          </li>
        ))}
      </ul>
    </Section>
  )
}
