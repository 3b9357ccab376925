import { markdownTable, type Table } from '#simulations/report/markdown.js'
import {
  isDisturbed,
  MOST_FOREIGN_LOAD,
  MOST_GENERATOR_SHARE,
  type LoadResult,
  type LoadSetting,
  type Measure,
} from './load-result.js'
import { isMet, targetOf } from './targets.js'

const OPTIONS: Readonly<Record<keyof LoadSetting, string>> = {
  nodes: '--nodes',
  rate: '--rate',
  seconds: '--seconds',
  updateBytes: '--bytes',
  waves: '--waves',
  halfOpen: '--half-open',
  silent: '--silent',
  stalled: '--stalled',
  seed: '--seed',
}

/** What a person would type to measure the same again. */
export const commandOf = ({ benchmark, setting }: LoadResult): string =>
  [
    `tributary benchmark ${benchmark}`,
    ...Object.entries(setting).map(
      ([key, value]) => `${OPTIONS[key as keyof LoadSetting]} ${value}`,
    ),
  ].join(' ')

const digits = (value: number): string => {
  if (Number.isInteger(value)) return value.toLocaleString('en')
  return Math.abs(value) >= 100 ? value.toFixed(0) : value.toPrecision(3)
}
export const shown = ({ unit }: Pick<Measure, 'unit'>, value: number | null): string => {
  if (value === null) return 'never'
  return unit === '' ? digits(value) : `${digits(value)}${unit.startsWith('/') ? '' : ' '}${unit}`
}

/** The runs of one command, oldest first. */
type Group = readonly [LoadResult, ...LoadResult[]]

interface Line {
  readonly measure: Measure
  /** One of each run, smallest first; what never happened is last. */
  readonly values: readonly (number | null)[]
  readonly median: number | null
}
function linesOf(group: Group): readonly Line[] {
  return group[0].measures.map((measure) => {
    const values = group
      .flatMap(({ measures }) => measures.filter(({ key }) => key === measure.key))
      .map(({ value }) => value)
      .sort((a, b) => (a ?? Infinity) - (b ?? Infinity))
    return { measure, values, median: values[(values.length - 1) >> 1] ?? null }
  })
}

/** One row a measure; with several runs the median and the range. What a target wants must hold for the median. */
export function resultTable(group: Group): Table {
  const isMany = group.length > 1
  return {
    head: ['what', isMany ? 'median' : 'value', ...(isMany ? ['range'] : []), 'target', 'met'],
    rows: linesOf(group).map(({ measure, values, median }) => {
      const target = targetOf(group[0], measure)
      const [least, most] = [values[0] ?? null, values.at(-1) ?? null]
      return [
        measure.what,
        shown(measure, median),
        ...(isMany ? [`${shown(measure, least)} – ${shown(measure, most)}`] : []),
        target === null ? '' : `${target.id}, ${target.text}`,
        target === null ? '' : isMet(target, median) ? 'yes' : '**no**',
      ]
    }),
  }
}

function grouped(results: readonly LoadResult[]): readonly Group[] {
  const groups = new Map<string, [LoadResult, ...LoadResult[]]>()
  for (const result of results.toSorted((a, b) => (a.at < b.at ? -1 : 1))) {
    const key = commandOf(result)
    const known = groups.get(key)
    if (known === undefined) groups.set(key, [result])
    else known.push(result)
  }
  return [...groups.values()]
}

const INTRODUCTION = `A coordinator as its users start it and a generator of load, each a process of its own, on one machine.
The generator's nodes connect, come back and upload as real ones do (client/src/transport, client/src/upload), with real keys;
they have no data, and their updates are random numbers. Everything is on: sign-in, checks of every value, files and rows that
are synced before an acknowledgement. Arrivals are open-loop: at a fixed rate whatever became of the ones before, and a latency
counts from when its arrival was due. Percentiles are of all arrivals of a run (HdrHistogram), never averages of percentiles.
Processor time and memory (VmHWM: the peak since the process began) are the kernel's. The first round of \`ingest\` is a
warm-up and left out. Raw numbers of every run lie beside this page.`

const LIMITS = `Not measured: L6, the soak of four hours. How late the event loop was is what the coordinator says
in \`/metrics\` (its timer has a step of 10 ms, which is in the figure). Whether a sync reaches the disk of this machine is for its maker to say. Targets are those of the platform's
reliability specification, §4; T11 is of its §2.`

/** A page of the documentation: what was measured beside what was wanted, and whether it is met. */
export function loadPage(results: readonly LoadResult[]): string {
  const groups = grouped(results)
  return [
    '# Load',
    'Written by `tributary benchmark connect|ingest|storm|slowloris --out DIRECTORY`.',
    INTRODUCTION,
    markdownTable(summaryTable(groups)),
    ...groups.flatMap(groupSection),
    LIMITS,
  ]
    .join('\n\n')
    .concat('\n')
}

/** Every target that was measured, in the order of the specification. */
function summaryTable(groups: readonly Group[]): Table {
  const rows = groups.flatMap((group) =>
    linesOf(group).flatMap(({ measure, median }) => {
      const target = targetOf(group[0], measure)
      if (target === null) return []
      const met = isMet(target, median) ? 'yes' : '**no**'
      const disturbed = group.some(isDisturbed) ? 'yes' : 'no'
      const setting = `${group[0].benchmark}, ${group[0].setting.nodes ?? 0} nodes`
      return [[target.id, target.text, setting, shown(measure, median), met, disturbed]]
    }),
  )
  return {
    head: ['target', 'what is wanted', 'measured with', 'measured', 'met', 'disturbed'],
    rows: rows.toSorted((a, b) => (String(a[0]) < String(b[0]) ? -1 : 1)),
  }
}

function groupSection(group: Group): readonly string[] {
  const [first] = group
  return [
    `## ${first.benchmark}: ${headline(first)}`,
    `\`${commandOf(first)}\``,
    markdownTable(resultTable(group)),
    markdownTable({
      head: ['run', 'commit', 'machine', 'load before', 'others', 'generator', 'problems'],
      rows: group.map((result) => [
        result.at.slice(0, 16),
        `${result.machine.version}, ${result.machine.commit ?? 'unknown'}`,
        `${result.machine.cpu}, ${result.machine.cores} cores, Node.js ${result.machine.node}`,
        result.machine.load.toFixed(2),
        `${result.foreignLoad.toFixed(2)} cores`,
        `${(result.generatorShare * 100).toFixed(0)} % of a core`,
        problemsText(result),
      ]),
    }),
    ...(group.some(isDisturbed) ? [DISTURBED] : []),
  ]
}
const DISTURBED = `**Disturbed:** by the specification a run counts only while others take at most ${MOST_FOREIGN_LOAD} cores and the generator at most ${MOST_GENERATOR_SHARE * 100} % of one. Take processor times and memory from here, not seconds.`

const headline = ({ setting }: LoadResult): string => {
  const { nodes = 0, updateBytes = 0, rate = 0 } = setting
  const size = updateBytes > 0 ? `, updates of ${digits(updateBytes / 1000)} kB` : ''
  return `${nodes.toLocaleString('en')} nodes${size}, ${rate > 0 ? `${digits(rate)} a second` : 'at their own pace'}`
}
const problemsText = ({ problems }: LoadResult): string => {
  const all = Object.entries(problems)
  return all.length === 0 ? 'none' : all.map(([code, count]) => `${count} × ${code}`).join(', ')
}
