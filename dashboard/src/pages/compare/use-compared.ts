import { keepPreviousData, useQueries, useQuery } from '@tanstack/react-query'
import { useMemo } from 'react'
import type { FederationError } from '#protocol/errors.js'
import type { Curve, RunLine } from '#protocol/run-views.js'
import { problemOf } from '../../server/api.js'
import { api } from '../../server/client.js'
import { useLiveList } from '../../server/connection.js'
import { runsQuery } from '../../server/queries.js'
import type { Told } from './results.js'
import type { Configured } from './settings.js'

/** A run that is compared, with all that is known of it. */
export interface Compared extends Configured, Told {
  readonly metrics: readonly string[]
}
export interface Comparison {
  /** Every run that there is to choose from; undefined: not known yet. */
  readonly lines: readonly RunLine[] | undefined
  /** Those that are there already, in the order in which they were asked for. */
  readonly runs: readonly Compared[]
  /** Ids of which there is no run. */
  readonly unknown: readonly string[]
  readonly isPending: boolean
  readonly problem: FederationError | null
  readonly retry: () => void
}

/** Runs as they go on: the list tells when one has come further, and what is drawn of it is asked for again then. */
export function useCompared(ids: readonly string[], metrics: readonly string[]): Comparison {
  useLiveList('runs')
  const list = useQuery(runsQuery)
  const lines = useMemo(() => {
    const known = new Map<string, RunLine>(list.data?.map((line) => [line.runId, line]))
    return ids.flatMap((id) => known.get(id) ?? [])
  }, [list.data, ids])
  const views = useQueries({ queries: lines.map(viewQuery), combine: settled })
  const curves = useQueries({
    queries: lines.map((line) => curvesQuery(line, metrics)),
    combine: settled,
  })
  const runs = useMemo(
    () =>
      lines.flatMap((line, i): Compared[] => {
        const [view, told] = [views.data[i], curves.data[i]]
        if (view === undefined || told === undefined) return []
        const { config, metrics: names } = view
        const byName = new Map(told.map((curve) => [curve.name, curve]))
        return [
          {
            ...{ runId: line.runId, name: line.name, line, curves: byName, metrics: names },
            config: config,
          },
        ]
      }),
    [lines, views.data, curves.data],
  )
  const error = list.error ?? views.error ?? curves.error
  const known = list.data === undefined ? null : new Set<string>(lines.map(({ runId }) => runId))
  return {
    ...{ lines: list.data, runs },
    unknown: known === null ? [] : ids.filter((id) => !known.has(id)),
    isPending: known === null || runs.length < lines.length,
    problem: error === null ? null : problemOf(error),
    retry: () => {
      for (const again of [list.refetch, ...views.retries, ...curves.retries]) void again()
    },
  }
}

interface Settled<Data> {
  readonly data: Data
  readonly error: Error | null
  readonly refetch: () => Promise<unknown>
}
const settled = <Data>(results: readonly Settled<Data>[]) => ({
  data: results.map((result) => result.data),
  error:
    results.find((result) => result.error !== null && result.data === undefined)?.error ?? null,
  retries: results.map((result) => result.refetch),
})

/** Its configuration never changes; more metrics are there after the first round, and some after the last. */
const viewQuery = ({ runId, round, state }: RunLine) => ({
  queryKey: ['run', runId, 'compared', round > 0, state],
  queryFn: ({ signal }: { readonly signal: AbortSignal }) =>
    api.call('GET /api/runs/:id/view', { params: { id: runId }, signal }),
  staleTime: Infinity,
  placeholderData: keepPreviousData,
})
const curvesQuery = ({ runId, round, state }: RunLine, names: readonly string[]) => ({
  queryKey: ['run', runId, 'compared-curves', names, round, state],
  queryFn: ({ signal }: { readonly signal: AbortSignal }) =>
    api.call('GET /api/runs/:id/curves', { params: { id: runId }, query: { name: names }, signal }),
  select: ({ curves }: { readonly curves: readonly Curve[] }) => curves,
  staleTime: Infinity,
  placeholderData: keepPreviousData,
})
