import { keepPreviousData, useQuery, type UseQueryResult } from '@tanstack/react-query'
import { useEffect, useMemo, useSyncExternalStore } from 'react'
import type { FederationError } from '#protocol/errors.js'
import type { RunId } from '#protocol/ids.js'
import type { RoundRecord } from '#protocol/record.js'
import type { Curve, MemberCurves } from '#protocol/run-views.js'
import { api, queryClient } from './client.js'
import { useLive } from './connection.js'
import { RunFollower, type RunNow } from './run-follower.js'

/** A run as its page shows it: drawn again whenever something happens in it. */
export interface LiveRun extends RunNow {
  readonly runId: RunId
  /** Attempts at earlier rounds. Throws what the coordinator refuses with. */
  readonly loadEarlier: () => Promise<void>
}
/** `run` is null until it is known; `problem` says why it is not yet, or never. */
export interface RunQuery {
  readonly run: LiveRun | null
  readonly problem: FederationError | null
  readonly retry: () => void
}

/** Follows a run as long as this part of the page is there. */
export function useRun(runId: RunId): RunQuery {
  const live = useLive()
  const follower = useMemo(
    () =>
      new RunFollower({
        ...{ api, runId },
        onGrown: () => void queryClient.invalidateQueries({ queryKey: growing(runId) }),
      }),
    [runId],
  )
  useEffect(() => (live === null ? undefined : follower.follow(live)), [live, follower])
  const now = useSyncExternalStore(follower.subscribe, follower.now)
  const problem = useSyncExternalStore(follower.subscribe, follower.problem)
  const { loadEarlier, retry } = follower
  const run = useMemo(
    () => (now === null ? null : { ...now, runId, loadEarlier }),
    [now, runId, loadEarlier],
  )
  return { run, problem: now === null ? problem : null, retry }
}

/** Begins the keys of queries whose answers are others after another round of the run has closed: they are asked again then. */
export const growing = (runId: RunId, ...rest: readonly unknown[]): readonly unknown[] => [
  ...['run', runId, 'growing'],
  ...rest,
]

/** Curves of metrics of the run, in the order of the names; a name without a curve is left out. */
export const useCurves = (
  runId: RunId,
  names: readonly string[],
): UseQueryResult<readonly Curve[]> =>
  useQuery({
    queryKey: growing(runId, 'curves', names),
    queryFn: ({ signal }) =>
      api.call('GET /api/runs/:id/curves', {
        params: { id: runId },
        query: { name: names },
        signal,
      }),
    select: ({ curves }) => curves,
    enabled: names.length > 0,
    placeholderData: keepPreviousData,
  })

/** Curves of one metric of each member. Refused with `run/hidden` where privacy settings hide members. */
export const useMemberCurves = (runId: RunId, name: string | null): UseQueryResult<MemberCurves> =>
  useQuery({
    queryKey: growing(runId, 'member-curves', name),
    queryFn: ({ signal }) =>
      api.call('GET /api/runs/:id/member-curves', {
        ...{ params: { id: runId }, signal },
        query: { name: name ?? '' },
      }),
    enabled: name !== null,
    placeholderData: keepPreviousData,
  })

/** The entry of a closed round, which never changes. */
export const useRound = (runId: RunId, round: number | null): UseQueryResult<RoundRecord> =>
  useQuery({
    queryKey: ['run', runId, 'round', round],
    queryFn: ({ signal }) =>
      api.call('GET /api/runs/:id/rounds/:round', {
        ...{ params: { id: runId, round: String(round) }, signal },
      }),
    enabled: round !== null,
    staleTime: Infinity,
    placeholderData: keepPreviousData,
  })
