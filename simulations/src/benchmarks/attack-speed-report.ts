import { markdownTable, type Table } from '#simulations/report/markdown.js'
import { ATTACKS } from '#algorithms/audit/attack.js'
import type { AttackSpeed, AttackSpeedMeasurement } from './attack-speed.js'
import { settingRows, whenBusy } from './machine-text.js'
import type { Machine } from './machine.js'

export interface AttackSpeedReport {
  /** One for each model, in order; all on one backend. At least one. */
  readonly measurements: readonly AttackSpeedMeasurement[]
  readonly machine: Machine
}

const count = (value: number): string => value.toLocaleString('en')

function cell(speed: AttackSpeed | undefined): string {
  if (speed === undefined || speed.excluded !== null) return '–'
  return speed.perSecond === null ? 'no search' : speed.perSecond.toPrecision(3)
}

/** Iterations per second, by attack and model. */
export function speedTable({ measurements }: AttackSpeedReport): Table {
  return {
    head: ['attack', ...measurements.map(({ setting }) => setting.model)],
    rows: ATTACKS.map((name) => [
      name,
      ...measurements.map(({ attacks }) => cell(attacks.find((one) => one.name === name))),
    ]),
  }
}

/** What was attacked, and what it took. */
export function modelTable({ measurements }: AttackSpeedReport): Table {
  return {
    head: ['model', 'parameters', 'iterations', 'CPU seconds', 'peak RSS'],
    rows: measurements.map(({ setting, parameters, attacks, use }) => [
      setting.model,
      count(parameters),
      count(attacks.reduce((sum, { iterations }) => sum + iterations, 0)),
      use.cpuSeconds.toFixed(1),
      `${(use.peakRssBytes / 1e6).toFixed(0)} MB`,
    ]),
  }
}

function commandOf({ measurements }: AttackSpeedReport): string {
  const [first] = measurements
  const { batch = 1, localSteps = 1, iterations = 1 } = first?.setting ?? {}
  const models = measurements.map(({ setting }) => setting.model).join(' ')
  return `tributary benchmark audit --backend ${first?.engine.backend ?? 'wasm'} --models ${models} --batch ${batch} --local-steps ${localSteps} --iterations ${iterations} --out audit.md`
}

/** A page of the documentation. */
export function attackSpeedMarkdown(report: AttackSpeedReport): string {
  const { measurements, machine } = report
  const [first] = measurements
  const { side = 0, batch = 1, localSteps = 1 } = first?.setting ?? {}
  return [
    '# Benchmark audit',
    `Written by \`${commandOf(report)}\`. Every attack of a privacy audit on the update of ${batch} record(s) of ${side}x${side} pixels after ${localSteps} local step(s), with a generator of the size that \`audit train-generator\` makes. Weights are random, which changes no time.`,
    '## Iterations per second',
    markdownTable(speedTable(report)),
    'By the clock. An iteration is one step that differentiates the gradient of the model by the record; of `ggl` it is three candidates, whose gradients are not differentiated. `gifd` and `gifd-cma` include the latent searches before their stages. `no search`: `analytic` reads the record off the update. –: it does not apply.',
    '## Models',
    markdownTable(modelTable(report)),
    'Each model in a process of its own; peak RSS is its VmHWM.',
    markdownTable({
      head: ['what', 'value'],
      rows: settingRows(machine, first?.engine),
    }),
    ...whenBusy(machine),
  ]
    .join('\n\n')
    .concat('\n')
}
