import {
  bytesTable,
  ccvrMarkdown,
  formulaBytes,
  stepsTable,
  type CcvrReport,
} from '#simulations/benchmarks/ccvr-report.js'
import type { CcvrSetting } from '#simulations/benchmarks/ccvr-setting.js'
import { describeMachine } from '#simulations/benchmarks/machine.js'
import { CCVR, measureCcvr } from '#simulations/benchmarks/run-ccvr.js'
import type { Session } from '../command.js'

const STEPS = {
  clients: 'every client computes its statistics',
  merge: 'the statistics are merged',
  close: 'the coordinator closes the round',
} as const

/** Measures step by step, prints tables, and returns the page. */
export async function measureCalibration(
  { out, signal }: Session,
  setting: CcvrSetting,
): Promise<string> {
  const { name } = CCVR
  const machine = await describeMachine()
  const measurement = await measureCcvr(setting, {
    signal,
    onStep: (step) => out.say(`${name}: ${STEPS[step]}`),
  })
  const report: CcvrReport = { setting, measurement, machine }
  for (const { head, rows } of [bytesTable(report), stepsTable(report)]) out.table(head, rows)
  const formula = formulaBytes(setting)
  out.finish('benchmark', {
    ...{ benchmark: name, setting, formulaBytes: formula, ...measurement, machine },
  })
  return ccvrMarkdown(report)
}
