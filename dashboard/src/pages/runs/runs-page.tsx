import { useQuery } from '@tanstack/react-query'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { ListFilter, Plus } from 'lucide-react'
import { count } from '../../look/format.js'
import { ButtonLink } from '../../parts/button-link.js'
import { Button } from '../../parts/button.js'
import { Choice } from '../../parts/choice.js'
import { Busy, Empty } from '../../parts/empty.js'
import { SearchField } from '../../parts/field.js'
import { Page } from '../../parts/page.js'
import { Problem } from '../../parts/problem.js'
import { Segments } from '../../parts/segments.js'
import { sortOf, sortText } from '../../parts/sorting.js'
import { Table } from '../../parts/table.js'
import { problemOf } from '../../server/api.js'
import { useLiveList } from '../../server/connection.js'
import { runsQuery } from '../../server/queries.js'
import { useMay } from '../../server/session.js'
import { chooseRuns } from './choose-runs.js'
import { RUN_COLUMNS } from './columns.js'
import { Compare, useSelection } from './compare-runs.js'
import { NoRuns } from './no-runs.js'
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
      toolbar={<Filters {...{ search, counts, methods, change }} />}
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

function Filters({
  search,
  counts,
  methods,
  change,
}: Pick<ReturnType<typeof chooseRuns>, 'counts' | 'methods'> & {
  readonly search: RunsSearch
  readonly change: (next: RunsSearch) => void
}) {
  return (
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
}

/** What is not narrowed stands in no address. */
const withoutEmpty = (search: RunsSearch): RunsSearch =>
  Object.fromEntries(Object.entries(search).filter(([, value]) => value !== undefined))
