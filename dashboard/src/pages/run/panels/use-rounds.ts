import { useQueries } from '@tanstack/react-query'
import type { RunId } from '#protocol/ids.js'
import type { RoundRecord } from '#protocol/record.js'
import { api } from '../../../server/client.js'

/** Entries of closed rounds, which never change: those that are there already, in the order of the rounds. */
export const useRounds = (
  runId: RunId,
  rounds: readonly number[],
): { readonly records: readonly RoundRecord[]; readonly isPending: boolean } =>
  useQueries({
    queries: rounds.map((round) => ({
      queryKey: ['run', runId, 'round', round],
      queryFn: ({ signal }: { readonly signal: AbortSignal }) =>
        api.call('GET /api/runs/:id/rounds/:round', {
          ...{ params: { id: runId, round: String(round) }, signal },
        }),
      staleTime: Infinity,
    })),
    combine: settled,
  })

const settled = (
  results: readonly { readonly data: RoundRecord | undefined; readonly isPending: boolean }[],
) => ({
  records: results.flatMap(({ data }) => data ?? []),
  isPending: results.some(({ isPending }) => isPending),
})
