/**
 * For methods whose clients keep what they trained whatever became of the update. The record of a run names the updates that
 * counted; of the trainings that did not count but were kept, the client tells with its next update: `kept/<round>` is how
 * often. A replay trains them again, so that it comes to the same personal models.
 */
import { makeBundle, tensorsOf, type Bundle } from '#protocol/bundle.js'
import { isJsonObject, type JsonObject } from '#protocol/json.js'
import type { Metrics } from '#protocol/record.js'
import type { ClientHalf } from './method.js'

const PREFIX = 'kept/'

/** By round: how many trainings of it were kept though no update of theirs counted. */
export type KeptTrainings = Readonly<Record<string, number>>

/** The half with `settle` and `told` of its own: its pending memory is kept for every fate. */
export function keepingTraining(half: ClientHalf): ClientHalf {
  return {
    ...half,
    async perform(input) {
      const result = await half.perform(input)
      if (result.pending === null) return result
      return {
        ...result,
        pending: marked(result.pending, keptIn(input.memory), input.round),
      }
    },
    settle(memory, pending, fate) {
      if (pending === null) return memory
      const { kept, round } = markOf(pending)
      if (fate === 'accepted') return marked(pending, {}, round)
      return marked(pending, { ...kept, [round]: (kept[round] ?? 0) + 1 }, round)
    },
    told: (memory) =>
      Object.fromEntries(
        Object.entries(keptIn(memory)).map(([round, times]) => [`${PREFIX}${round}`, times]),
      ),
  }
}

/** Out of what a client told with an update: the rounds whose training it had kept, and how often. */
export const keptOf = (metrics: Metrics): ReadonlyMap<number, number> =>
  new Map(
    Object.entries(metrics).flatMap(([name, times]) =>
      /^kept\/\d+$/.test(name) ? [[Number(name.slice(PREFIX.length)), times] as const] : [],
    ),
  )

interface Mark {
  readonly kept: KeptTrainings
  readonly round: number
}
const marked = (memory: Bundle, kept: KeptTrainings, round: number): Bundle =>
  makeBundle(tensorsOf(memory), { ...memory.meta, training: { kept: { ...kept }, round } })

function markOf(memory: Bundle): Mark {
  const { training } = memory.meta
  const { kept, round }: JsonObject = isJsonObject(training) ? training : {}
  return {
    kept: isJsonObject(kept) ? (kept as KeptTrainings) : {},
    round: typeof round === 'number' ? round : 0,
  }
}
const keptIn = (memory: Bundle | null): KeptTrainings =>
  memory === null ? {} : markOf(memory).kept
