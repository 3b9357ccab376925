import { useQuery } from '@tanstack/react-query'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { GitCompareArrows, ListFilter, ListTree, Plus, X } from 'lucide-react'
import { useState } from 'react'
import type { RunLine } from '#protocol/run-views.js'
import { count } from '../../look/format.js'
import { ButtonLink } from '../../parts/button-link.js'
import { Button, IconButton } from '../../parts/button.js'
import { Choice } from '../../parts/choice.js'
import { Busy, Empty } from '../../parts/empty.js'
import { SearchField } from '../../parts/field.js'
import { Page } from '../../parts/page.js'
import { Problem } from '../../parts/problem.js'
import { Segments } from '../../parts/segments.js'
import { sortOf, sortText } from '../../parts/sorting.js'
import { Table, type Selection } from '../../parts/table.js'
import { problemOf } from '../../server/api.js'
import { useLiveList } from '../../server/connection.js'
import { runsQuery } from '../../server/queries.js'
import { useMay } from '../../server/session.js'
import { MOST_COMPARED } from '../compare/search.js'
import { chooseRuns } from './choose-runs.js'
import { RUN_COLUMNS } from './columns.js'
import css from './runs.module.css'
import { STATE_FILTERS, type RunsSearch, type StateFilter } from './search.js'

const LABELS: Readonly<Record<StateFilter, string>> = {
  all: 'All',
  active: 'Active',
  finished: 'Finished',
  stopped: 'Stopped',
  failed: 'Failed',
}
const ANY = 'any'
const NEWEST = '-updated'

/** Every run that the coordinator knows, as they go on. */
export function RunsPage() {
  const search = useSearch({ from: '/runs' })
  const navigate = useNavigate({ from: '/runs' })
  useLiveList('runs')
  const mayStart = useMay('researcher')
  const { data: runs, error, refetch } = useQuery(runsQuery)
  const selection = useSelection(runs)
  const change = (next: RunsSearch): void =>
    void navigate({ search: withoutEmpty({ ...search, ...next }), replace: true })
  if (runs === undefined)
    return (
      <Page title="Runs">
        {error === null ? (
          <Busy label="Loading runs …" />
        ) : (
          <Problem error={problemOf(error)} onRetry={() => void refetch()} />
        )}
      </Page>
    )
  if (runs.length === 0)
    return (
      <Page title="Runs">
        <NoRuns />
      </Page>
    )
  const { shown, counts, methods } = chooseRuns(runs, search)
  const toolbar = (
    <>
      <Segments
        label="State"
        items={STATE_FILTERS.map((id) => ({ id, label: LABELS[id], count: counts[id] }))}
        value={search.state ?? 'all'}
        onChange={(state) => change({ state: state === 'all' ? undefined : state })}
      />
      <span className={css['spacer']} />
      <Choice
        label="Method"
        items={[{ id: ANY, label: 'Any method' }, ...methods.map((id) => ({ id, label: id }))]}
        value={search.method ?? ANY}
        onChange={(method) => change({ method: method === ANY ? undefined : method })}
      />
      <SearchField
        label="Find runs"
        value={search.q ?? ''}
        onChange={(q) => change({ q: q === '' ? undefined : q })}
      />
    </>
  )
  return (
    <Page
      title="Runs"
      note={count(runs.length)}
      actions={
        <>
          {selection.keys.size > 0 && (
            <Compare chosen={selection.keys} onClear={() => selection.onChange(new Set())} />
          )}
          {mayStart && (
            <ButtonLink to="/start" look="primary" icon={Plus}>
              Start<span className={css['wideWord']}> a run</span>
            </ButtonLink>
          )}
        </>
      }
      toolbar={toolbar}
      isFlush
    >
      {shown.length === 0 ? (
        <Empty
          icon={ListFilter}
          title="No run fits"
          action={<Button onPress={() => void navigate({ search: {} })}>Show all runs</Button>}
        />
      ) : (
        <Table
          caption="Runs"
          columns={RUN_COLUMNS}
          rows={shown}
          keyOf={(run) => run.runId}
          sort={sortOf(search.sort ?? NEWEST)}
          onSort={(sort) => change({ sort: sortText(sort) })}
          selection={selection}
        />
      )}
    </Page>
  )
}

function NoRuns() {
  const mayStart = useMay('researcher')
  return (
    <Empty
      icon={ListTree}
      title="No runs yet"
      action={
        mayStart && (
          <ButtonLink to="/start" look="primary" icon={Plus}>
            Start a run
          </ButtonLink>
        )
      }
    >
      {mayStart
        ? 'A run trains one model on the data of many nodes, which stay where they are.'
        : 'A researcher starts one, and it appears here.'}
    </Empty>
  )
}

/** Runs that are chosen to be compared; those that are no more are none. */
function useSelection(runs: readonly RunLine[] | undefined): Selection {
  const [keys, setKeys] = useState<ReadonlySet<string>>(new Set())
  const names = new Map(runs?.map(({ runId, name }) => [runId as string, name]))
  return {
    keys: new Set([...keys].filter((key) => names.has(key))),
    onChange: setKeys,
    label: (key) => `Compare ${names.get(key) ?? key}`,
    most: MOST_COMPARED,
  }
}

function Compare({
  chosen,
  onClear,
}: {
  readonly chosen: ReadonlySet<string>
  readonly onClear: () => void
}) {
  const navigate = useNavigate()
  const isFew = chosen.size < 2
  return (
    <>
      <IconButton label="Choose none" icon={X} onPress={onClear} />
      <Button
        icon={GitCompareArrows}
        isDisabled={isFew}
        onPress={() => void navigate({ to: '/compare', search: { run: [...chosen] } })}
      >
        {isFew ? 'Choose another' : `Compare ${chosen.size}`}
      </Button>
    </>
  )
}

/** What is not narrowed stands in no address. */
const withoutEmpty = (search: RunsSearch): RunsSearch =>
  Object.fromEntries(Object.entries(search).filter(([, value]) => value !== undefined))
