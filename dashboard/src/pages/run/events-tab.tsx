import { ListChecks } from 'lucide-react'
import { useMemo, useState } from 'react'
import type { RunEvent } from '#protocol/ui-messages.js'
import { count } from '../../look/format.js'
import { Button } from '../../parts/button.js'
import { Checkbox } from '../../parts/checkbox.js'
import { Busy, Empty } from '../../parts/empty.js'
import { SearchField } from '../../parts/field.js'
import { Problem } from '../../parts/problem.js'
import { Segments } from '../../parts/segments.js'
import type { LiveRun } from '../../server/run.js'
import { EventRow } from './event-row.js'
import { EVENT_KINDS, sentenceOf, type EventKind } from './event-sentences.js'
import css from './events.module.css'
import { HiddenNote } from './hidden-note.js'
import { nameIn } from './member-names.js'
import page from './run-page.module.css'
import { useLog } from './use-log.js'

type Filter = 'all' | EventKind
const LABELS: Readonly<Record<Filter, string>> = {
  all: 'All',
  run: 'Run',
  rounds: 'Rounds',
  members: 'Members',
  audit: 'Audit',
}
const STEP = 200

/** Everything that happened in the run, latest first, as it happens. */
export function EventsTab({ run }: { readonly run: LiveRun }) {
  const log = useLog(run)
  const [filter, setFilter] = useState<Filter>('all')
  const [text, setText] = useState('')
  const [most, setMost] = useState(STEP)
  const [heldAt, setHeldAt] = useState<number | null>(null)
  const { roster, hidden, config } = run.view
  const nameOf = useMemo(() => nameIn(roster), [roster])
  const kinds = EVENT_KINDS.filter((kind) => kind !== 'audit' || config.audit !== undefined)
  const told = log.events.filter(({ seq }) => heldAt === null || seq <= heldAt)
  const fitting = fits(told, { filter, text, nameOf })
  const shown = fitting.slice(-most).toReversed()
  const waiting = log.events.length - told.length
  return (
    <div className={page['stack']}>
      <HiddenNote hidden={hidden} />
      <div className={page['toolbar']}>
        <Segments
          label="Kind"
          items={(['all', ...kinds] as const).map((id) => ({ id, label: LABELS[id] }))}
          value={filter}
          onChange={setFilter}
        />
        <span className={page['spacer']} />
        <Checkbox
          label={waiting > 0 ? `Follow (${count(waiting)} new)` : 'Follow'}
          isSelected={heldAt === null}
          onChange={(follows) => setHeldAt(follows ? null : run.lastSeq)}
        />
        <SearchField label="Find events" value={text} onChange={setText} />
      </div>
      {log.problem !== null && <Problem error={log.problem} onRetry={log.loadEarlier} />}
      {shown.length === 0 ? (
        log.isPending ? (
          <Busy label="Loading events …" />
        ) : (
          <Empty icon={ListChecks} title="No event fits" />
        )
      ) : (
        <ol className={css['log']} aria-label="Events, latest first">
          {shown.map((event) => (
            <EventRow key={event.seq} event={event} runId={run.runId} nameOf={nameOf} />
          ))}
        </ol>
      )}
      <div className={css['more']}>
        {fitting.length > most ? (
          <Button look="quiet" onPress={() => setMost(most + STEP)}>
            Show more
          </Button>
        ) : (
          log.hasEarlier && (
            <Button
              look="quiet"
              isPending={log.isPending}
              onPress={() => {
                setMost(most + STEP)
                log.loadEarlier()
              }}
            >
              Load earlier events
            </Button>
          )
        )}
      </div>
    </div>
  )
}

function fits(
  events: readonly RunEvent[],
  {
    filter,
    text,
    nameOf,
  }: {
    readonly filter: Filter
    readonly text: string
    readonly nameOf: (slot: number) => string
  },
): readonly RunEvent[] {
  const wanted = text.trim().toLowerCase()
  if (filter === 'all' && wanted === '') return events
  return events.filter((event) => {
    const { kind, text: sentence, more } = sentenceOf(event, nameOf)
    const isOfKind = filter === 'all' || kind === filter
    return isOfKind && `${sentence} ${more ?? ''} ${event.type}`.toLowerCase().includes(wanted)
  })
}
