/** Entry of a process that computes cells of an audit. Keeps nothing: what it finished is with its parent. */
import type { AuditCell } from '#algorithms/audit/run/cells.js'
import { serveCalls, tellParent } from '#coordinator/compute/child-calls.js'
import { runnerHere, type CellRunner, type RunnerSetup } from './cell-runner.js'

/** Often enough for people, rarely enough to cost nothing. */
const TELL_EVERY_MS = 250

/** A process computes for one audit. */
let runner: CellRunner | null = null
const runnerFor = (setup: RunnerSetup): CellRunner => (runner ??= runnerHere(setup))

serveCalls({
  facts: (setup: RunnerSetup) => runnerFor(setup).facts(),
  cell: (setup: RunnerSetup, cell: AuditCell) => {
    let toldAt = -Infinity
    return runnerFor(setup).cell(cell, (progress) => {
      const now = performance.now()
      if (now - toldAt < TELL_EVERY_MS) return
      toldAt = now
      tellParent(progress)
    })
  },
})
