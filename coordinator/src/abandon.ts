import type { Opening } from './fleet/fleet.js'
import { fatesWhenAbandoned } from './fates.js'
import { advance, type RunContext } from './run-context.js'
import type { Head } from './store/store.js'

/** Too few reporters: nothing of this attempt counts. The round is tried again, as often as configured; then the run has failed. */
export async function abandon(
  ctx: RunContext,
  head: Head,
  { opening, reporters }: { readonly opening: Opening; readonly reporters: number },
): Promise<void> {
  const { minReporters, attempts } = ctx.config.cohort
  const failures = head.failures + 1
  const counts = `Round ${head.round} got ${reporters} of at least ${minReporters} reporters in attempt ${failures} of ${attempts}`
  const reason = [counts, ...shortened(ctx.fleet.missing(ctx.runId))].join('; ')
  const isLast = failures >= attempts
  const next = isLast
    ? ({ state: 'FAILED', reason, failures } as const)
    : ({ state: 'PLANNED', attempt: head.attempt + 1, failures } as const)
  if (!(await advance(ctx, head, { ...next, openingHash: null }))) return
  await ctx.emit('round:abandoned', { round: head.round, attempt: head.attempt, reason })
  if (isLast) await ctx.emit('run:failed', { reason })
  await ctx.fleet.settle(opening, fatesWhenAbandoned(opening))
}

const MOST_NAMED = 5
const shortened = (clauses: readonly string[]): readonly string[] =>
  clauses.length <= MOST_NAMED
    ? clauses
    : [...clauses.slice(0, MOST_NAMED), `${clauses.length - MOST_NAMED} more`]
