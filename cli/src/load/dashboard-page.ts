import type { Machine } from '#simulations/benchmarks/machine.js'
import { settingRows, whenBusy } from '#simulations/benchmarks/machine-text.js'
import { markdownTable, type Table } from '#simulations/report/markdown.js'
import type { FrameTimes, PageSample } from './watched-page.js'

export interface DashboardSetting {
  readonly clients: number
  readonly minutes: number
  /** Updates a second. */
  readonly rate: number
  /** Part of the run's page that is open. */
  readonly tab: string
}
export interface DashboardReport {
  readonly setting: DashboardSetting
  readonly machine: Machine
  /** Of the list of runs, until it was there. */
  readonly firstLoadBytes: number
  readonly roundsClosed: number
  /** The first when the page was open, then one a minute. */
  readonly samples: readonly PageSample[]
  readonly frames: FrameTimes
}

/** By how much more the last may have than the one after the first minute, in which all that is there was seen once. */
const MOST_GROWTH = { domNodes: 1.1, heapBytes: 1.25 }
/** What a collector of garbage leaves now, and not then. */
const SLACK = { domNodes: 200, heapBytes: 4e6 }

type Grown = keyof typeof MOST_GROWTH
/** Null: there are too few samples to say. */
export function isFlat(samples: readonly PageSample[], what: Grown): boolean | null {
  const [, after] = samples
  const last = samples.at(-1)
  if (after === undefined || last === undefined || samples.length < 3) return null
  return last[what] <= after[what] * MOST_GROWTH[what] + SLACK[what]
}

const ms = (value: number | null): string => (value === null ? '–' : `${value.toFixed(1)} ms`)
const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(1)} MB`
const flatText = (flat: boolean | null): string =>
  flat === null ? 'too short to say' : flat ? 'yes' : '**no**'

export const sampleTable = ({ samples }: DashboardReport): Table => ({
  head: ['minute', 'DOM nodes', 'listeners', 'heap', 'frames', 'p50', 'p95', 'p99', 'longest'],
  rows: samples.map(({ minutes, domNodes, listeners, heapBytes, frames }) => [
    ...[minutes.toFixed(1), String(domNodes), String(listeners), megabytes(heapBytes)],
    ...[String(frames.count), ms(frames.p50), ms(frames.p95), ms(frames.p99), ms(frames.longest)],
  ]),
})
export const summaryTable = (report: DashboardReport): Table => ({
  head: ['what', 'value'],
  rows: [
    [
      'first load of the list of runs, as sent, with headers',
      `${(report.firstLoadBytes / 1000).toFixed(0)} KB`,
    ],
    ['rounds that closed meanwhile', String(report.roundsClosed)],
    ['from one frame to the next, p50', ms(report.frames.p50)],
    ['p95', ms(report.frames.p95)],
    ['p99', ms(report.frames.p99)],
    ['longest', ms(report.frames.longest)],
    ['DOM nodes flat', flatText(isFlat(report.samples, 'domNodes'))],
    ['heap flat', flatText(isFlat(report.samples, 'heapBytes'))],
  ],
})

export function dashboardMarkdown(report: DashboardReport): string {
  const { clients, minutes, rate, tab } = report.setting
  const command = `tributary benchmark dashboard --clients ${clients} --minutes ${minutes} --rate ${rate} --tab ${tab}`
  return `${[
    '# Benchmark dashboard',
    `Written by \`${command} --out dashboard.md\`. A coordinator, ${clients} nodes that answer its tasks with random numbers, and the page of their run open in Chromium on its part \`${tab}\`, on one machine. Each round ends for the page with ${clients} members more that have reported; curves, tables and the list of events follow.`,
    markdownTable(summaryTable(report)),
    `Flat: after the last minute at most ${MOST_GROWTH.domNodes} times the DOM nodes and ${MOST_GROWTH.heapBytes} times the heap that there were after the first, give or take ${SLACK.domNodes} nodes and ${megabytes(SLACK.heapBytes)}. Heap is what is in use after a collection of garbage. Chromium without a display draws at most 60 frames a second: 16.7 ms is what a page takes that is never late.`,
    '## By the minute',
    markdownTable(sampleTable(report)),
    ...whenBusy(report.machine),
    markdownTable({ head: ['what', 'value'], rows: settingRows(report.machine, undefined) }),
  ].join('\n\n')}\n`
}
