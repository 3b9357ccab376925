import type { HttpAnswer } from '#protocol/http-api.js'
import type { RoundRecord, RunRecord } from '#protocol/record.js'
import { calibrationSummary, lastCalibration } from '#simulations/report/calibration.js'
import { clientSummary } from '#simulations/report/clients.js'
import type { Api } from './api.js'
import { calibrationLine } from './calibration-text.js'
import { clientLines } from './clients-text.js'
import { eventLines } from './event-text.js'
import { FederationError } from '#protocol/errors.js'
import type { Session } from './command.js'
import { roundProgress, type RunEvent } from './progress.js'
import { liveRow, ROUND_HEAD, roundRow } from './summary.js'

type WireEvent = HttpAnswer<'GET /api/runs/:id/events'>['events'][number]
const ENDINGS = new Set(['run:finished', 'run:failed', 'run:stopped'])
const UNDER_WAY = new Set<RunRecord['state']>(['waiting', 'running'])
const RETRY_MS = 500
const GIVE_UP_MS = 120_000

/** Prints the live table header; rows come with `printRound`. */
export function printRoundHead(session: Session): void {
  session.out.say(liveRow(ROUND_HEAD))
}
export function printRound(session: Session, round: RoundRecord): void {
  session.out.say(liveRow(roundRow(round)))
}

/**
 * Follows a run from event `after` until it ends or the person interrupts; shows each closed round. Survives restarts of
 * the coordinator: it asks again from the last event it has seen. Returns the run's record as it is then.
 */
export async function watchRun(session: Session, api: Api, runId: string): Promise<RunRecord> {
  let after = 0
  const known = await api.call('GET /api/runs/:id', { id: runId })
  session.out.say(`${known.name} (${runId}): ${known.state}`)
  printRoundHead(session)
  const progress = roundProgress(session.out)
  while (!session.signal.aborted) {
    const events = await patiently(session, () => nextEvents(session, api, { runId, after }))
    for (const event of events) {
      progress.show(event)
      show(session, event)
    }
    after = events.at(-1)?.seq ?? after
    if (!events.some((event) => ENDINGS.has(event.type))) continue
    // The events are the run's whole history: one that was stopped may have been resumed since.
    const record = await patiently(session, () => api.call('GET /api/runs/:id', { id: runId }))
    if (!UNDER_WAY.has(record.state)) {
      progress.clear()
      sayOutcome(session, record)
      return record
    }
  }
  progress.clear()
  return api.call('GET /api/runs/:id', { id: runId })
}

/** Asks until a coordinator that is away has answered again, or has been away for too long. */
async function patiently<T>({ signal }: Session, ask: () => Promise<T>): Promise<T> {
  const began = performance.now()
  for (;;) {
    try {
      return await ask()
    } catch (error) {
      const isAway = error instanceof FederationError && error.retryable
      if (!isAway || signal.aborted || performance.now() - began > GIVE_UP_MS) throw error
    }
    await new Promise((resolve) => setTimeout(resolve, RETRY_MS))
  }
}

/** What a run came to: before and after a calibration in one line, and how its clients are served. */
export function sayOutcome({ out }: Session, record: RunRecord): void {
  const calibrated = lastCalibration(record)
  if (calibrated !== null) out.say(calibrationLine(calibrationSummary(calibrated)))
  for (const line of clientLines(clientSummary(record))) out.say(line)
}

async function nextEvents(
  session: Session,
  api: Api,
  from: { readonly runId: string; readonly after: number },
): Promise<readonly WireEvent[]> {
  try {
    const { events } = await api.call('GET /api/runs/:id/events', {
      id: from.runId,
      query: { after: from.after, wait: 20 },
      signal: session.signal,
    })
    return events
  } catch (error) {
    if (session.signal.aborted) return []
    throw error
  }
}

function show(session: Session, event: WireEvent): void {
  session.out.event(event.type, { seq: event.seq, at: event.at, ...event.data })
  sayEvent(session, event)
}

/** The lines that people see of a run's events. */
export function sayEvent(session: Session, event: RunEvent): void {
  if (event.type === 'round:closed') printRound(session, event.data['record'] as RoundRecord)
  for (const line of eventLines(event)) session.out.say(line)
  if (ENDINGS.has(event.type)) {
    const reason = event.data['reason']
    session.out.say(
      `${event.type.replace('run:', 'run ')}${typeof reason === 'string' ? `: ${reason}` : ''}`,
    )
  }
}
