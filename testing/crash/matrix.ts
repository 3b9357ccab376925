/** Every point of the coordinator at its first and second passing, over both stores and both ways to keep updates. */
import { COORDINATOR_FAULT_POINTS, type FaultPoint } from '#protocol/fault-points.js'
import { runCell, type Cell, type CellResult } from './cell.js'
import type { Fingerprint } from './history.js'
import type { Durability } from './prepare.js'

export type StoreKind = 'sqlite' | 'mongodb'
export interface MatrixCell extends Omit<Cell, 'storeUrl'> {
  readonly store: StoreKind
  readonly point: FaultPoint
  readonly nth: number
}

/** Points that only a process passes which finds something that another one left. */
const AFTER: Readonly<Partial<Record<FaultPoint, readonly string[]>>> = {
  // Something has to lie about that nothing refers to.
  'gc.mid': ['commit.before'],
  'recovery.mid': ['freeze.committed'],
}
const NTHS = [1, 2]
export const DURABILITIES: readonly Durability[] = ['durable', 'ephemeral']

function cellOf(
  point: FaultPoint,
  nth: number,
  { store, durability }: { readonly store: StoreKind; readonly durability: Durability },
): MatrixCell {
  // The second time in a recovery comes in a recovery from a death in a recovery.
  const twice = point === 'recovery.mid' && nth === 2 ? [point] : []
  const faults = [...(AFTER[point] ?? []), ...twice, `${point}:${nth}`]
  const name = `${point} ${nth === 1 ? '1st' : '2nd'}, ${store}, ${durability}`
  return { name, faults, durability, store, point, nth }
}

/** All there is for these stores. */
export const everyCell = (stores: readonly StoreKind[]): readonly MatrixCell[] =>
  stores.flatMap((store) =>
    DURABILITIES.flatMap((durability) =>
      NTHS.flatMap((nth) =>
        COORDINATOR_FAULT_POINTS.map((point) => cellOf(point, nth, { store, durability })),
      ),
    ),
  )

/** A spread that finishes in minutes: every point once, and of the rest what differs most between stores and modes. */
export function fewCells(stores: readonly StoreKind[]): readonly MatrixCell[] {
  const few: readonly (readonly [FaultPoint, number, StoreKind, Durability])[] = [
    ['chunk.written', 2, 'sqlite', 'durable'],
    ['accept.committed_before_ack', 2, 'sqlite', 'durable'],
    ['commit.after', 2, 'sqlite', 'durable'],
    ['recovery.mid', 2, 'sqlite', 'durable'],
    ['accept.committed_before_ack', 1, 'sqlite', 'ephemeral'],
    ['freeze.committed', 1, 'sqlite', 'ephemeral'],
    ['commit.before', 2, 'sqlite', 'ephemeral'],
    ['accept.before_commit', 1, 'mongodb', 'durable'],
    ['accept.committed_before_ack', 2, 'mongodb', 'durable'],
    ['freeze.committed', 1, 'mongodb', 'durable'],
    ['commit.before', 1, 'mongodb', 'durable'],
    ['commit.after', 2, 'mongodb', 'durable'],
    ['recovery.mid', 1, 'mongodb', 'durable'],
    ['accept.committed_before_ack', 1, 'mongodb', 'ephemeral'],
  ]
  return [
    ...COORDINATOR_FAULT_POINTS.map((point) =>
      cellOf(point, 1, { store: 'sqlite', durability: 'durable' }),
    ),
    ...few.map(([point, nth, store, durability]) => cellOf(point, nth, { store, durability })),
  ].filter(({ store }) => stores.includes(store))
}

export interface Judged {
  readonly cell: MatrixCell
  /** Null: it could not be run to its end, for the reason in `failure`. */
  readonly result: CellResult | null
  readonly failure: string | null
}
export interface MatrixOptions {
  readonly cells: readonly MatrixCell[]
  /** A database that nobody else uses, for each cell with its records in MongoDB. */
  readonly newDatabase: () => string
  readonly golden: Fingerprint
  readonly parallel: number
  readonly onJudged?: (judged: Judged, done: number) => void
}

/** What nothing disturbs: the same for both stores and both modes, which the first cell of each shows. */
export async function goldenRun(): Promise<CellResult> {
  return runCell({ name: 'undisturbed', faults: [], durability: 'durable' }, null)
}

/** In the order of the cells. */
export async function runMatrix(options: MatrixOptions): Promise<readonly Judged[]> {
  const { cells, parallel, onJudged } = options
  const judged: Judged[] = []
  let next = 0
  let done = 0
  const work = async (): Promise<void> => {
    for (let i = next++; i < cells.length; i = next++) {
      const one = await judgeCell(cells[i]!, options)
      judged[i] = one
      done += 1
      onJudged?.(one, done)
    }
  }
  await Promise.all(Array.from({ length: parallel }, work))
  return judged
}
export async function judgeCell(
  cell: MatrixCell,
  { newDatabase, golden }: Pick<MatrixOptions, 'newDatabase' | 'golden'>,
): Promise<Judged> {
  const storeUrl = cell.store === 'mongodb' ? newDatabase() : undefined
  try {
    return { cell, result: await runCell({ ...cell, storeUrl }, golden), failure: null }
  } catch (error) {
    return { cell, result: null, failure: error instanceof Error ? error.message : String(error) }
  }
}

export const isSound = ({ result }: Judged): boolean =>
  result !== null && result.problems.length === 0 && result.missed.length === 0

/** The lines that are to be seen: a point counts as covered when all its cells are sound. */
export function summaryOf(judged: readonly Judged[]): readonly string[] {
  const points = new Set(judged.map(({ cell }) => cell.point))
  const covered = [...points].filter((point) =>
    judged.filter(({ cell }) => cell.point === point).every(isSound),
  )
  const results = judged.flatMap(({ result }) => result ?? [])
  const sum = (of: (result: CellResult) => number): number =>
    results.reduce((total, result) => total + of(result), 0)
  const same = results.filter(({ sameResult }) => sameResult === true).length
  return [
    `points covered ${covered.length} / ${COORDINATOR_FAULT_POINTS.length}, in ${judged.length} cells`,
    `acknowledged updates ${sum(({ acked }) => acked)}, lost ${sum(({ lost }) => lost)}, double counted ${sum(({ doubled }) => doubled)}`,
    `resumed hash equal ${same} / ${judged.length}`,
  ]
}
