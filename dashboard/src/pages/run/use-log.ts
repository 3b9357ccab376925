import { useCallback, useEffect, useRef, useState } from 'react'
import type { FederationError } from '#protocol/errors.js'
import type { RunEvent } from '#protocol/ui-messages.js'
import { problemOf } from '../../server/api.js'
import { api } from '../../server/client.js'
import type { LiveRun } from '../../server/run.js'
import { small } from '../../server/run-news.js'
import { firstWithoutGap, joined } from './events-store.js'

const PAGE = 200
/** What is kept on the page: of a longer log, the latest. */
const MOST_KEPT = 2_000

export interface Log {
  /** Oldest first, without a gap, up to the latest. */
  readonly events: readonly RunEvent[]
  readonly hasEarlier: boolean
  readonly isPending: boolean
  readonly problem: FederationError | null
  readonly loadEarlier: () => void
}

/** The latest events of a run; earlier ones when they are asked for. It goes on as the run does. */
export function useLog({ runId, events: live, lastSeq }: LiveRun): Log {
  const [asked, setAsked] = useState<readonly RunEvent[]>([])
  const [isPending, setIsPending] = useState(false)
  const [problem, setProblem] = useState<FederationError | null>(null)
  const all = joined(asked, live).slice(-MOST_KEPT)
  const first = firstWithoutGap(all)
  const events = first === null ? all : all.filter(({ seq }) => seq >= first)
  /** Up to which event it is not known what happened. */
  const before = first === null ? lastSeq : first - 1

  const load = useCallback(async (): Promise<void> => {
    const after = Math.max(0, before - PAGE)
    setIsPending(true)
    try {
      const answer = await api.call('GET /api/runs/:id/events', {
        ...{ params: { id: runId }, query: { after, limit: before - after } },
      })
      const got = answer.events.map(small)
      setAsked((now) => {
        const from = got.at(-1)?.seq ?? 0
        return [...got, ...joined(now, live).filter(({ seq }) => seq > from)]
      })
      setProblem(null)
    } catch (error) {
      setProblem(problemOf(error))
    } finally {
      setIsPending(false)
    }
  }, [runId, before, live])
  const isBegun = useRef(false)
  useEffect(() => {
    if (isBegun.current || before === 0) return
    isBegun.current = true
    void load()
  }, [before, load])
  return {
    ...{ events, isPending, problem, loadEarlier: () => void load() },
    hasEarlier: before > 0 && events.length < MOST_KEPT,
  }
}
