import { makeBundle, type Bundle } from '#protocol/bundle.js'
import type { Slot } from '#protocol/ids.js'
import type { Metrics } from '#protocol/record.js'
import type { UplinkGroup } from '#protocol/uplink.js'
import { firstAssets } from '#algorithms/methods/first-params.js'
import type { CloseResult, Folded, RoundPlan, ServerHalf } from '#algorithms/methods/method.js'
import { gatheredGroup } from '#algorithms/methods/update.js'
import {
  architecturesOf,
  groupsOf,
  type Architecture,
  type FedD2SSetup,
  type HeadGroup,
} from './architectures.js'
import { trainHead, type TrainedHead } from './distill.js'
import { inspectRows } from './inspect.js'
import { headOf, headsIn, headsState, initialHeads, nextHeads, type Heads } from './heads.js'
import { poolsOf, type Pool } from './pool.js'
import { scheduleOf, type CutSchedule } from './schedule.js'
import { taskAt } from './task.js'
import {
  headsBundle,
  SAMPLES,
  samplesGroup,
  softLabelsBundle,
  taskJson,
  taskOf,
  type FedD2STask,
} from './wire.js'

/** What the server's parts share: fixed for the whole run. */
interface Federation {
  readonly setup: FedD2SSetup
  readonly architectures: readonly Architecture[]
  readonly groups: readonly HeadGroup[]
  readonly schedule: CutSchedule
}

function federationOf(setup: FedD2SSetup): Federation {
  const architectures = architecturesOf(setup)
  const groups = groupsOf(architectures)
  return { setup, architectures, groups, schedule: scheduleOf(setup, architectures) }
}

/** Gathers activations at the round's cut, trains each group's head on them, and answers every client with its soft labels. */
export function featuresServer(setup: FedD2SSetup): ServerHalf {
  const federation = federationOf(setup)
  const { groups, architectures } = federation
  return {
    init: (startFrom) => headsState(setup, groups, initialHeads(setup, groups, startFrom)),
    next: (state) => nextPlan(federation, headsIn(setup, groups, state)),
    close: (state, plan, folded) =>
      closeRound(federation, headsIn(setup, groups, state), { task: taskOf(plan.task), folded }),
    inspect: (arrived) => inspectRows(setup, architectures, arrived),
    released: (state) => ({ bundle: state, assets: firstAssets(setup), predicts: false }),
  }
}

/** The groups of an update at every cut, in the order of the dropping set. */
export function featuresUplinks(setup: FedD2SSetup): readonly (readonly UplinkGroup[])[] {
  const architectures = architecturesOf(setup)
  return architectures[0]!.cuts.map(({ name }) => [samplesGroup(setup, name, architectures)])
}

function nextPlan(federation: Federation, { round, stacks }: Heads): RoundPlan {
  const { setup, architectures, groups, schedule } = federation
  const task = taskAt(setup, federation, round)
  const place = schedule.place(round)
  const heads = groups.map((group, i) => ({
    layout: headOf(group, place).layout,
    params: stacks[i]![place]!,
  }))
  const isSent = task.cut !== null && setup.hyper.transfer === 'headDownload'
  return {
    purpose: 'train',
    task: taskJson(task),
    shared: isSent ? headsBundle(heads) : makeBundle([]),
    assets: firstAssets(setup),
    uplink: task.cut === null ? [] : [samplesGroup(setup, task.cut, architectures)],
    audience: 'cohort',
  }
}

interface Closing {
  readonly task: FedD2STask
  readonly folded: Folded
}
/** What a group sent in a round, and the head that was trained on it; null: nobody of the group sent anything. */
type GroupRound = { readonly pool: Pool; readonly trained: TrainedHead } | null

/** Rows live until it returns: nothing of a round is kept but the heads (§7, step 8). */
async function closeRound(
  federation: Federation,
  heads: Heads,
  { task, folded }: Closing,
): Promise<CloseResult> {
  const { setup, groups, schedule } = federation
  const { cut } = task
  const place = schedule.place(task.round)
  const isEmpty = cut === null || folded.reporters.length === 0
  const results = isEmpty ? [] : await trainHeads(federation, heads, { task, cut, folded })
  const after = nextHeads(setup, heads, {
    place,
    heads: results.map((result) => result?.trained.params ?? null),
  })
  return {
    state: headsState(setup, groups, after),
    metrics: {
      ...(cut === null
        ? {}
        : { cut: schedule.depth(task.round), stage: schedule.stage(task.round) }),
      ...(isEmpty ? {} : headMetrics(results)),
    },
    personal: personalOf(setup, task.round, results),
  }
}

async function trainHeads(
  { setup, architectures, groups, schedule }: Federation,
  { stacks }: Heads,
  { task, cut, folded }: Closing & { readonly cut: string },
): Promise<readonly GroupRound[]> {
  const { round, isStageStart } = task
  const place = schedule.place(round)
  const pools = await poolsOf(setup, { architectures, groups, cut }, () =>
    gatheredGroup(folded, SAMPLES).payloads(),
  )
  const results: GroupRound[] = []
  // One after another: a head's tensors are on the device only while it is trained.
  for (const [group, pool] of pools.entries()) {
    const head = headOf(groups[group]!, place)
    const params = stacks[group]![place]!
    const given = { head, params, round, isStageStart, group }
    results.push(pool && { pool, trained: await trainHead(setup, { ...given, pool }) })
  }
  return results
}

/**
 * Means over all rows of the round. `group/<i>/clients` is how many clients' rows a group's head was trained on: with one, the
 * head distils from and to that client alone (§3.3).
 */
function headMetrics(results: readonly GroupRound[]): Metrics {
  const rowsOf = (result: GroupRound): number => result?.pool.examples.source.count ?? 0
  const samples = results.reduce((sum, result) => sum + rowsOf(result), 0)
  const mean = (of: (head: TrainedHead) => number): number =>
    results.reduce(
      (sum, result) => sum + (result === null ? 0 : rowsOf(result) * of(result.trained)),
      0,
    ) / samples
  const clients = results.map((result, i): [string, number] => [
    `group/${i}/clients`,
    result?.pool.members.length ?? 0,
  ])
  return {
    'head/loss': mean(({ loss }) => loss),
    'head/crossEntropy': mean(({ crossEntropy }) => crossEntropy),
    'head/divergence': mean(({ divergence }) => divergence),
    samples,
    groups: results.filter((result) => result !== null).length,
    ...Object.fromEntries(clients),
  }
}

/** Every client gets what the trained head says of its own rows, and of no one else's. */
function personalOf(
  { hyper, model: { classes } }: FedD2SSetup,
  round: number,
  results: readonly GroupRound[],
): ReadonlyMap<Slot, Bundle> {
  if (hyper.transfer === 'headDownload') return new Map()
  return new Map(
    results.flatMap((result) =>
      (result?.pool.members ?? []).map(({ slot, first, rows }): [Slot, Bundle] => {
        const values = result!.trained.softLabels.slice(first * classes, (first + rows) * classes)
        return [slot, softLabelsBundle({ round, values }, classes)]
      }),
    ),
  )
}
