import {
  attackSpeedMarkdown,
  modelTable,
  speedTable,
  type AttackSpeedReport,
} from '#simulations/benchmarks/attack-speed-report.js'
import type { AttackSpeedMeasurement } from '#simulations/benchmarks/attack-speed.js'
import { describeMachine } from '#simulations/benchmarks/machine.js'
import { attacksInChild, AUDIT, AUDIT_SIDE } from '#simulations/benchmarks/run-attack-speed.js'
import type { BackendName } from '#algorithms/tensor/backends.js'
import type { Session } from '../command.js'

export interface AttackSpeedOptions {
  readonly backend: BackendName
  readonly models: readonly string[]
  readonly batch: number
  readonly localSteps: number
  readonly iterations: number
}

/** Measures model by model, prints tables, and returns the page. */
export async function measureAttackSpeed(
  { out, signal }: Session,
  { backend, models, batch, localSteps, iterations }: AttackSpeedOptions,
): Promise<string> {
  const machine = await describeMachine()
  const measurements: AttackSpeedMeasurement[] = []
  for (const model of models) {
    out.say(`${AUDIT.name}: ${model} on ${backend}`)
    const setting = { model, batch, localSteps, iterations, side: AUDIT_SIDE }
    measurements.push(await attacksInChild({ setting, backend }, signal))
  }
  const report: AttackSpeedReport = { measurements, machine }
  for (const { head, rows } of [speedTable(report), modelTable(report)]) out.table(head, rows)
  out.finish('benchmark', { benchmark: AUDIT.name, backend, measurements, machine })
  return attackSpeedMarkdown(report)
}
