import { recordedConfigSchema } from '#protocol/config-schema.js'
import type { DataCard } from '#protocol/data-card.js'
import type { Diagnostics } from '#protocol/diagnostics.js'
import { sha256, type RunId } from '#protocol/ids.js'
import type { Metrics, RosterEntry, RoundRecord, RunRecord } from '#protocol/record.js'

interface MadeUpRound {
  readonly metrics?: Metrics
  /** What clients told, by slot; null: asked, and did not answer. */
  readonly clients?: readonly (Metrics | null)[]
  readonly part?: 'method' | 'calibration' | 'evaluation'
  readonly diagnostics?: Diagnostics
  readonly bytesUp?: number
  readonly bytesDown?: number
}
interface MadeUpRun {
  readonly name?: string
  readonly seed?: number
  /** Keys of the configuration beside its task. */
  readonly config?: Readonly<Record<string, unknown>>
  readonly classes?: readonly string[]
  /** Round 0 first. */
  readonly rounds?: readonly MadeUpRound[]
  /** Labels that each member counted, by slot; null: it tells no counts. They are called client-0, client-1 … */
  readonly members?: readonly (readonly number[] | null)[]
  readonly changes?: Partial<RunRecord>
}

const NUMBERS = { weight: 1, sha256: sha256('update'), updateId: sha256('update id') }
const engine = { backend: 'wasm', version: 'tfjs 4.22.0', threads: 1 }

/** A record that no run made: rounds as they are told, everything else the same for all. */
export function madeUpRun(told: MadeUpRun = {}): RunRecord {
  const { name = 'study', seed = 0, classes = ['cat', 'dog'], rounds = [], members = [] } = told
  const runId = `run-${sha256(`${name} ${seed}`).slice(0, 12)}` as RunId
  const task = { inputShape: [2], classes: [...classes] }
  return {
    ...{ format: 1, kind: 'simulated', runId, name, state: 'finished', reason: null },
    createdAt: '2026-03-01T12:30:00.000Z',
    config: recordedConfigSchema.parse({ task, name, seed, ...told.config }),
    configHash: sha256(`configuration of ${name} ${seed}`),
    ...{ version: '1.2.3', engine },
    roster: members.map((counts, slot) => madeUpMember(task, slot, counts)),
    rounds: rounds.map((round, i) => made(runId, i, round)),
    modelHash: sha256(`model of ${name} ${seed}`),
    ...told.changes,
  }
}

function madeUpMember(
  task: Pick<DataCard, 'inputShape' | 'classes'>,
  slot: number,
  perClass: readonly number[] | null,
): RosterEntry {
  const train = (perClass ?? []).reduce((sum, count) => sum + count, 0)
  const counts = perClass === null ? {} : { counts: { train, test: 0, perClass: [...perClass] } }
  return { slot, nodeId: null, name: `client-${slot}`, card: { ...task, ...counts }, engine }
}

/** One round of it. */
export function made(runId: RunId, round: number, told: MadeUpRound): RoundRecord {
  const { clients = [], part = 'method', metrics = {}, bytesUp = 0, bytesDown = 0 } = told
  const { diagnostics } = told
  const isEvaluation = round === 0 || part === 'evaluation'
  return {
    ...{ runId, round, attempt: 1, part, metrics, bytesUp, bytesDown },
    purpose: isEvaluation ? 'evaluate' : part === 'calibration' ? 'statistics' : 'train',
    cohort: clients.map((_, slot) => slot),
    accepted: clients.flatMap((own, slot) =>
      own === null ? [] : [{ ...NUMBERS, slot, metrics: own }],
    ),
    ...(diagnostics === undefined ? {} : { diagnostics }),
    population: clients.length,
    modelHash: sha256(`model ${round}`),
    stateHash: sha256(`state ${round}`),
    previous: null,
    ...{ durationMs: 500, closedAt: '2026-03-01T12:30:01.000Z' },
  }
}
