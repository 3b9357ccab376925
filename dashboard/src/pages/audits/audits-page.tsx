import { useQuery } from '@tanstack/react-query'
import { ShieldQuestionMark } from 'lucide-react'
import { useState } from 'react'
import { count } from '../../look/format.js'
import { Busy, Empty } from '../../parts/empty.js'
import { Page } from '../../parts/page.js'
import { Problem } from '../../parts/problem.js'
import type { Sort } from '../../parts/sorting.js'
import { Table } from '../../parts/table.js'
import { problemOf } from '../../server/api.js'
import { useLiveList } from '../../server/connection.js'
import { auditsQuery } from '../../server/queries.js'
import { AUDIT_COLUMNS } from './columns.js'

/** Runs with a privacy audit, and what it came to. */
export function AuditsPage() {
  useLiveList('runs')
  const { data: audits, error, refetch } = useQuery(auditsQuery)
  const [sort, setSort] = useState<Sort>({ by: 'decided', isDescending: true })
  if (audits === undefined)
    return (
      <Page title="Audits">
        {error === null ? (
          <Busy label="Loading audits …" />
        ) : (
          <Problem error={problemOf(error)} onRetry={() => void refetch()} />
        )}
      </Page>
    )
  if (audits.length === 0)
    return (
      <Page title="Audits">
        <Empty icon={ShieldQuestionMark} title="No audits yet">
          A run with the key <code>audit</code> in its configuration is audited before its first
          round: how much one update of it reveals of the records behind it.
        </Empty>
      </Page>
    )
  return (
    <Page title="Audits" note={count(audits.length)} isFlush>
      <Table
        caption="Audits"
        columns={AUDIT_COLUMNS}
        rows={audits}
        keyOf={(audit) => audit.runId}
        sort={sort}
        onSort={setSort}
      />
    </Page>
  )
}
