/** Events as they travel to a page: no message is so large that a line which is merely slow would be taken for a dead one. */
import { countsOf, type RoundRecord } from '#protocol/record.js'
import type { RunEvent } from '#protocol/ui-messages.js'

/** Of one message, in characters; four fit into what may wait for one connection. */
export const BATCH_SIZE = 262_144

/**
 * The event, without what is about single members where it would be too large for a message: then its record says how many took
 * part, as where privacy settings hide who did, and has no diagnostics.
 */
export function thinned(event: RunEvent): RunEvent {
  if (event.type !== 'round:closed' || sizeOf(event) <= BATCH_SIZE) return event
  const whole = event.data['record'] as unknown as RoundRecord
  const { diagnostics: _, ...record } = whole
  const small = { ...record, cohort: [], accepted: [], counts: countsOf(whole) }
  return { ...event, data: { record: small } }
}

/** In order, each as large as one message may be; an event that is larger by itself is alone. */
export function* inBatches(events: readonly RunEvent[]): Iterable<readonly RunEvent[]> {
  let batch: RunEvent[] = []
  let size = 0
  for (const event of events) {
    const more = sizeOf(event)
    if (batch.length > 0 && size + more > BATCH_SIZE) {
      yield batch
      batch = []
      size = 0
    }
    batch.push(event)
    size += more
  }
  if (batch.length > 0) yield batch
}

const sizeOf = (event: RunEvent): number => JSON.stringify(event).length
