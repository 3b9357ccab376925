/** How a run serves its clients one by one: in records of any age, over them all, and against training that is only local. */
import { canonicalJson } from '#protocol/json.js'
import type { RosterEntry, RunRecord } from '#protocol/record.js'
import { overClients, type OverClients } from '#algorithms/evaluation/over-clients.js'
import { meanAndSpread } from './numbers.js'

/** The method whose clients train alone: what a federation must be better than. */
export const LOCAL_ONLY = 'local-only'

/** What a client scored at the end on its own held-out examples, with what it predicts with. */
export interface FinalClient {
  readonly slot: number
  readonly accuracy: number
  readonly examples: number
}

/** In slot order; empty where clients did not score the final model, or have nothing to score it on. */
export function finalClients({ rounds }: Pick<RunRecord, 'rounds'>): readonly FinalClient[] {
  const final = rounds.findLast(({ part }) => part === 'evaluation')
  return (final?.accepted ?? []).flatMap(({ slot, metrics: { accuracy, examples = 0 } }) =>
    accuracy === undefined ? [] : [{ slot, accuracy, examples }],
  )
}

export interface ClientSummary extends OverClients {
  /** The clients of a training round told it, not all of them at the end. */
  readonly isUnderWay: boolean
  /** How many train on one class; null where nobody asked. */
  readonly singleClass: number | null
  /** Mean accuracy without those; null where none is left. */
  readonly severalClasses: number | null
  /** Of personal methods: how many have a model of their own, and the mean over them. */
  readonly own: { readonly trained: number; readonly accuracy: number | null } | null
}

/** As last told; null where clients scored nothing, and where privacy settings hide how far they lie apart. */
export function clientSummary(record: Pick<RunRecord, 'rounds'>): ClientSummary | null {
  const told = record.rounds.findLast(({ metrics }) => metrics['clients/count'] !== undefined)
  if (told === undefined) return olderSummary(record)
  if (told.counts !== undefined) return null
  const metric = (name: string): number => told.metrics[`clients/${name}`] ?? 0
  const metricOrNull = (name: string): number | null => told.metrics[`clients/${name}`] ?? null
  const trained = metricOrNull('trained')
  return {
    ...{ count: metric('count'), accuracy: metric('accuracy'), variance: metric('variance') },
    ...{ deviation: metric('deviation'), worst: metric('worst'), worst10: metric('worst10') },
    ...{ jain: metric('jain'), isUnderWay: told.part !== 'evaluation' },
    singleClass: metricOrNull('singleClass'),
    severalClasses: metricOrNull('severalClasses/accuracy'),
    own: trained === null ? null : { trained, accuracy: metricOrNull('trained/accuracy') },
  }
}

/** Of records from before the coordinator told it: what every client told of itself is in them. */
function olderSummary(record: Pick<RunRecord, 'rounds'>): ClientSummary | null {
  const all = overClients(finalClients(record).map(({ accuracy }) => accuracy))
  if (all === null) return null
  return { ...all, isUnderWay: false, singleClass: null, severalClasses: null, own: null }
}

/** What the summaries of several runs come to. */
export interface ClientMeans {
  readonly runs: number
  readonly accuracy: number
  /** Sample standard deviation of it over the runs; null for one. */
  readonly spread: number | null
  /** Between the clients of a run. */
  readonly deviation: number
  readonly worst: number
  /** In one of the runs clients predict with models of their own. */
  readonly isOwn: boolean
}
/** Over the runs whose clients scored something; null if none is. */
export function clientMeans(summaries: readonly (ClientSummary | null)[]): ClientMeans | null {
  const known = summaries.filter((one) => one !== null)
  if (known.length === 0) return null
  const over = (of: (one: ClientSummary) => number) => meanAndSpread(known.map(of))
  const { mean, spread } = over(({ accuracy }) => accuracy)
  return {
    runs: known.length,
    ...{ accuracy: mean, spread: known.length === 1 ? null : spread },
    deviation: over(({ deviation }) => deviation).mean,
    worst: over(({ worst }) => worst).mean,
    isOwn: known.some(({ own }) => own !== null),
  }
}

/** Of so many clients that have both, so many score higher than where they train alone. The same is no win. */
export interface Beaten {
  readonly wins: number
  readonly of: number
}
/** By slot, or whatever tells clients apart in both. */
export function beaten<Key>(
  own: ReadonlyMap<Key, number>,
  local: ReadonlyMap<Key, number>,
): Beaten {
  const pairs = [...own].flatMap(([key, accuracy]) => {
    const alone = local.get(key)
    return alone === undefined ? [] : [accuracy > alone]
  })
  return { wins: pairs.filter(Boolean).length, of: pairs.length }
}

/** The share, and how many of how many. */
export const beatenText = ({ wins, of }: Beaten): string =>
  `${Math.round((100 * wins) / of)} % (${wins} of ${of})`

export const accuracyBySlot = (clients: readonly FinalClient[] = []): ReadonlyMap<number, number> =>
  new Map(clients.map(({ slot, accuracy }) => [slot, accuracy]))

/** Among `others` the run of local training that has the same clients with the same data: of the same seed if there is one. */
function localRunFor(run: RunRecord, others: readonly RunRecord[]): RunRecord | null {
  const alike = others.filter(
    (other) => other.config.method.name === LOCAL_ONLY && isSameRoster(run, other),
  )
  return alike.find(({ config }) => config.seed === run.config.seed) ?? alike[0] ?? null
}

/** A node may have another slot in another run; simulated clients are their slots. */
const memberKey = ({ nodeId, slot }: RosterEntry): string => nodeId ?? `slot ${slot}`
const rosterText = ({ roster }: RunRecord): string =>
  roster
    .map((member) => `${memberKey(member)} ${canonicalJson(member.card)}`)
    .sort()
    .join('\n')
/** Equal counts alone can be of other examples: where the configuration deals them, it must deal the same. */
const isSameRoster = (a: RunRecord, b: RunRecord): boolean =>
  a.roster.length > 0 &&
  rosterText(a) === rosterText(b) &&
  canonicalJson(a.config.data ?? null) === canonicalJson(b.config.data ?? null)

/** Against the local training of the same clients among `others`; null for that itself, and where there is none. */
export function finalBeaten(run: RunRecord, others: readonly RunRecord[]): Beaten | null {
  if (run.config.method.name === LOCAL_ONLY) return null
  const local = localRunFor(run, others)
  if (local === null) return null
  const result = beaten(accuracyByMember(run), accuracyByMember(local))
  return result.of === 0 ? null : result
}

/** Final accuracies by what tells members apart from run to run. */
function accuracyByMember(run: RunRecord): ReadonlyMap<string, number> {
  const keys = new Map(run.roster.map((member) => [member.slot, memberKey(member)]))
  return new Map(
    finalClients(run).map(({ slot, accuracy }) => [keys.get(slot) ?? `slot ${slot}`, accuracy]),
  )
}
