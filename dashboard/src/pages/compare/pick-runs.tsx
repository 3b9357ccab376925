import { ListChecks } from 'lucide-react'
import { useState } from 'react'
import { Dialog, DialogTrigger, ListBox, ListBoxItem, Popover } from 'react-aria-components'
import type { RunLine } from '#protocol/run-views.js'
import { percent } from '../../look/format.js'
import { Button } from '../../parts/button.js'
import { SearchField } from '../../parts/field.js'
import { RunState } from '../../parts/run-state.js'
import { chooseRuns } from '../runs/choose-runs.js'
import css from './compare.module.css'
import { MOST_COMPARED } from './search.js'

/** Of so many runs the newest are shown until somebody looks for others. */
const MOST_LISTED = 60

/** Which runs are compared: found by any word of their name, model or method. */
export function PickRuns({
  lines,
  chosen,
  onChange,
}: {
  readonly lines: readonly RunLine[] | undefined
  readonly chosen: readonly string[]
  readonly onChange: (runIds: readonly string[]) => void
}) {
  return (
    <DialogTrigger>
      <Button icon={ListChecks} look={chosen.length === 0 ? 'primary' : 'plain'}>
        Choose runs
      </Button>
      <Popover className={css['picker'] ?? ''} placement="bottom end" offset={6}>
        <Dialog aria-label="Runs to compare" className={css['dialog'] ?? ''}>
          <Listed lines={lines ?? []} chosen={chosen} onChange={onChange} />
        </Dialog>
      </Popover>
    </DialogTrigger>
  )
}

function Listed({
  lines,
  chosen,
  onChange,
}: {
  readonly lines: readonly RunLine[]
  readonly chosen: readonly string[]
  readonly onChange: (runIds: readonly string[]) => void
}) {
  const [q, setQ] = useState('')
  const newest = chooseRuns(lines, { q }).shown.toSorted((a, b) =>
    b.createdAt.localeCompare(a.createdAt),
  )
  const isFull = chosen.length >= MOST_COMPARED
  const change = (keys: 'all' | Iterable<unknown>): void => {
    if (keys === 'all') return
    const wanted = new Set([...keys].map(String))
    const shown = new Set<string>(newest.slice(0, MOST_LISTED).map(({ runId }) => runId))
    // What is not listed now stays chosen; what is new comes last, so that colours stay.
    const kept = chosen.filter((id) => wanted.has(id) || !shown.has(id))
    const added = [...wanted].filter((id) => !chosen.includes(id))
    onChange([...kept, ...added].slice(0, MOST_COMPARED))
  }
  return (
    <>
      <div className={css['find']}>
        <SearchField label="Find runs" value={q} onChange={setQ} />
      </div>
      <ListBox
        aria-label="Runs"
        className={css['list'] ?? ''}
        selectionMode="multiple"
        selectedKeys={chosen}
        disabledKeys={
          isFull ? newest.map(({ runId }) => runId).filter((id) => !chosen.includes(id)) : []
        }
        onSelectionChange={change}
        renderEmptyState={() => <p className={css['none']}>No run fits</p>}
      >
        {newest.slice(0, MOST_LISTED).map((line) => (
          <ListBoxItem
            key={line.runId}
            id={line.runId}
            textValue={line.name}
            className={css['item'] ?? ''}
          >
            <span className={css['box']} aria-hidden="true" />
            <RunState run={line} isSign />
            <span className={css['itemName']}>{line.name}</span>
            <span className={css['itemNote']}>
              {line.method}
              {line.accuracy !== null && ` · ${percent(line.accuracy)}`}
            </span>
          </ListBoxItem>
        ))}
      </ListBox>
      <p className={css['pickNote']}>
        {isFull
          ? `${MOST_COMPARED} runs are as many as can be compared`
          : newest.length > MOST_LISTED
            ? `${newest.length - MOST_LISTED} more: find them by a word of their name`
            : `${chosen.length} of ${MOST_COMPARED} chosen`}
      </p>
    </>
  )
}
