import { markdownTable, type Table } from '#simulations/report/markdown.js'
import type { ProcessUse } from '#simulations/process-use.js'
import type { CcvrSetting } from './ccvr-setting.js'
import { settingRows, whenBusy } from './machine-text.js'
import type { Machine } from './machine.js'
import type { CcvrMeasurement } from './run-ccvr.js'

export interface CcvrReport {
  readonly setting: CcvrSetting
  readonly measurement: CcvrMeasurement
  readonly machine: Machine
}

const count = (value: number): string => value.toLocaleString('en')
const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length)

/** Numbers of one class with its full covariance: 1 + d + d(d + 1)/2 (ccvr specification §7). */
export const numbersOfClass = (d: number): number => 1 + d + (d * (d + 1)) / 2

/** Bytes of an update of all classes by that formula: float64, and for each class an int32 that names it. */
export const formulaBytes = ({ classes, features }: CcvrSetting): number =>
  classes * (8 * numbersOfClass(features) + 4)

export function bytesTable({ setting, measurement }: CcvrReport): Table {
  const { updateBytes, declaredBytes } = measurement.clients
  const d = setting.features
  return {
    head: ['what a client sends', 'bytes'],
    rows: [
      [
        `formula: ${count(setting.classes)} classes × ((1 + d + d(d + 1)/2) × 8 + 4), d = ${d}`,
        count(formulaBytes(setting)),
      ],
      ['declared by the task', count(declaredBytes)],
      ['measured, with the header', count(Math.round(mean(updateBytes)))],
    ],
  }
}

type Times = Pick<ProcessUse, 'seconds' | 'cpuSeconds'>
const less = (whole: Times, part: Times): Times => ({
  seconds: whole.seconds - part.seconds,
  cpuSeconds: whole.cpuSeconds - part.cpuSeconds,
})
const meanOf = (uses: readonly Times[]): Times => ({
  seconds: mean(uses.map(({ seconds }) => seconds)),
  cpuSeconds: mean(uses.map(({ cpuSeconds }) => cpuSeconds)),
})

export function stepsTable({ measurement: { clients, merge, close } }: CcvrReport): Table {
  const row = (what: string, { seconds, cpuSeconds }: Times, use?: ProcessUse) => [
    what,
    seconds.toFixed(2),
    cpuSeconds.toFixed(2),
    use === undefined ? '–' : `${(use.peakRssBytes / 1e6).toFixed(0)} MB`,
  ]
  const [first] = clients.uses
  return {
    head: ['step', 'seconds', 'CPU seconds', 'peak RSS'],
    rows: [
      row('a client: features and their moments', meanOf(clients.uses), first),
      row('coordinator: check one update', close.inspect),
      row('coordinator: close the round', close.use, close.use),
      row('… of that, merge all clients', merge.use, merge.use),
      row('… factor, sample, train the head', less(close.use, merge.use)),
    ],
  }
}

/** A page of the documentation. */
export function ccvrMarkdown(report: CcvrReport): string {
  const { setting, measurement, machine } = report
  const { classes, features, clients, examples, overrides } = setting
  const set = overrides.length === 0 ? '' : ` --set ${overrides.join(' ')}`
  const command = `tributary benchmark ccvr --classes ${classes} --features ${features} --clients ${clients}${set}`
  return [
    '# Benchmark ccvr',
    `Written by \`${command} --out ccvr.md\`. A calibration of an \`mlp\` with ${features} features and ${classes} classes: ${clients} clients with ${count(examples)} random examples each, every class at every client, options of CCVR as they are by default${set === '' ? '' : ' but for those of the command'}. Params are random, which changes neither time nor memory.`,
    '## What travels, once',
    markdownTable(bytesTable(report)),
    '## What it takes',
    markdownTable(stepsTable(report)),
    `Each step in a process of its own. CPU seconds are of all threads, and hardly depend on what else the machine does. A client's are the mean of all. Peak RSS is VmHWM of that process: of one client before it does a second one, of the merge alone, and of checking ${clients} updates and closing the round as the coordinator's compute process does. Updates lie on disk and are read one at a time, so the peak does not grow with the number of clients. The merge is measured on its own, and what the close takes beyond it is the last line.`,
    markdownTable({
      head: ['what', 'value'],
      rows: settingRows(machine, measurement.clients.engine),
    }),
    ...whenBusy(machine),
  ]
    .join('\n\n')
    .concat('\n')
}
