import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { RunId } from '#protocol/ids.js'
import type { Ack, Message } from '#protocol/messages.js'
import { FakeClock } from '#testing/fake-clock.js'
import { CONFIG, FleetWorld, idOf, leaseOf, session } from '#testing/fleet-world.js'
import { TINY_CARD } from '#testing/socket-node.js'
import type { Fitness } from './fitness.js'
import { NodeTasks } from './node-tasks.js'
import { OpenRound, type Assignment } from './open-round.js'
import { Registry, type Announcement, type Session } from './registry.js'

const NODES = ['a', 'b', 'c']
const RUNS = [
  'run-aaaaaaaaaaaa',
  'run-bbbbbbbbbbbb',
  'run-cccccccccccc',
] as unknown as readonly RunId[]

/** Some runs whose rounds ask some of three nodes. Remembers which task each node began, and which others waited then. */
class Shared {
  readonly registry = new Registry()
  readonly clock = new FakeClock()
  readonly tasks: NodeTasks
  readonly #world: FleetWorld
  readonly #rounds = new Map<RunId, OpenRound>()
  readonly #sessions = new Map<string, Session>()
  /** By node, then by the run that waits: the runs whose tasks the node began meanwhile. */
  readonly waiting = new Map<string, Map<RunId, RunId[]>>(NODES.map((name) => [name, new Map()]))
  served = 0

  constructor(world: FleetWorld) {
    this.#world = world
    this.tasks = new NodeTasks({
      ...{ registry: this.registry, clock: this.clock, onMissing: () => undefined },
      ...{ fitnessFor: () => ({ unfit: () => null }) as unknown as Fitness },
      onWaiting: () => undefined,
    })
    for (const name of NODES) this.join(name)
  }

  join(name: string): void {
    if (this.#sessions.has(name)) return
    const link: Session['link'] = {
      send: async <Name extends Announcement>(_event: Name, message: Message<Name>) => {
        this.#began(name, message.runId)
        return { ok: true } as Ack<Name>
      },
      close: () => undefined,
    }
    const joined = { ...session(name), link }
    this.#sessions.set(name, joined)
    this.registry.join(joined)
    this.tasks.arrived(joined)
  }
  leave(name: string): void {
    const left = this.#sessions.get(name)
    if (left === undefined) return
    this.#sessions.delete(name)
    this.registry.leave(left)
    this.tasks.left(left)
  }
  /** A new round of the run, unless it has one. */
  open(runId: RunId, names: readonly string[]): void {
    if (this.#rounds.has(runId) || names.length === 0) return
    const cohort = names.map((_, slot) => ({ slot, lease: leaseOf(slot), personal: null }))
    const base = this.#world.opening({ runId, cohort })
    const opening = { ...base, plan: { ...base.plan, patience: 'deadline' as const } }
    const assignees = cohort.map((member) => {
      const name = names[member.slot]!
      return { member, nodeId: idOf(name), name, card: TINY_CARD }
    })
    const round = new OpenRound(opening, CONFIG, { openedAt: this.clock.now(), assignees })
    this.#rounds.set(runId, round)
    for (const name of names) this.waiting.get(name)?.set(runId, [])
    this.tasks.open(round)
  }
  /** The node is done with what it works on. */
  finish(name: string): boolean {
    const [current] = this.tasks.of(idOf(name))
    if (current?.standing !== 'working' || !this.#sessions.has(name)) return false
    this.tasks.over(current)
    this.#closeIfOver(current)
    return true
  }
  close(runId: RunId): void {
    const round = this.#rounds.get(runId)
    if (round === undefined) return
    this.#rounds.delete(runId)
    for (const waits of this.waiting.values()) waits.delete(runId)
    this.tasks.close(round, true)
  }
  get openRounds(): number {
    return this.#rounds.size
  }

  #closeIfOver({ round }: Assignment): void {
    if (round.assignments.every(({ standing }) => standing === 'over')) this.close(round.runId)
  }
  #began(name: string, runId: RunId): void {
    const waits = this.waiting.get(name)!
    // A task that the node has begun is told again after a reconnection: that is no new turn.
    if (!waits.delete(runId)) return
    this.served += 1
    for (const meanwhile of waits.values()) meanwhile.push(runId)
  }
}

type Step = (shared: Shared) => void
const name = fc.constantFrom(...NODES)
const run = fc.constantFrom(...RUNS)
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.tuple(run, fc.subarray(NODES)).map(
      ([r, n]): Step =>
        (s) =>
          s.open(r, n),
    ),
  },
  {
    weight: 6,
    arbitrary: name.map(
      (n): Step =>
        (s) =>
          void s.finish(n),
    ),
  },
  {
    weight: 1,
    arbitrary: run.map(
      (r): Step =>
        (s) =>
          s.close(r),
    ),
  },
  {
    weight: 1,
    arbitrary: name.map(
      (n): Step =>
        (s) =>
          s.leave(n),
    ),
  },
  {
    weight: 2,
    arbitrary: name.map(
      (n): Step =>
        (s) =>
          s.join(n),
    ),
  },
)
const PARAMETERS = { seed: 7, numRuns: 500 }

describe('several runs on the same nodes', () => {
  it('take turns: while a run waits for a node, no other gets it twice', async () => {
    const world = await FleetWorld.create()
    let served = 0
    fc.assert(
      fc.property(fc.array(step, { minLength: 40, maxLength: 120 }), (steps) => {
        const shared = new Shared(world)
        for (const take of steps) {
          take(shared)
          for (const waits of shared.waiting.values())
            for (const meanwhile of waits.values())
              expect(new Set(meanwhile).size).toBe(meanwhile.length)
        }
        served += shared.served
      }),
      PARAMETERS,
    )
    // The rounds were not empty.
    expect(served).toBeGreaterThan(5000)
  })

  it('all get to the end of their rounds when the nodes are there', async () => {
    const world = await FleetWorld.create()
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
        const shared = new Shared(world)
        for (const take of steps) take(shared)
        for (const each of NODES) shared.join(each)
        // At most one task of each run at each node.
        for (let turn = 0; turn < RUNS.length; turn += 1)
          for (const each of NODES) shared.finish(each)
        expect(shared.openRounds).toBe(0)
      }),
      PARAMETERS,
    )
  })
})
