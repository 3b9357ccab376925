import {
  Ban,
  CircleAlert,
  CircleCheck,
  CircleDot,
  CircleDotDashed,
  ChevronRight,
  type LucideIcon,
} from 'lucide-react'
import { useState } from 'react'
import { useQuery } from '@tanstack/react-query'
import type { RunId } from '#protocol/ids.js'
import type { RunEvent } from '#protocol/ui-messages.js'
import { moment } from '../../look/format.js'
import type { Tone } from '../../parts/mark.js'
import { Busy } from '../../parts/empty.js'
import { Problem } from '../../parts/problem.js'
import { problemOf } from '../../server/api.js'
import { api } from '../../server/client.js'
import { sentenceOf, type NameOf } from './event-sentences.js'
import css from './events.module.css'

const ICONS: Readonly<Record<Tone, LucideIcon>> = {
  neutral: CircleDot,
  accent: CircleDotDashed,
  good: CircleCheck,
  warn: CircleAlert,
  bad: Ban,
}

/** One event as a sentence; what the coordinator told of it, when it is opened. */
export function EventRow({
  event,
  runId,
  nameOf,
}: {
  readonly event: RunEvent
  readonly runId: RunId
  readonly nameOf: NameOf
}) {
  const [isOpen, setIsOpen] = useState(false)
  const { tone, text, more } = sentenceOf(event, nameOf)
  const Icon = ICONS[tone]
  return (
    <li className={css['event']}>
      <button
        type="button"
        className={css['row']}
        aria-expanded={isOpen}
        onClick={() => setIsOpen(!isOpen)}
      >
        <ChevronRight className={css['chevron']} size={13} aria-hidden="true" />
        <time dateTime={event.at} title={moment(event.at)} className={css['time']}>
          {timeOf(event.at)}
        </time>
        <Icon className={css[tone]} size={14} aria-hidden="true" />
        <span className={css['text']}>
          {text}
          {more !== null && <span className={css['rest']}> {more}</span>}
        </span>
        <span className={css['seq']}>{event.seq}</span>
      </button>
      {isOpen && <Raw event={event} runId={runId} />}
    </li>
  )
}

/** Of today the time, of other days the day too. */
function timeOf(at: string): string {
  const date = new Date(at)
  const time = date.toLocaleTimeString('en-GB')
  const isToday = date.toDateString() === new Date().toDateString()
  return isToday
    ? time
    : `${date.toLocaleDateString('en-GB', { day: 'numeric', month: 'short' })}, ${time}`
}

/** The event itself, whole: what the log keeps of it is less. */
function Raw({ event: { seq }, runId }: { readonly event: RunEvent; readonly runId: RunId }) {
  const { data, error } = useQuery({
    queryKey: ['run', runId, 'event', seq],
    queryFn: ({ signal }) =>
      api.call('GET /api/runs/:id/events', {
        ...{ params: { id: runId }, query: { after: seq - 1, limit: 1 }, signal },
      }),
    staleTime: Infinity,
    // Of a round with many members it is large.
    gcTime: 0,
  })
  if (error !== null) return <Problem error={problemOf(error)} />
  if (data === undefined) return <Busy label="Loading …" />
  return (
    // It scrolls, so that it must be reached by keyboard.
    <pre className={css['raw']} tabIndex={0} aria-label={`Event ${seq}`}>
      {JSON.stringify(data.events[0], null, 2)}
    </pre>
  )
}
