import { writeFile } from 'node:fs/promises'
import type { Command } from 'commander'
import { FederationError } from '#protocol/errors.js'
import { BENCHMARKS, type Benchmark } from '#simulations/benchmarks/benchmark.js'
import { compareWith, faultsOf } from '#simulations/benchmarks/compare.js'
import { describeMachine, type Machine } from '#simulations/benchmarks/machine.js'
import {
  backendTable,
  ratioTable,
  reportMarkdown,
  roundTable,
  type Report,
} from '#simulations/benchmarks/report.js'
import { AUDIT, AUDIT_ITERATIONS, AUDIT_MODELS } from '#simulations/benchmarks/run-attack-speed.js'
import { runBenchmark, type BenchmarkRun } from '#simulations/benchmarks/run-benchmark.js'
import { CCVR, CCVR_SETTING } from '#simulations/benchmarks/run-ccvr.js'
import { VIT_B16 } from '#simulations/benchmarks/run-large-model.js'
import { BACKEND_NAMES } from '#algorithms/tensor/backends.js'
import { backendOption } from '../backend-option.js'
import { addCommand, integer, type Session } from '../command.js'
import { RUNS_DIRECTORY } from '../local-runs.js'
import { printRound, printRoundHead } from '../watch.js'
import { measureAttackSpeed, type AttackSpeedOptions } from './benchmark-audit.js'
import { measureCalibration } from './benchmark-ccvr.js'
import { measureLargeModel } from './benchmark-large-model.js'
import { DASHBOARD, registerDashboardBenchmark } from './benchmark-dashboard.js'
import { LOAD_COMMANDS, registerLoadBenchmarks } from './benchmark-load.js'

interface BenchmarkOptions extends AttackSpeedOptions {
  readonly workers: number
  readonly out?: string
  readonly runsDir: string
  readonly set: readonly string[]
  readonly classes: number
  readonly features: number
  readonly clients: number
}

/** A benchmark as the command sees it: prints what it measures, and writes its page where `--out` says. */
interface Entry {
  readonly name: string
  readonly describe: string
  readonly backends: readonly string[]
  run(session: Session, options: BenchmarkOptions): Promise<void>
}
const ENTRIES: readonly Entry[] = [
  ...BENCHMARKS.map((benchmark) => ({
    ...benchmark,
    run: (session: Session, options: BenchmarkOptions) =>
      measureBackends(session, options, benchmark),
  })),
  { ...VIT_B16, run: async (session, { out }) => write(out, await measureLargeModel(session)) },
  {
    ...CCVR,
    run: async (session, { out, set, classes, features, clients }) => {
      const setting = { ...CCVR_SETTING, classes, features, clients, overrides: set }
      return write(out, await measureCalibration(session, setting))
    },
  },
  {
    ...AUDIT,
    run: async (session, options) => write(options.out, await measureAttackSpeed(session, options)),
  },
]
const NAMES = ENTRIES.map(({ name }) => name).join(', ')
const LOAD_NAMES = [...LOAD_COMMANDS, DASHBOARD].map(({ name }) => name).join(', ')

function entryNamed(name: string): Entry {
  const found = ENTRIES.find((entry) => entry.name === name)
  if (found !== undefined) return found
  throw new FederationError(
    'config/unknown-name',
    `There is no benchmark ${name}; there are: ${NAMES}, ${LOAD_NAMES}`,
  )
}

export function registerBenchmark(program: Command): void {
  const benchmark = addCommand<BenchmarkOptions>(program, 'benchmark [name]', {
    describe: `measure backends, a large model, a calibration or a privacy audit: ${NAMES}; or a coordinator under load: ${LOAD_NAMES}; without a name, list them`,
    options: (command) => auditFlags(ccvrFlags(commonFlags(command))),
    run: async (session, options, [name]) => {
      if (name === undefined || name === 'list') {
        listBenchmarks(session)
        return
      }
      await entryNamed(name).run(session, options)
    },
  })
  registerLoadBenchmarks(benchmark)
  registerDashboardBenchmark(benchmark)
}

const commonFlags = (command: Command): Command =>
  command
    .option(
      '--workers <n>',
      'worker processes that train; each backend gets new ones',
      integer({ min: 1, max: 256 }),
      1,
    )
    .option('--out <file>', 'write the result as Markdown')
    .option('--runs-dir <dir>', 'where runs are recorded', RUNS_DIRECTORY)
    .option('--set <key=value...>', 'override a key of the experiment', [])

const ccvrFlags = (command: Command): Command =>
  command
    .option(
      '--classes <n>',
      'of ccvr: classes that are calibrated',
      integer({ min: 2, max: 10_000 }),
      CCVR_SETTING.classes,
    )
    .option(
      '--features <n>',
      'of ccvr: width of what enters the head',
      integer({ min: 1, max: 10_000 }),
      CCVR_SETTING.features,
    )
    .option(
      '--clients <n>',
      'of ccvr: clients that tell their statistics',
      integer({ min: 1, max: 10_000 }),
      CCVR_SETTING.clients,
    )

const auditFlags = (command: Command): Command =>
  command
    .addOption(backendOption(BACKEND_NAMES).default(AUDIT.backends[0]))
    .option('--models <name...>', 'of audit: what is attacked', [...AUDIT_MODELS])
    .option('--batch <n>', 'of audit: records in an update', integer({ min: 1, max: 64 }), 1)
    .option('--local-steps <n>', 'of audit: steps in an update', integer({ min: 1, max: 8 }), 1)
    .option(
      '--iterations <n>',
      'of audit: of one stage of an attack',
      integer({ min: 1, max: 100_000 }),
      AUDIT_ITERATIONS,
    )

function listBenchmarks({ out }: Session): void {
  const load = [...LOAD_COMMANDS, DASHBOARD].map(({ name, describe }) => ({
    name,
    describe,
    backends: [],
  }))
  const benchmarks = [
    ...ENTRIES.map(({ name, describe, backends }) => ({ name, describe, backends: [...backends] })),
    ...load,
  ]
  out.table(
    ['benchmark', 'what it does'],
    benchmarks.map(({ name, describe }) => [name, describe]),
  )
  out.finish('benchmark', { benchmarks })
}

async function measureBackends(
  session: Session,
  options: BenchmarkOptions,
  benchmark: Benchmark,
): Promise<void> {
  const { out, signal } = session
  // Before the work, so that the load is that of others.
  const machine = await describeMachine()
  const run = await runBenchmark(benchmark, {
    workers: options.workers,
    runsDirectory: options.runsDir,
    signal,
    overrides: options.set,
    onBackend: (config) => {
      out.say(`${config.name} on ${config.compute.backend}, seed ${config.seed}`)
      printRoundHead(session)
    },
    onRound: (backend, record) => {
      out.event('round:closed', { backend, record })
      printRound(session, record)
    },
  })
  const report = reportOf({ benchmark, options, machine, run })
  if (report.measurements.length < benchmark.backends.length) {
    out.say('Interrupted before every backend was measured')
    process.exitCode = 1
  } else await write(options.out, reportMarkdown(report))
  finish(session, report)
}

function reportOf(from: {
  readonly benchmark: Benchmark
  readonly options: BenchmarkOptions
  readonly machine: Machine
  readonly run: BenchmarkRun
}): Report {
  const { benchmark, options, machine } = from
  const { configs, measurements } = from.run
  const [config] = configs
  if (config === undefined) throw new FederationError('internal/bug', 'A benchmark of no backend')
  const [reference, ...others] = measurements
  return {
    ...{ benchmark, machine, config, measurements },
    overrides: options.set,
    workers: options.workers,
    comparisons: reference === undefined ? [] : others.map((one) => compareWith(reference, one)),
    faults: faultsOf(measurements, benchmark.accuracyTolerance),
  }
}

/** Prints the report; throws `algorithm/failed` when something that must hold does not. */
function finish({ out }: Session, report: Report): void {
  const { benchmark, config, machine, measurements, comparisons, faults } = report
  for (const { head, rows } of [
    roundTable(measurements),
    backendTable(measurements),
    ratioTable(comparisons),
  ]) {
    out.table(head, rows)
  }
  const result = {
    ...{ benchmark: benchmark.name, experiment: benchmark.experiment, seed: config.seed },
    accuracyTolerance: benchmark.accuracyTolerance,
    ...{ workers: report.workers, overrides: report.overrides, machine, measurements, comparisons },
  }
  if (faults.length > 0) {
    out.event('benchmark:measured', result)
    throw new FederationError('algorithm/failed', faults.join('; '))
  }
  out.finish('benchmark', result)
}

async function write(file: string | undefined, text: string): Promise<void> {
  if (file === undefined) return
  try {
    await writeFile(file, text)
  } catch (cause) {
    throw new FederationError('store/io', `Could not write ${file}`, { cause })
  }
}
