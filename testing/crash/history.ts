/**
 * What a run looked like from outside while its processes died, and whether that history is possible for a coordinator that
 * loses nothing and counts nothing twice: checks J1–J9 of reliability specification §3, each a pure function.
 */
import { sha256, type Hash, type Slot } from '#protocol/ids.js'
import { canonicalJson } from '#protocol/json.js'
import type { Fate, RoundRecord } from '#protocol/record.js'

interface At {
  /** Monotonic, in milliseconds. */
  readonly t: number
  /** Who saw it: `node-2`, `coordinator`, `harness`. */
  readonly proc: string
}
interface Member {
  readonly round: number
  readonly attempt: number
  readonly slot: Slot
}
/** An operation that a kill cut off is `info`: it may or may not have happened. */
export type Operation =
  | ({ readonly op: 'submit'; readonly updateId: Hash } & Member)
  /** `result`: accepted, or the code of the refusal. */
  | ({ readonly op: 'ack'; readonly updateId: Hash; readonly result: string } & Member)
  | ({ readonly op: 'info'; readonly updateId: Hash } & Member)
  /** A member has read what a round begins with: `version` is its hash. */
  | ({ readonly op: 'fetch'; readonly version: Hash } & Member)
  | ({ readonly op: 'fate'; readonly fate: Fate } & Member)
  | { readonly op: 'kill'; readonly point: string }
  | { readonly op: 'restart' }
  /** The store while nobody ran: rounds that were committed, and charges of a ledger where there is one. */
  | { readonly op: 'observe'; readonly committed: number; readonly charges?: number }
  /** The witness coordinate of the committed sum of a round: each member that counted added 10^slot. */
  | { readonly op: 'sum'; readonly round: number; readonly value: number }
export type Line = At & Operation
/** A line of one kind. */
export type LineOf<Op extends Line['op']> = Extract<Line, { readonly op: Op }>

/** Collects lines in the order in which they were seen. */
export class History {
  readonly lines: Line[] = []
  readonly #now: () => number

  constructor(now: () => number = () => performance.now()) {
    this.#now = now
  }
  add(proc: string, what: Operation): void {
    this.lines.push({ t: this.#now(), proc, ...what })
  }
}

/** What must come out the same, whatever happened on the way. */
export interface Fingerprint {
  readonly modelHash: Hash
  readonly stateHash: Hash
  readonly rounds: readonly string[]
}
/** What was found at the end. */
export interface Outcome {
  /** Of the closed rounds, first to last; round 0 is the initial evaluation. */
  readonly records: readonly RoundRecord[]
  /** durable: nothing that happened may give an attempt up. */
  readonly durability: 'durable' | 'ephemeral'
  /** Of the run that nothing disturbed; null: there is none to compare with. */
  readonly golden: Fingerprint | null
  /** Files of the data directory after a collection of garbage that nothing explains; null: nobody looked. */
  readonly orphans: readonly string[] | null
  /** What came of a second coordinator on the same store, and of writes with an older epoch; null: nobody tried. */
  readonly exclusion: Exclusion | null
}
export interface Exclusion {
  /** How the second coordinator ended: its exit status and the code of its error. */
  readonly second: { readonly status: number | null; readonly code: string }
  /** Writes of an older epoch that went through. */
  readonly staleWrites: readonly string[]
}

export const CHECKS = ['J1', 'J2', 'J3', 'J4', 'J5', 'J6', 'J7', 'J8', 'J9'] as const
export type Check = (typeof CHECKS)[number]
export interface Verdict {
  readonly acked: number
  readonly lost: number
  readonly doubled: number
  /** Null: there was nothing to compare with. */
  readonly sameResult: boolean | null
  /** What is wrong, as sentences; empty when the history is possible. */
  readonly problems: readonly { readonly check: Check; readonly problem: string }[]
}
type Checker = (lines: readonly Line[], outcome: Outcome) => readonly string[]

/** The differences that matter between two runs: neither times nor attempts nor ids, which differ between any two. */
export function fingerprintOf(records: readonly RoundRecord[]): Fingerprint {
  const last = records.at(-1)
  return {
    modelHash: last?.modelHash ?? ('' as Hash),
    stateHash: last?.stateHash ?? ('' as Hash),
    rounds: records.map(({ round, part, stateHash, modelHash, metrics, accepted }) => {
      const counted = accepted.map((update) => [update.slot, update.sha256, update.weight])
      return canonicalJson({ round, part, stateHash, modelHash, metrics, counted })
    }),
  }
}

export function judge(lines: readonly Line[], outcome: Outcome): Verdict {
  const problems = CHECKS.flatMap((check) =>
    CHECKERS[check](lines, outcome).map((problem) => ({ check, problem })),
  )
  return {
    acked: ackedIn(lines).length,
    lost: lostUpdates(lines, outcome).length,
    doubled: doubleCounts(lines, outcome).length,
    sameResult: outcome.golden === null ? null : J5(lines, outcome).length === 0,
    problems,
  }
}

const of = <Op extends Line['op']>(lines: readonly Line[], op: Op): readonly LineOf<Op>[] =>
  lines.filter((line): line is LineOf<Op> => line.op === op)
const place = ({ round, attempt, slot }: Member): string =>
  `slot ${slot} in round ${round}, attempt ${attempt}`
const recordOf = ({ records }: Outcome, round: number): RoundRecord | undefined =>
  records.find((record) => record.round === round)

/** Acknowledged as accepted, each update once. */
function ackedIn(lines: readonly Line[]): readonly LineOf<'ack'>[] {
  const acks = of(lines, 'ack').filter(({ result }) => result === 'accepted')
  return [...new Map(acks.map((ack) => [ack.updateId, ack])).values()]
}

/** Acknowledged, though neither counted nor of an attempt that was given up. */
function lostUpdates(lines: readonly Line[], outcome: Outcome): readonly LineOf<'ack'>[] {
  return ackedIn(lines).filter(({ round, attempt, updateId }) => {
    const record = recordOf(outcome, round)
    if (record?.attempt === attempt)
      return !record.accepted.some((update) => update.updateId === updateId)
    // Of a round that never closed nothing counts, and of an attempt before the one that did.
    return outcome.durability === 'durable' || (record !== undefined && attempt > record.attempt)
  })
}
const J1: Checker = (lines, outcome) =>
  lostUpdates(lines, outcome).map((ack) => `The acknowledged update of ${place(ack)} is lost`)

/** Members that count more than once in some round. */
function doubleCounts(lines: readonly Line[], { records }: Outcome): readonly string[] {
  const twice: string[] = []
  const rounds = new Map<string, number>()
  for (const { round, accepted } of records) {
    const slots = new Set<Slot>()
    for (const { slot, updateId } of accepted) {
      const earlier = rounds.get(updateId)
      if (earlier !== undefined && earlier !== round)
        twice.push(`The update ${updateId} counts in rounds ${earlier} and ${round}`)
      if (slots.has(slot)) twice.push(`Slot ${slot} is twice in the record of round ${round}`)
      slots.add(slot)
      rounds.set(updateId, round)
    }
  }
  for (const { round, value } of of(lines, 'sum'))
    for (const [slot, digit] of digitsOf(value).entries())
      if (digit > 1) twice.push(`Slot ${slot} is ${digit} times in the sum of round ${round}`)
  return twice
}
const digitsOf = (value: number): readonly number[] =>
  [...String(Math.round(value))].reverse().map(Number)

const J2: Checker = (lines, outcome) => {
  const absent = of(lines, 'sum').flatMap(({ round, value }) => {
    const counted = recordOf(outcome, round)?.accepted.map(({ slot }) => slot) ?? []
    const expected = counted.reduce((sum, slot) => sum + 10 ** slot, 0)
    if (value === expected || digitsOf(value).some((digit) => digit > 1)) return []
    return [`The sum of round ${round} shows ${value}, its record ${expected}`]
  })
  return [...doubleCounts(lines, outcome), ...absent]
}

const J3: Checker = (_lines, { records }) =>
  records.flatMap((record, i) => {
    const before = records[i - 1]
    const problems: string[] = []
    if (record.round !== i) problems.push(`Where round ${i} should be there is ${record.round}`)
    const previous = before === undefined ? null : sha256(canonicalJson(before))
    if (record.previous !== previous)
      problems.push(`Round ${record.round} does not follow from the record before it`)
    return problems
  })

const J4: Checker = (lines) => {
  const problems: string[] = []
  const versions = new Map<number, Hash>()
  const latest = new Map<Slot, Member>()
  for (const fetch of of(lines, 'fetch')) {
    const known = versions.get(fetch.round)
    if (known !== undefined && known !== fetch.version)
      problems.push(`Round ${fetch.round} began with two versions`)
    versions.set(fetch.round, fetch.version)
    const before = latest.get(fetch.slot)
    if (before !== undefined && isBefore(fetch, before))
      problems.push(`After ${place(before)} came ${place(fetch)}`)
    latest.set(fetch.slot, fetch)
  }
  return problems
}
const isBefore = (a: Member, b: Member): boolean =>
  a.round < b.round || (a.round === b.round && a.attempt < b.attempt)

const J5: Checker = (_lines, { records, golden }) => {
  if (golden === null) return []
  const found = fingerprintOf(records)
  const differing = golden.rounds.findIndex((round, i) => round !== found.rounds[i])
  if (differing >= 0 || found.rounds.length !== golden.rounds.length)
    return [`Round ${differing < 0 ? golden.rounds.length : differing} is not as undisturbed`]
  return found.modelHash === golden.modelHash && found.stateHash === golden.stateHash
    ? []
    : ['The final model or state is not as undisturbed']
}

/** A version is released when a member reads the round after it: by then it must be committed, and charged. */
const J6: Checker = (lines) => {
  let released = 0
  return lines.flatMap((line) => {
    if (line.op === 'fetch') released = Math.max(released, line.round - 1)
    if (line.op !== 'observe') return []
    const { committed, charges = committed } = line
    const told = `${released} versions were released`
    if (charges < committed) return [`${committed} rounds were committed and ${charges} charged`]
    return committed < released ? [`${told} and only ${committed} committed`] : []
  })
}

const J7: Checker = (_lines, { orphans }) =>
  (orphans ?? []).map((file) => `Nothing explains the file ${file}`)

const J8: Checker = (_lines, { exclusion }) => {
  if (exclusion === null) return []
  const { second, staleWrites } = exclusion
  const problems = staleWrites.map((write) => `A write of an older epoch went through: ${write}`)
  if (second.status === 0 || second.code !== 'store/locked')
    problems.push(`A second coordinator ended with ${second.status} ${second.code}`)
  return problems
}

/** Codes with which nothing is decided: the node asks again. */
export const UNDECIDED: ReadonlySet<string> = new Set([
  'coordinator/unreachable',
  'upload/out-of-order',
  'update/corrupt',
  'upload/too-slow',
  'store/io',
])
const J9: Checker = (lines, outcome) => {
  const problems: string[] = []
  const submitted = new Set(of(lines, 'submit').map(({ updateId }) => updateId))
  const answers = new Map<Hash, string>()
  for (const ack of of(lines, 'ack')) {
    if (!submitted.has(ack.updateId)) problems.push(`Nobody sent the update of ${place(ack)}`)
    if (UNDECIDED.has(ack.result)) continue
    if (isGivenUp(ack, outcome)) continue
    const known = answers.get(ack.updateId) ?? ack.result
    if (known !== ack.result)
      problems.push(`The update of ${place(ack)} was ${known}, then ${ack.result}`)
    answers.set(ack.updateId, known)
  }
  for (const line of of(lines, 'fate')) {
    const record = recordOf(outcome, line.round)
    const fate = record === undefined ? 'abandoned' : fateIn(record, line)
    if (fate !== line.fate) problems.push(`${place(line)} heard ${line.fate}, but was ${fate}`)
  }
  return problems
}
/** After a death in a run that keeps nothing, an update of the attempt before is late, whatever was said of it then. */
const isGivenUp = ({ result, round, attempt }: LineOf<'ack'>, outcome: Outcome): boolean =>
  result === 'round/closed' &&
  outcome.durability === 'ephemeral' &&
  recordOf(outcome, round)?.attempt !== attempt
function fateIn(record: RoundRecord, { attempt, slot }: Member): Fate {
  if (record.attempt !== attempt) return 'abandoned'
  return record.accepted.some((update) => update.slot === slot) ? 'accepted' : 'refused'
}

const CHECKERS: Readonly<Record<Check, Checker>> = { J1, J2, J3, J4, J5, J6, J7, J8, J9 }
