import { sizesOf, STEPS, type StepMeasurement } from '#simulations/benchmarks/large-model.js'
import {
  largeModelMarkdown,
  sizeTable,
  stepTable,
  type LargeModelReport,
} from '#simulations/benchmarks/large-model-report.js'
import { describeMachine } from '#simulations/benchmarks/machine.js'
import { stepsInChild, VIT_B16, VIT_B16_MODEL } from '#simulations/benchmarks/run-large-model.js'
import type { Session } from '../command.js'

/** Measures each kind of step, prints tables, and returns the page. */
export async function measureLargeModel({ out, signal }: Session): Promise<string> {
  const { name } = VIT_B16
  const large = VIT_B16_MODEL
  const machine = await describeMachine()
  const steps: StepMeasurement[] = []
  for (const kind of STEPS) {
    out.say(`${name}: ${kind}, three steps`)
    const request = { large, kind, backend: 'native', threads: machine.cores } as const
    steps.push(await stepsInChild(request, signal))
  }
  const report: LargeModelReport = { name, large, sizes: sizesOf(large), steps, machine }
  for (const { head, rows } of [sizeTable(report), stepTable(steps)]) out.table(head, rows)
  out.finish('benchmark', { benchmark: name, sizes: report.sizes, steps, machine })
  return largeModelMarkdown(report)
}
