import { FederationError } from '#protocol/errors.js'
import { faultPoint } from '#protocol/fault-points.js'
import type { RunId, Slot } from '#protocol/ids.js'
import { canonicalJson } from '#protocol/json.js'
import type { AcceptedUpdate } from '#protocol/record.js'
import { isOpen, unknownRun } from '#coordinator/store/memory-store.js'
import type { AcceptOutcome, Head, RunRow, Store } from '#coordinator/store/store.js'
import { isDuplicate } from './connection.js'
import { newMark, type MongoContext } from './context.js'
import { numbered } from './members.js'
import {
  parse,
  roundKey,
  updateKey,
  type RoundDocument,
  type RunDocument,
  type UpdateDocument,
} from './documents.js'

type At = Pick<Head, 'epoch' | 'round' | 'attempt'>

/** A swap that somebody else's changes defeat this often is given up: nobody else writes while the lease is held. */
const MOST_LOOKS = 8

const collections = (context: MongoContext) => ({
  runs: context.collection<RunDocument>('runs'),
  rounds: context.collection<RoundDocument>('rounds'),
  updates: context.collection<UpdateDocument>('updates'),
})
const openOf = ({ epoch, round, attempt, state }: Head): RunDocument['open'] => ({
  ...{ epoch, round, attempt, state },
})

/** Runs and their heads. */
export function runsIn(
  context: MongoContext,
): Pick<Store, 'createRun' | 'run' | 'runs' | 'head' | 'advance'> {
  const { runs } = collections(context)
  return {
    createRun: async (row, head) => {
      const mark = newMark()
      const document = { _id: row.runId, body: canonicalJson(row), mark }
      const start = { head: canonicalJson(head), open: openOf(head), slots: {}, accepted: 0 }
      const insert = async (position: number): Promise<true | null> => {
        const known = await runs.findOne({ _id: row.runId })
        if (known?.mark === mark) return true
        if (known !== null)
          throw new FederationError('internal/bug', `The run ${row.runId} exists already`)
        try {
          await runs.insertOne({ ...document, position, ...start })
          return true
        } catch (error) {
          if (isDuplicate(error)) return null
          throw error
        }
      }
      await context.inTurn('runs', () => numbered(() => runs.countDocuments({}), insert))
    },
    run: async (runId) => {
      const run = await context.read(() => runs.findOne({ _id: runId }))
      return run === null ? null : parse<RunRow>(run.body)
    },
    runs: async () => {
      const found = await context.read(() => runs.find().sort({ position: 1 }).toArray())
      return found.map(({ body }) => parse<RunRow>(body))
    },
    head: async (runId) => {
      const run = await context.read(() => runs.findOne({ _id: runId }))
      return run === null ? null : parse<Head>(run.head)
    },
    advance: (runId, from, to) => {
      const mark = newMark()
      return context.inTurn(runId, () => advance(context, runId, { from, to, mark }))
    },
  }
}

/**
 * One swap of one document. A head that leaves its round or attempt takes the accepted slots off the document; they are kept
 * under the round first, by an addition that is right whenever it comes, since a slot once given stays given.
 */
async function advance(
  context: MongoContext,
  runId: RunId,
  { from, to, mark }: { readonly from: Head; readonly to: Head; readonly mark: string },
): Promise<boolean> {
  const { runs, rounds } = collections(context)
  const leaves = from.round !== to.round || from.attempt !== to.attempt
  const next = { head: canonicalJson(to), open: openOf(to), mark }
  for (let look = 1; look <= MOST_LOOKS; look += 1) {
    const now = await runs.findOne({ _id: runId })
    if (now?.mark === mark) return true
    if (now === null || now.head !== canonicalJson(from)) return false
    if (leaves && now.accepted > 0) {
      const kept = Object.entries(now.slots).map(([slot, id]) => [`slots.${slot}`, id])
      const $set = Object.fromEntries(kept) as Readonly<Record<string, string>>
      await rounds.updateOne({ _id: roundKey(runId, from) }, { $set }, { upsert: true })
    }
    const swapped = await runs.updateOne(
      { _id: runId, head: now.head, ...(leaves ? { accepted: now.accepted } : {}) },
      { $set: leaves ? { ...next, slots: {}, accepted: 0 } : next },
    )
    if (swapped.matchedCount === 1) return true
  }
  throw tooBusy(runId)
}

const tooBusy = (runId: RunId): FederationError =>
  new FederationError('store/io', `The head of ${runId} changes faster than it can be swapped`)

/** Accepted updates. */
export function acceptedIn(context: MongoContext): Pick<Store, 'accept' | 'accepted'> {
  const { runs, updates } = collections(context)
  return {
    accept: async (runId, at, update) => {
      const outcome = await context.inTurn(runId, () => accept(context, runId, { at, update }))
      if (outcome.status === 'accepted') faultPoint('accept.committed_before_ack')
      return outcome
    },
    accepted: (runId, round, attempt) =>
      context.read(async () => {
        const run = await runs.findOne({ _id: runId })
        if (run === null) return []
        const slots = await slotsOf(context, run, { round, attempt })
        const key = roundKey(runId, { round, attempt })
        const keys = Object.entries(slots).map(([slot, id]) => updateKey(key, Number(slot), id))
        const found = await updates.find({ _id: { $in: keys } }).toArray()
        if (found.length !== keys.length)
          throw new FederationError('store/corrupt', `Updates of round ${round} of ${runId} lack`)
        return found.map(({ body }) => parse<AcceptedUpdate>(body)).sort((a, b) => a.slot - b.slot)
      }),
  }
}

/** The body first; it counts from the moment when the run's document names it. */
async function accept(
  context: MongoContext,
  runId: RunId,
  { at, update }: { readonly at: At; readonly update: AcceptedUpdate },
): Promise<AcceptOutcome> {
  const { runs, updates } = collections(context)
  const { slot, updateId } = update
  const _id = updateKey(roundKey(runId, at), slot, updateId)
  const field = `slots.${slot}`
  for (let look = 1; look <= MOST_LOOKS; look += 1) {
    const run = await runs.findOne({ _id: runId })
    if (run === null) throw unknownRun(runId)
    const earlier = (await slotsOf(context, run, at))[slot]
    if (earlier === updateId) return { status: 'accepted' }
    if (look > 1) await updates.deleteOne({ _id })
    if (!isOpen(parse<Head>(run.head), at)) return { status: 'closed' }
    if (earlier !== undefined) return { status: 'conflict' }
    const body = canonicalJson(update)
    await updates.updateOne({ _id }, { $setOnInsert: { body } }, { upsert: true })
    faultPoint('accept.before_commit')
    const { matchedCount } = await runs.updateOne(
      { _id: runId, open: { ...openAs(at) }, [field]: { $exists: false } },
      { $set: { [field]: updateId }, $inc: { accepted: 1 } },
    )
    if (matchedCount === 1) return { status: 'accepted' }
  }
  throw tooBusy(runId)
}

const openAs = ({ epoch, round, attempt }: At): RunDocument['open'] => ({
  ...{ epoch, round, attempt },
  state: 'COLLECTING',
})

/** The accepted slots of a round and attempt: the head's own, or those of one that it has left. */
async function slotsOf(
  context: MongoContext,
  run: RunDocument,
  at: Pick<Head, 'round' | 'attempt'>,
): Promise<Readonly<Record<Slot, string>>> {
  if (run.open.round === at.round && run.open.attempt === at.attempt) return run.slots
  const round = await collections(context).rounds.findOne({ _id: roundKey(run._id, at) })
  return round?.slots ?? {}
}
