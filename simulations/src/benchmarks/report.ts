import type { RunConfig } from '#protocol/run-config.js'
import { markdownTable, type Table } from '#simulations/report/markdown.js'
import type { Benchmark } from './benchmark.js'
import type { Comparison } from './compare.js'
import type { Machine } from './machine.js'
import {
  peakRss,
  secondsPerRound,
  trainingCpuPerRound,
  trainingPerRound,
  type Measurement,
  type RoundMeasurement,
} from './measurement.js'

export interface Report {
  readonly benchmark: Benchmark
  readonly overrides: readonly string[]
  readonly workers: number
  readonly config: RunConfig
  readonly machine: Machine
  readonly measurements: readonly Measurement[]
  readonly comparisons: readonly Comparison[]
  readonly faults: readonly string[]
}
const share = (value: number | null): string =>
  value === null ? '–' : `${(value * 100).toFixed(2)} %`
const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(0)} MB`
const tensors = ({ tensorsBefore, tensorsAfter }: RoundMeasurement): string =>
  `${tensorsBefore} → ${tensorsAfter}`

/** The ratios, which are what carries over to other machines. */
export function ratioTable(comparisons: readonly Comparison[]): Table {
  return {
    head: [
      'ratio',
      'round time',
      'training time',
      'training CPU time',
      'peak RSS',
      'accuracy difference',
    ],
    rows: comparisons.map((one) => [
      `${one.backend} / ${one.reference}`,
      one.roundTimeRatio.toFixed(2),
      one.trainingTimeRatio.toFixed(2),
      one.trainingCpuRatio.toFixed(2),
      one.peakRssRatio.toFixed(2),
      one.accuracyDifference === null
        ? '–'
        : `${(one.accuracyDifference * 100).toFixed(2)} percentage points`,
    ]),
  }
}
export function backendTable(measurements: readonly Measurement[]): Table {
  return {
    head: [
      'backend',
      'seconds a round',
      'of these training',
      'CPU seconds of that',
      'peak RSS',
      'version',
    ],
    rows: measurements.map((one) => [
      one.engine.backend,
      secondsPerRound(one).toFixed(2),
      trainingPerRound(one).toFixed(2),
      trainingCpuPerRound(one).toFixed(2),
      megabytes(peakRss(one)),
      `${one.engine.version}, ${one.engine.threads} thread${one.engine.threads === 1 ? '' : 's'}`,
    ]),
  }
}
export function roundTable(measurements: readonly Measurement[]): Table {
  return {
    head: ['backend', 'round', 'accuracy after', 'seconds', 'numTensors before → after'],
    rows: measurements.flatMap((one) => [
      [one.engine.backend, '0', share(one.accuracyBefore), '–', '–'],
      ...one.rounds.map((round) => [
        one.engine.backend,
        String(round.round),
        share(round.accuracy),
        round.seconds.toFixed(2),
        tensors(round),
      ]),
    ]),
  }
}

/** A page of the documentation: ratios first, then what they were taken from. */
export function reportMarkdown(report: Report): string {
  const { benchmark, measurements, comparisons, faults } = report
  return [
    `# Benchmark ${benchmark.name}`,
    `Written by \`tributary benchmark ${benchmark.name} --out ${benchmark.name}.md\`: ${benchmark.describe}.`,
    markdownTable(ratioTable(comparisons)),
    `Below 1 means less time or memory than the reference. ${
      faults.length === 0
        ? `Final accuracies differ by at most ${benchmark.accuracyTolerance * 100} %, the stated tolerance; no round left a tensor behind.`
        : `**Failed:** ${faults.join('; ')}.`
    }`,
    markdownTable(backendTable(measurements)),
    'A round is its training, its aggregation and the evaluation of the new model. Peak RSS is VmHWM of the processes that trained; they do nothing else.',
    markdownTable(roundTable(measurements)),
    'numTensors is `tf.memory().numTensors` of the processes that trained.',
    markdownTable({ head: ['what', 'value'], rows: setting(report) }),
    ...busyness(report.machine),
  ]
    .join('\n\n')
    .concat('\n')
}

/** Seconds by the clock, taken beside other work, mislead. */
const busyness = ({ load, cores }: Machine): readonly string[] =>
  load < cores / 2
    ? []
    : [
        `The machine was busy with other work (load ${load.toFixed(1)} on ${cores} cores): take the ratio of CPU time, not of seconds.`,
      ]

function setting({ config, machine, workers, overrides, benchmark }: Report): Table['rows'] {
  const { data, cohort, training } = config
  const take = cohort.take === 'all' ? 'all' : Object.values(cohort.take).join()
  return [
    ['configuration', `simulations/experiments/${benchmark.experiment}.json`],
    ['overrides', overrides.length === 0 ? 'none' : overrides.map((one) => `\`${one}\``).join(' ')],
    ['seed', String(config.seed)],
    ['model, method', `${config.model.name}, ${config.method.name}`],
    ['clients', `${data?.clients ?? 0}, ${take} a round, ${data?.partition ?? ''}`],
    ['training', `${training.localEpochs} local epoch, batches of ${training.batchSize}`],
    ['evaluated on', evaluatedOn(config)],
    ['worker processes', String(workers)],
    ['tributary', `${machine.version}, commit ${machine.commit ?? 'unknown'}`],
    ['processor', `${machine.cpu}, ${machine.cores} cores`],
    ['load average at the start', machine.load.toFixed(2)],
    ['Node.js', machine.node],
  ]
}

function evaluatedOn({ evaluation }: RunConfig): string {
  return `${evaluation.central?.limit ?? 'all'} test examples`
}
