/** The page of what the matrix has shown. */
import { COORDINATOR_FAULT_POINTS, type FaultPoint } from '#protocol/fault-points.js'
import { DURABILITIES, isSound, type Judged, type StoreKind } from './matrix.js'

export interface PageParts {
  readonly judged: readonly Judged[]
  readonly summary: readonly string[]
  readonly stores: readonly StoreKind[]
  readonly seconds: number
  /** With what it was made: commit, versions, machine, seed. */
  readonly made: readonly string[]
}

export function crashPage({ judged, summary, stores, seconds, made }: PageParts): string {
  const columns = stores.flatMap((store) =>
    DURABILITIES.map((durability) => ({ store, durability })),
  )
  const markOf = (point: FaultPoint, column: (typeof columns)[number]): string => {
    const own = judged.filter(
      ({ cell }) =>
        cell.point === point &&
        cell.store === column.store &&
        cell.durability === column.durability,
    )
    return own.length === 0 ? '–' : `${own.filter(isSound).length} of ${own.length}`
  }
  const row = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`
  const failures = judged.filter((one) => !isSound(one)).map(({ cell }) => `- ${cell.name}`)
  return [
    '# Coordinators that are killed: what was shown',
    '',
    'Written by `npm run test:crash -- --write`. What each point is, what must hold after a death at it, and what the checks',
    'J1–J9 are: [reliability](../reliability.md).',
    '',
    ...summary.map((line) => `- ${line}`),
    '',
    `Made in ${Math.round(seconds)} s: ${made.join('; ')}.`,
    '',
    'A cell is a coordinator process with five synthetic nodes and four rounds. It is killed with SIGKILL at the first, or the',
    'second, passing of the point, and started again; everything that the nodes saw is checked, and the final model, state and',
    'metrics must equal those of a run that nothing disturbed. Cells that were sound, by point:',
    '',
    row(['point', ...columns.map(({ store, durability }) => `${store}, ${durability}`)]),
    row(['---', ...columns.map(() => '---')]),
    ...COORDINATOR_FAULT_POINTS.map((point) =>
      row([`\`${point}\``, ...columns.map((column) => markOf(point, column))]),
    ),
    '',
    ...(failures.length === 0 ? [] : ['Not sound:', '', ...failures, '']),
    'SIGKILL leaves the page cache of the operating system as it is: what a power cut would lose is not tested, but left to the',
    'order of writes and fsyncs.',
    '',
  ].join('\n')
}
