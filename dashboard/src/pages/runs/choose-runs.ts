import type { RunLine } from '#protocol/run-views.js'
import { STATE_FILTERS, type RunsSearch, type StateFilter } from './search.js'

const isOf = (filter: StateFilter, { state }: RunLine): boolean =>
  filter === 'all' ||
  (filter === 'active' ? state === 'running' || state === 'waiting' : state === filter)

function fitsText({ runId, name, model, method }: RunLine, text: string): boolean {
  const words = text.toLowerCase().split(/\s+/)
  const all = `${name} ${runId} ${model} ${method}`.toLowerCase()
  return words.every((word) => all.includes(word))
}

/** The runs that fit, and how many of each state would if that were chosen. */
export function chooseRuns(
  runs: readonly RunLine[],
  { state = 'all', method, q = '' }: RunsSearch,
): {
  readonly shown: readonly RunLine[]
  readonly counts: Readonly<Record<StateFilter, number>>
  readonly methods: readonly string[]
} {
  const others = runs.filter(
    (run) => (method === undefined || run.method === method) && fitsText(run, q),
  )
  const counts = Object.fromEntries(
    STATE_FILTERS.map((filter) => [filter, others.filter((run) => isOf(filter, run)).length]),
  ) as Record<StateFilter, number>
  const methods = [...new Set(runs.map((run) => run.method))].sort()
  return { shown: others.filter((run) => isOf(state, run)), counts, methods }
}
