/**
 * A run whose coordinator is killed again and again until it has finished: a real coordinator, real nodes that nobody helps.
 * Kills come upon events of the run, so each falls where something is under way, and the run gets on between them.
 */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from 'vitest'
import type { RunRecord } from '#protocol/record.js'
import {
  joinNode,
  readJson,
  start,
  startCoordinator,
  tributary,
  type Finished,
  type Running,
} from './harness.js'

type Line = Readonly<Record<string, unknown>>

export interface Survival {
  readonly config: object
  /** What each node is told of its data, by its number from 1. */
  readonly data: (shard: number) => readonly string[]
  readonly nodes: number
  /** Which events end a coordinator's life, in turn: over and over until the run is over. */
  readonly fatal: readonly Fatal[]
}
/** The `nth` event of that type since the coordinator came up. */
export interface Fatal {
  readonly event: 'round:opened' | 'update:accepted' | 'round:closed'
  readonly nth: number
}
export interface Survived {
  readonly runId: string
  readonly record: RunRecord
  /** Which event each coordinator died at. */
  readonly kills: readonly Fatal[]
  readonly nodes: readonly Running[]
  /** What `runs watch` told, from the first event to the last. */
  readonly events: readonly Line[]
  readonly replay: Finished
}

/** In the middle of a round, with some of its updates accepted; right after it closed; in the middle of a later one. */
export const FATAL: readonly Fatal[] = [
  { event: 'update:accepted', nth: 2 },
  { event: 'round:closed', nth: 1 },
  { event: 'update:accepted', nth: 1 },
]
const NAMES = ['a', 'b', 'c', 'd', 'e', 'f']
/** A run that never gets on must end the test with a reason, not with its time. */
const MOST_KILLS = 60

export async function survive(directory: string, what: Survival): Promise<Survived> {
  await writeFile(join(directory, 'config.json'), JSON.stringify(what.config))
  let coordinator = await startCoordinator(directory)
  const { dataDir, url } = coordinator
  const port = Number(new URL(url).port)
  const remote = ['--data-dir', dataDir]
  const started = await tributary(['runs', 'start', 'config.json', ...remote], { cwd: directory })
  if (started.errorText !== '') throw new Error(started.errorText)
  const runId = String(started.result['runId'])
  // Somebody watches before anything happens: the run waits for its nodes.
  const watch = start(['runs', 'watch', runId, ...remote], { cwd: directory })
  await watch.event('run:started')
  const nodes = await Promise.all(
    NAMES.slice(0, what.nodes).map((name, i) =>
      joinNode(directory, coordinator, { name, data: what.data(i + 1) }),
    ),
  )

  const kills: Fatal[] = []
  for (;;) {
    const fatal = what.fatal[kills.length % what.fatal.length]!
    const isFatal = await Promise.race([seen(watch, fatal), watch.ended.then(() => false)])
    if (!isFatal) break
    if (kills.length >= MOST_KILLS) throw new Error(`The run goes on after ${MOST_KILLS} kills`)
    await coordinator.running.kill('SIGKILL')
    kills.push(fatal)
    coordinator = await startCoordinator(directory, port)
  }
  const events = (await watch.ended).lines
  const out = join(directory, 'export')
  await tributary(['runs', 'export', runId, ...remote, '--out', out])
  const file = join(out, 'record.json')
  const record = await readJson<RunRecord>(file)
  const replay = await tributary(['simulate', '--workers', '0', '--replay', file], {
    cwd: directory,
  })
  return { runId, record, kills, nodes, events, replay }
}

/** Resolves with true at the `nth` event from now on; never when the run is over before. */
function seen(watch: Running, { event, nth }: Fatal): Promise<boolean> {
  const before = watch.lines.length
  const isThere = (): boolean =>
    watch.lines.slice(before).filter((line) => line['event'] === event).length >= nth
  return watch.line(isThere).then(
    () => true,
    () => false,
  )
}

/** What must hold however often the coordinator died. `rounds`: those that ask nodes. */
export function expectWhole({ record, kills, nodes, replay }: Survived, rounds: number): void {
  expect(kills.length).toBeGreaterThanOrEqual(3)
  expect(record.state).toBe('finished')
  // Every round is there once, in order, with every member once.
  expect(record.rounds.map(({ round }) => round)).toEqual(
    Array.from({ length: rounds + 1 }, (_, round) => round),
  )
  for (const { accepted } of record.rounds.slice(1))
    expect(accepted.map(({ slot }) => slot)).toEqual(nodes.map((_, slot) => slot))
  // Nobody started a node again, or told it anything.
  for (const { child } of nodes) expect([child.exitCode, child.signalCode]).toEqual([null, null])
  expect(replay.errorText).not.toContain('replay/different')
  expect(replay.result).toMatchObject({ same: true, modelHash: record.modelHash })
}
