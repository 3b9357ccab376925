import { FederationError, type Problem } from '#protocol/errors.js'
import { faultPoint } from '#protocol/fault-points.js'
import type { Slot } from '#protocol/ids.js'
import type { Contribution, Opening } from './fleet/fleet.js'
import type { AcceptOutcome, Head } from './store/store.js'
import { abandon } from './abandon.js'
import { deadlineSecondsOf } from './deadline.js'
import { fatesWhenClosed } from './fates.js'
import { personalAfter } from './personal.js'
import { RoundClock } from './round-clock.js'
import { acceptedIn, advance, beginTally, putJson, type RunContext } from './run-context.js'
import { closedEvent, openedEvent, openingOf, recordOf } from './run-record.js'
import { hasBegunAnew, personalCompartment, sealRound, updatesOf } from './vault/sealed-rounds.js'

/** Runs rounds until the run is over or the signal aborts. Each step begins from the stored head, so it can begin anywhere. */
export async function runRounds(ctx: RunContext): Promise<Head> {
  for (;;) {
    const head = await ctx.store.head(ctx.runId)
    if (head === null) throw new FederationError('run/not-found', `There is no run ${ctx.runId}`)
    if (head.epoch !== ctx.epoch || ctx.signal.aborted) return head
    if (head.state === 'PLANNED') await open(ctx, head)
    else if (await hasBegunAnew(ctx, head)) continue
    else if (head.state === 'COLLECTING') await collect(ctx, head)
    else if (head.state === 'FROZEN') await close(ctx, head)
    else return head
  }
}

/** PLANNED → COLLECTING, or DONE when the program has no further round. */
async function open(ctx: RunContext, head: Head): Promise<void> {
  const plan = await ctx.compute.next(ctx.config, head.stateHash)
  if (plan === 'done') {
    // No task comes any more with which a personal bundle could be delivered: it must not lie about.
    if (await advance(ctx, head, { state: 'DONE', personalHash: null }))
      await ctx.emit('run:finished', {})
    return
  }
  const gathered = await ctx.gather(ctx, head, plan)
  if (gathered === null) return
  // Members may have come after hours, and what nothing refers to yet is collected meanwhile.
  if (!(await ctx.store.blobs.touch(plan.shared.hash)))
    await ctx.compute.next(ctx.config, head.stateHash)
  const { round, attempt } = head
  const deadlineSeconds = await deadlineSecondsOf(ctx, head, plan)
  const { graceSeconds } = ctx.config.cohort
  const at = { runId: ctx.runId, round, attempt }
  const opening: Opening = { ...at, plan, ...gathered, deadlineSeconds, graceSeconds }
  const openingHash = await putJson(ctx, { ...opening, ...(await sealRound(ctx, head)) })
  faultPoint('open.before_commit')
  if (!(await advance(ctx, head, { state: 'COLLECTING', openingHash }))) return
  faultPoint('open.committed')
  await ctx.emit('round:opened', openedEvent(opening))
}

/** COLLECTING → FROZEN with enough reporters; another attempt, or FAILED, without. */
async function collect(ctx: RunContext, taken: Head): Promise<void> {
  const opening = await openingOf(ctx.store, taken)
  const done = beginTally(ctx, opening, await acceptedIn(ctx, taken))
  const time = new RoundClock(ctx, taken, opening)
  const { wanted = Infinity } = opening
  let head: Head
  try {
    const options = { done, signal: time.signal }
    const arrivals = done.size < wanted ? ctx.fleet.exchange(opening, ctx.config, options) : []
    for await (const contribution of arrivals) {
      await judge(ctx, opening, contribution)
      if (ctx.tally.arrived.size >= wanted) break
    }
  } finally {
    head = await time.stop()
  }
  if (ctx.signal.aborted) return
  const { length: reporters } = await acceptedIn(ctx, head)
  if (reporters < ctx.config.cohort.minReporters) return abandon(ctx, head, { opening, reporters })
  faultPoint('freeze.before_commit')
  if (await advance(ctx, head, { state: 'FROZEN' })) faultPoint('freeze.committed')
}

/** Checks one contribution, appends what may count to the round, and answers. */
async function judge(ctx: RunContext, opening: Opening, contribution: Contribution): Promise<void> {
  const { round, attempt, plan } = opening
  const outcomes = new Map<Slot, 'accepted' | Problem>()
  for (const { metrics, ...member } of contribution.members) {
    const update = { ...member, metrics, blob: contribution.blob }
    // A partial sum was inspected update by update where it was folded.
    const isPartial = update.sha256 !== update.blob
    const at = { epoch: ctx.epoch, round, attempt }
    const sealed = { ...update, updates: await updatesOf(ctx, opening) }
    const problem = isPartial ? null : await ctx.compute.inspect(ctx.config, plan, sealed)
    const outcome = problem ?? ANSWERS[(await ctx.store.accept(ctx.runId, at, update)).status]
    outcomes.set(member.slot, outcome)
    const event = { round, attempt, slot: member.slot, weight: member.weight }
    if (outcome === 'accepted') {
      if (!ctx.tally.arrived.has(member.slot))
        ctx.tally.arrived.set(member.slot, ctx.clock.now() - ctx.tally.openedAt)
      await ctx.emit('update:accepted', event)
    } else
      await ctx.emit('update:refused', { ...event, code: outcome.code, message: outcome.message })
  }
  ctx.tally.bytesUp += contribution.bytesUp
  ctx.tally.bytesDown += contribution.bytesDown
  await contribution.answer(outcomes)
}
const ANSWERS: Readonly<Record<AcceptOutcome['status'], 'accepted' | Problem>> = {
  accepted: 'accepted',
  conflict: { code: 'update/conflict', message: 'Another update of this member counts already' },
  closed: { code: 'round/closed', message: 'The round closed before this update arrived' },
}

/** FROZEN → PLANNED for the next round. Nothing here depends on when, or in what order, updates arrived. */
async function close(ctx: RunContext, head: Head): Promise<void> {
  const opening = await openingOf(ctx.store, head)
  const accepted = await acceptedIn(ctx, head)
  const [{ round, stateHash }, { plan, population }] = [head, opening]
  const closed = await ctx.compute.close(ctx.config, {
    ...{ round, stateHash, plan, accepted, population },
    updates: await updatesOf(ctx, opening),
    personal: await personalCompartment(ctx, opening),
  })
  const record = recordOf(ctx, head, { opening, closed, accepted })
  const next: Partial<Head> = {
    ...{ state: 'PLANNED', round: round + 1, attempt: 1, failures: 0, openingHash: null },
    ...{ stateHash: closed.stateHash, modelHash: closed.modelHash },
    recordHash: await putJson(ctx, record),
    personalHash: await personalAfter(ctx, head, { opening, accepted, fresh: closed.personal }),
  }
  faultPoint('commit.before')
  if (!(await advance(ctx, head, next))) return
  faultPoint('commit.after')
  await ctx.emit('round:closed', closedEvent(record))
  faultPoint('publish.half')
  await ctx.fleet.settle(opening, fatesWhenClosed(opening, accepted))
}
