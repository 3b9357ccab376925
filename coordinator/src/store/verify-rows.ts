import type { z } from 'zod'
import { asFederationError } from '#protocol/errors.js'
import type { AcceptedUpdate } from '#protocol/record.js'
import { RAW_KINDS, type RawRecords, type RawRow } from './raw-rows.js'
import type { RunRoots } from './reachable.js'
import { ROW_SCHEMAS } from './row-schemas.js'
import type { Head, RunRow } from './store.js'
import type { Damage } from './verify.js'

type Parsed<Kind extends keyof typeof ROW_SCHEMAS> = z.output<(typeof ROW_SCHEMAS)[Kind]>

export interface ReadRows {
  readonly count: number
  /** Those whose rows can be read, with the accepted updates of their open round. */
  readonly runs: readonly RunRoots[]
  readonly damages: readonly Damage[]
}

/** Every row, against what a row of its kind must be, and against its neighbours. */
export async function readRows(raw: RawRecords): Promise<ReadRows> {
  const reader = new RowReader()
  // A damaged page: the rows behind it cannot be reached, those of other kinds can.
  const note = (where: string, cause: unknown): void => {
    reader.damages.push({ where, what: asFederationError(cause).message })
  }
  try {
    for (const what of raw.faults()) reader.damages.push({ where: 'tributary.db', what })
  } catch (cause) {
    note('tributary.db', cause)
  }
  for (const kind of RAW_KINDS) {
    try {
      for await (const row of raw.rows(kind)) reader.take(row)
    } catch (cause) {
      note(`rows: ${kind}`, cause)
    }
  }
  return reader.end()
}

class RowReader {
  readonly damages: Damage[] = []
  #count = 0
  readonly #runs = new Map<string, RunRow>()
  readonly #heads = new Map<string, Head>()
  readonly #accepted = new Map<string, AcceptedUpdate[]>()
  /** Numbers that must be without gaps: slots from 0, events from 1. */
  readonly #slots = new Map<string, number[]>()
  readonly #events = new Map<string, number[]>()

  take({ kind, where, text }: RawRow): void {
    this.#count += 1
    let value: unknown
    try {
      value = JSON.parse(text)
    } catch {
      this.damages.push({ where, what: 'cannot be read: it is no JSON' })
      return
    }
    const parsed = ROW_SCHEMAS[kind].safeParse(value)
    if (!parsed.success) {
      const [issue] = parsed.error.issues
      const at = issue?.path.join('.') ?? ''
      this.damages.push({ where, what: `is not as it was written: ${at}: ${issue?.message ?? ''}` })
      return
    }
    const contradiction = this.#keep(kind, value)
    if (contradiction !== null) this.damages.push({ where, what: contradiction })
  }

  #keep(kind: RawRow['kind'], value: unknown): string | null {
    switch (kind) {
      case 'run':
        this.#runs.set((value as RunRow).runId, value as RunRow)
        return null
      case 'head': {
        const { runId, head } = value as Parsed<'head'>
        this.#heads.set(runId, head)
        return null
      }
      case 'accepted': {
        const { runId, round, attempt, slot, updateId, update } = value as Parsed<'accepted'>
        if (update.slot !== slot || update.updateId !== updateId)
          return 'says something else than its key'
        listIn(this.#accepted, placeOf(runId, { round, attempt })).push(update)
        return null
      }
      case 'member': {
        const { runId, slot, member } = value as Parsed<'member'>
        listIn(this.#slots, runId).push(slot)
        return member.slot === slot ? null : 'says something else than its key'
      }
      case 'event': {
        const { runId, seq } = value as Parsed<'event'>
        listIn(this.#events, runId).push(seq)
        return null
      }
      case 'node':
      case 'user':
      case 'code':
        return null
    }
  }

  end(): ReadRows {
    const lacking = [
      ...gapsIn(this.#slots, 0).map(([run, what]) => [run, `member ${what}`] as const),
      ...gapsIn(this.#events, 1).map(([run, what]) => [run, `event ${what}`] as const),
    ]
    for (const [run, what] of lacking)
      this.damages.push({ where: `run ${run}`, what: `${what} is missing` })
    const runs: RunRoots[] = []
    for (const [runId, run] of this.#runs) {
      const head = this.#heads.get(runId)
      if (head === undefined) continue
      runs.push({ run, head, accepted: this.#accepted.get(placeOf(runId, head)) ?? [] })
    }
    return { count: this.#count, runs, damages: this.damages }
  }
}

const placeOf = (runId: string, { round, attempt }: Pick<Head, 'round' | 'attempt'>): string =>
  `${runId}|${round}|${attempt}`

function listIn<T>(lists: Map<string, T[]>, key: string): T[] {
  const list = lists.get(key) ?? []
  lists.set(key, list)
  return list
}

/** The first number that lacks, of each list. */
const gapsIn = (
  lists: ReadonlyMap<string, readonly number[]>,
  first: number,
): readonly (readonly [string, number])[] =>
  [...lists].flatMap(([key, numbers]) => {
    const sorted = [...numbers].sort((a, b) => a - b)
    const at = sorted.findIndex((number, i) => number !== first + i)
    return at === -1 ? [] : [[key, first + at] as const]
  })
