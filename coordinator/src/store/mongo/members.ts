import { FederationError } from '#protocol/errors.js'
import { canonicalJson, type JsonObject } from '#protocol/json.js'
import type { RosterEntry } from '#protocol/record.js'
import { unknownRun } from '#coordinator/store/memory-store.js'
import type { EventRow, Store } from '#coordinator/store/store.js'
import { isDuplicate } from './connection.js'
import { newMark, type MongoContext } from './context.js'
import { parse, type EventDocument, type MemberDocument, type RunDocument } from './documents.js'

/**
 * Numbers things 0, 1, 2 … without gaps: the unique index has the last word if two take the same number. `insert` resolves to
 * null when it was taken.
 */
export async function numbered<T>(
  count: () => Promise<number>,
  insert: (number: number) => Promise<T | null>,
): Promise<T> {
  const MOST_LOOKS = 8
  for (let look = 1; look <= MOST_LOOKS; look += 1) {
    const made = await insert(await count())
    if (made !== null) return made
  }
  throw new FederationError('store/io', 'Somebody else writes into the database of this store')
}

/** The roster of a run. */
export function rosterIn(
  context: MongoContext,
): Pick<Store, 'enlist' | 'updateEngine' | 'roster' | 'memberCount'> {
  const roster = context.collection<MemberDocument>('roster')
  const runs = context.collection<RunDocument>('runs')
  return {
    enlist: (runId, member) => {
      const mark = newMark()
      return context.inTurn(`roster|${runId}`, async () => {
        if ((await runs.countDocuments({ _id: runId })) === 0) throw unknownRun(runId)
        const known = (): Promise<MemberDocument | null> => {
          const { nodeId } = member
          return roster.findOne({ runId, ...(nodeId === null ? { mark } : { nodeId }) })
        }
        const insert = async (slot: number): Promise<RosterEntry | null> => {
          const earlier = await known()
          if (earlier !== null) return parse<RosterEntry>(earlier.body)
          const entry = { ...member, slot }
          const body = canonicalJson(entry)
          const { nodeId } = member
          try {
            await roster.insertOne({ _id: `${runId}|${slot}`, runId, slot, nodeId, body, mark })
            return entry
          } catch (error) {
            if (isDuplicate(error)) return null
            throw error
          }
        }
        return numbered(() => roster.countDocuments({ runId }), insert)
      })
    },
    updateEngine: (runId, slot, engine) =>
      context.inTurn(`roster|${runId}`, async () => {
        const _id = `${runId}|${slot}`
        const member = await roster.findOne({ _id })
        if (member === null) return
        const body = canonicalJson({ ...parse<RosterEntry>(member.body), engine })
        await roster.updateOne({ _id }, { $set: { body } })
      }),
    roster: async (runId) => {
      const members = await context.read(() => roster.find({ runId }).sort({ slot: 1 }).toArray())
      return members.map(({ body }) => parse<RosterEntry>(body))
    },
    memberCount: (runId) => context.read(() => roster.countDocuments({ runId })),
  }
}

/** The events of a run. */
export function eventsIn(
  context: MongoContext,
  timestamp: () => string,
): Pick<Store, 'appendEvent' | 'events' | 'lastSeq'> {
  const events = context.collection<EventDocument>('events')
  const last = async (runId: string): Promise<number> =>
    (await events.find({ runId }).sort({ seq: -1 }).limit(1).toArray())[0]?.seq ?? 0
  return {
    appendEvent: (runId, type, data) => {
      const mark = newMark()
      const at = timestamp()
      return context.inTurn(`events|${runId}`, () =>
        numbered(
          () => last(runId),
          async (before) => {
            const seq = before + 1
            const row = { runId, seq, at, type, data: canonicalJson(data), mark }
            // A try before this one may have been done after all: then it is the last.
            const earlier = await events.findOne({ _id: `${runId}|${before}` })
            if (earlier?.mark === mark) return eventOf(earlier)
            try {
              await events.insertOne({ _id: `${runId}|${seq}`, ...row })
              return { seq, at, type, data }
            } catch (error) {
              if (isDuplicate(error)) return null
              throw error
            }
          },
        ),
      )
    },
    events: async (runId, afterSeq, limit) => {
      if (limit === 0) return []
      const found = await context.read(() =>
        events
          .find({ runId, seq: { $gt: afterSeq } })
          .sort({ seq: 1 })
          .limit(limit)
          .toArray(),
      )
      return found.map(eventOf)
    },
    lastSeq: (runId) => context.read(() => last(runId)),
  }
}

const eventOf = ({ seq, at, type, data }: EventDocument): EventRow => ({
  ...{ seq, at, type },
  data: parse<JsonObject>(data),
})
