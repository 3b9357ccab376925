import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { CircleCheck, CircleDashed, CircleX, Link2, Link2Off } from 'lucide-react'
import type { LucideIcon } from 'lucide-react'
import { useState } from 'react'
import type { OperationsView } from '#protocol/server-views.js'
import { count } from '../../look/format.js'
import { Button } from '../../parts/button.js'
import { CopyButton } from '../../parts/copy.js'
import { Busy } from '../../parts/empty.js'
import { Mark, type Tone } from '../../parts/mark.js'
import { Notice } from '../../parts/notice.js'
import { Panel } from '../../parts/panel.js'
import { Problem } from '../../parts/problem.js'
import { Table, type Column } from '../../parts/table.js'
import { Ago } from '../../parts/time.js'
import { problemOf } from '../../server/api.js'
import { logQuery } from '../../server/queries.js'
import { logLines, type LogLine, type LogOutcome } from './log-lines.js'
import css from './operations.module.css'

type Log = OperationsView['log']
/** An act has two. */
const [FIRST_ENTRIES, MORE_ENTRIES] = [100, 200]
/** The coordinator answers with no more at a time. */
const MOST_ENTRIES = 500
const UNFINISHED_SHOWN = 10

/** The audit log: whether it still is what was written, and its latest entries. */
export function LogPanel({ log }: { readonly log: Log }) {
  const { entries, head, fault, unfinished } = log
  return (
    <Panel title="Audit log" note={<Chain isWhole={fault === null} entries={entries} />} isFlush>
      <div className={css['chain']}>
        {head !== null && (
          <p className={css['head']}>
            <span>Head</span>
            <code>{head}</code>
            <CopyButton label="Copy the head" text={head} />
          </p>
        )}
        {fault !== null && (
          <Notice tone="bad" title={`Entry ${count(fault.index)}: ${fault.reason}`}>
            Somebody or something changed the log. Do not go by it from there on, and compare it
            with a backup.
          </Notice>
        )}
        {unfinished.length > 0 && (
          <Notice
            tone="warn"
            title={`${count(unfinished.length)} ${unfinished.length === 1 ? 'act was' : 'acts were'} begun and ${unfinished.length === 1 ? 'its' : 'their'} outcome is not known`}
          >
            Entries {unfinished.slice(-UNFINISHED_SHOWN).join(', ')}. The coordinator ended in
            between, or they are under way.
          </Notice>
        )}
      </div>
      <Entries entries={entries} />
    </Panel>
  )
}

function Chain({ isWhole, entries }: { readonly isWhole: boolean; readonly entries: number }) {
  return isWhole ? (
    <Mark tone="good" icon={Link2}>
      {count(entries)} entries, none altered or missing
    </Mark>
  ) : (
    <Mark tone="bad" icon={Link2Off}>
      Broken after {count(entries)} entries
    </Mark>
  )
}

function Entries({ entries }: { readonly entries: number }) {
  const [most, setMost] = useState(FIRST_ENTRIES)
  const after = Math.max(0, entries - most)
  // Of a new entry the page knows by the number of all: what was read before stays until the new ones are there.
  const { data, error, refetch } = useQuery({
    ...logQuery(after),
    queryKey: [...logQuery(after).queryKey, entries],
    placeholderData: keepPreviousData,
  })
  if (data === undefined)
    return error === null ? (
      <Busy label="Reading the log …" />
    ) : (
      <Problem error={problemOf(error)} onRetry={() => void refetch()} />
    )
  const { lines, unreadable } = logLines(data)
  const canShowMore = after > 0 && most < MOST_ENTRIES
  return (
    <>
      {unreadable > 0 && (
        <div className={css['chain']}>
          <Notice tone="bad" title={`${count(unreadable)} entries cannot be read`} />
        </div>
      )}
      <Table
        caption="Latest entries of the audit log"
        columns={COLUMNS}
        rows={lines}
        keyOf={(line) => String(line.seq)}
        isDense
      />
      {canShowMore ? (
        <div className={css['more']}>
          <Button look="quiet" onPress={() => setMost(Math.min(MOST_ENTRIES, most + MORE_ENTRIES))}>
            Show earlier entries
          </Button>
        </div>
      ) : (
        after > 0 && (
          <p className={`muted ${css['more'] ?? ''}`}>
            tributary log show prints all of them, and log verify checks them.
          </p>
        )
      )}
    </>
  )
}

interface Look {
  readonly word: string
  readonly tone: Tone
  readonly icon: LucideIcon
}
const LOOKS: Readonly<Record<LogOutcome, Look>> = {
  done: { word: 'Done', tone: 'good', icon: CircleCheck },
  failed: { word: 'Failed', tone: 'bad', icon: CircleX },
  open: { word: 'Not known', tone: 'warn', icon: CircleDashed },
}
const COLUMNS: readonly Column<LogLine>[] = [
  {
    ...{ id: 'seq', header: '#', width: 72, align: 'end', from: 'tablet' },
    cell: (line) => <span className={css['number']}>{count(line.seq)}</span>,
  },
  {
    ...{ id: 'who', header: 'Who', width: 180, narrowWidth: 116, isRowHeader: true },
    cell: (line) => line.actor,
  },
  {
    ...{ id: 'what', header: 'What' },
    cell: (line) => (
      <span className={css['what']} title={`${line.words} ${line.details}`}>
        <span className={css['words']}>{line.words}</span>
        <span className={css['below']}>
          <Ago time={line.at} />
        </span>
      </span>
    ),
  },
  {
    ...{ id: 'details', header: 'Details', width: 320, from: 'desktop' },
    cell: (line) => (
      <span className={css['details']} title={line.details}>
        {line.details}
      </span>
    ),
  },
  {
    ...{ id: 'outcome', header: 'Outcome', width: 120, narrowWidth: 44 },
    cell: (line) => <Outcome outcome={line.outcome} />,
  },
  {
    ...{ id: 'at', header: 'When', width: 108, align: 'end', from: 'tablet' },
    cell: (line) => (
      <span className={css['second']}>
        <Ago time={line.at} />
      </span>
    ),
  },
]

function Outcome({ outcome }: { readonly outcome: LogOutcome }) {
  const { word, tone, icon } = LOOKS[outcome]
  return (
    <Mark tone={tone} icon={icon}>
      {word}
    </Mark>
  )
}
