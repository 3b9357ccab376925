import { beforeEach, describe, expect, it } from 'vitest'
import type { TaskMessage } from '#protocol/messages.js'
import { DEFAULT_POLICY, type Policy } from '#protocol/policy.js'
import { unwrap } from '#protocol/result.js'
import { parseRunConfig, type RunConfig } from '#protocol/run-config.js'
import { CATALOGUE, configCatalogue, type Catalogue } from '#algorithms/catalogue.js'
import { FleetWorld, leaseOf, RUN, settleDown, type Told } from '#testing/fleet-world.js'
import { gatherMethod } from '#testing/gather-method.js'
import { TINY_CARD } from '#testing/socket-node.js'
import { tinyConfig } from '#testing/tiny-federation.js'
import { Fitness, refusalsAmong, type Candidate } from './fitness.js'

const WITH_GATHER: Catalogue = { ...CATALOGUE, methods: [...CATALOGUE.methods, gatherMethod] }
const configWith = (change: object = {}): RunConfig =>
  unwrap(parseRunConfig({ ...tinyConfig(), ...change }, configCatalogue(WITH_GATHER)))
const ALL = { cohort: { all: true, minReporters: 1 } }
const PER_EXAMPLE = { ...ALL, method: { name: 'gather-test' } }
const node = (policy: Partial<Policy> = {}, card: Candidate['card'] = TINY_CARD): Candidate => ({
  ...{ card, policy: { ...DEFAULT_POLICY, ...policy } },
})
const sorted = (change: object, nodes: readonly Candidate[]) =>
  Fitness.of(configWith(change), WITH_GATHER).sortOut(nodes, () => undefined)
/** By node: what its policy does not allow, or that it can take part. */
const reasons = (change: object, nodes: readonly Candidate[]) =>
  [...sorted(change, nodes).values()].map((unfit) => unfit?.policy?.remedy ?? 'fit')

describe('who can take part in a run', () => {
  it('is nobody whose owner does not allow what its method uploads', () => {
    const nodes = [node(), node({ perExample: true })]
    expect(reasons(PER_EXAMPLE, nodes)).toEqual(['join again with --allow-per-example', 'fit'])
    expect(reasons(ALL, nodes)).toEqual(['fit', 'fit'])
  })
  it('is nobody whose owner does not allow its method, or its calibration', () => {
    const nodes = [node({ methods: ['fedavg'] }), node({ methods: ['fedavg', 'ccvr'] })]
    expect(reasons(ALL, nodes)).toEqual(['fit', 'fit'])
    expect(reasons({ ...ALL, calibration: { name: 'ccvr' } }, nodes)).toEqual([
      ...['join again with --only-methods fedavg,ccvr', 'fit'],
    ])
  })

  it('is nobody who wants more members than a round asks', () => {
    const two = { cohort: { size: 2, minReporters: 1 } }
    const nodes = [node({ minCohort: 3 }), node({ minCohort: 2 }), node(), node()]
    expect(reasons(two, nodes)).toEqual(['join again with --min-cohort 2', 'fit', 'fit', 'fit'])
    expect(reasons({ cohort: { size: 3, minReporters: 1 } }, nodes)).toEqual(
      Array<string>(4).fill('fit'),
    )
  })
  it('counts members without those that are not there themselves, until nothing changes', () => {
    const nodes = [node({ minCohort: 4 }), node({ minCohort: 3 }), node({ minCohort: 2 })]
    expect(reasons(ALL, nodes)).toEqual(
      [3, 2, 1].map((few) => `join again with --min-cohort ${few}`),
    )
    expect(reasons(ALL, [...nodes, node()])).toEqual(Array<string>(4).fill('fit'))
  })
  it('counts on as many as must report: no round opens with fewer', () => {
    expect(reasons({ cohort: { all: true, minReporters: 3 } }, [node({ minCohort: 3 })])).toEqual([
      'fit',
    ])
  })
  it('does not count members that have nothing to train on', () => {
    const idle = node({}, { ...TINY_CARD, trains: false })
    expect(reasons(ALL, [node({ minCohort: 2 }), idle])).toEqual([
      ...['join again with --min-cohort 1', 'fit'],
    ])
  })

  it('is told with how many nodes say the same, not counting other data', () => {
    const other = node({}, { ...TINY_CARD, inputShape: [5] })
    const nodes = [node(), node({ methods: ['fedavg'], perExample: true }), node(), other]
    expect(refusalsAmong(sorted(PER_EXAMPLE, nodes))).toEqual([
      '2 of 4 connected nodes do not allow uploads about single examples (per-example). Their owners can: join again with --allow-per-example',
      '1 of 4 connected nodes does not allow gather-test, only fedavg. Their owners can: join again with --only-methods fedavg,gather-test',
    ])
    expect(refusalsAmong(sorted(PER_EXAMPLE, [other]))).toEqual([])
  })
})

describe('a fleet of nodes whose owners decide', () => {
  let world: FleetWorld
  const CONFIG = configWith({ ...ALL, method: { name: 'scaffold' } })
  const only = (...methods: readonly string[]): Policy => ({
    ...DEFAULT_POLICY,
    methods: [...methods],
  })
  const join = (name: string, policy?: Policy): Told => world.join(name, TINY_CARD, policy)

  beforeEach(async () => {
    world = await FleetWorld.create()
  })

  it('neither enlists nor asks who does not allow the run, and says why once', async () => {
    join('a', only('fedavg'))
    const b = join('b')
    for (let looks = 0; looks < 2; looks += 1)
      expect(await world.fleet.available(RUN, CONFIG)).toEqual([0])
    expect((await world.store.roster(RUN)).map(({ name }) => name)).toEqual(['b'])
    expect(world.notes).toMatchObject([['member:refused', { name: 'a', code: 'policy/refused' }]])
    expect(await world.fleet.refusals(RUN, CONFIG)).toEqual([
      expect.stringMatching(/^1 of 2 connected nodes does not allow scaffold, only fedavg/),
    ])
    expect(b.told).toEqual([])
  })

  it('tells with a task how many members were asked, though some have answered before', async () => {
    const a = join('a')
    const tasks: TaskMessage[] = []
    const send = (async (_name, message) => {
      tasks.push(message as TaskMessage)
      return { ok: true }
    }) as Told['link']['send']
    world.fleet.leave(a)
    world.fleet.join({ ...a, link: { ...a.link, send } })
    await world.fleet.available(RUN, CONFIG)
    const cohort = [0, 1, 2].map((slot) => ({ slot, lease: leaseOf(slot), personal: null }))
    const { abort, ended } = world.exchange(world.opening({ cohort }), [1, 2])
    await settleDown()
    expect(tasks).toMatchObject([{ slot: 0, cohort: 3 }])
    abort.abort()
    await ended
  })

  it('does not offer a task to a member that came back with another policy', async () => {
    const a = join('a')
    await world.fleet.available(RUN, tinyConfig())
    world.fleet.leave(a)
    const back = join('a', only('moon'))
    const { ended } = world.exchange(
      world.opening({ cohort: [{ slot: 0, lease: '0'.repeat(32), personal: null }] }),
    )
    await settleDown()
    expect(await ended).toEqual([])
    expect(back.told).toEqual([])
    expect(world.notes).toMatchObject([['task:failed', { slot: 0, code: 'policy/refused' }]])
  })

  it('is asked again when an owner has changed the mind', async () => {
    const a = join('a', only('fedavg'))
    expect(await world.fleet.available(RUN, CONFIG)).toEqual([])
    const changed = world.fleet.changed(new AbortController().signal)
    world.fleet.leave(a)
    join('a', only('fedavg', 'scaffold'))
    await changed
    expect(await world.fleet.available(RUN, CONFIG)).toEqual([0])
    expect(await world.fleet.refusals(RUN, CONFIG)).toEqual([])
  })
})
