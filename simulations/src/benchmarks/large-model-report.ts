import { markdownTable, type Table } from '#simulations/report/markdown.js'
import type { LargeModel, Sizes, StepMeasurement } from './large-model.js'
import { settingRows, whenBusy } from './machine-text.js'
import type { Machine } from './machine.js'

export interface LargeModelReport {
  readonly name: string
  readonly large: LargeModel
  readonly sizes: Sizes
  readonly steps: readonly StepMeasurement[]
  readonly machine: Machine
}
const count = (value: number): string => value.toLocaleString('en')
const megabytes = (floats: number): string => `${((4 * floats) / 1e6).toFixed(2)} MB`

export function sizeTable({ large, sizes }: LargeModelReport): Table {
  const classes = large.config.task.classes.length
  return {
    head: ['what', 'float32 values', 'bytes'],
    rows: [
      ['backbone, without head', count(sizes.backbone), megabytes(sizes.backbone)],
      [`whole model, ${classes} classes`, count(sizes.whole), megabytes(sizes.whole)],
      [`FedIns pool, M = ${large.poolSize}`, count(sizes.pool), megabytes(sizes.pool)],
      ['pool / whole model', `${((100 * sizes.pool) / sizes.whole).toFixed(2)} %`, ''],
    ],
  }
}

const NAMES = { fedins: 'FedIns pool', whole: 'whole model' } as const

export function stepTable(steps: readonly StepMeasurement[]): Table {
  const seconds = (value: number | null | undefined): string => value?.toFixed(2) ?? '–'
  return {
    head: [
      'what moves',
      'first step',
      'second',
      'third',
      'query',
      'CPU seconds',
      'peak RSS',
      'loss before the third',
    ],
    rows: steps.map(({ kind, stepSeconds, querySeconds, use, loss }) => [
      NAMES[kind],
      ...[0, 1, 2].map((step) => seconds(stepSeconds[step])),
      seconds(querySeconds),
      use.cpuSeconds.toFixed(2),
      `${(use.peakRssBytes / 1e6).toFixed(0)} MB`,
      loss.toFixed(3),
    ]),
  }
}

/** A page of the documentation. */
export function largeModelMarkdown(report: LargeModelReport): string {
  const { name, large, sizes, steps, machine } = report
  const { inputShape } = large.config.task
  return [
    `# Benchmark ${name}`,
    `Written by \`tributary benchmark ${name} --out ${name}.md\`. The model has ${sizes.sites} sites with ${count(sizes.channels)} channels in all; weights and the one image are random, which changes neither time nor memory.`,
    '## What travels, one way, each round',
    markdownTable(sizeTable(report)),
    '## What one step takes',
    markdownTable(stepTable(steps)),
    `Seconds by the clock, batches of one ${inputShape.join('x')} image, plain SGD, k = ${large.topK}. The first step also brings the params to the backend. The query is one forward pass of the bare backbone, computed once per example and kept. CPU seconds are those of three steps, the query, and reading the params back. Peak RSS is VmHWM of a process that does nothing else; it includes drawing the weights.`,
    markdownTable({
      head: ['what', 'value'],
      rows: [['seed', String(large.config.seed)], ...settingRows(machine, steps[0]?.engine)],
    }),
    ...whenBusy(machine),
  ]
    .join('\n\n')
    .concat('\n')
}
