import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { setFaultHook, type FaultPoint } from '#protocol/fault-points.js'
import type { RunId, Slot } from '#protocol/ids.js'
import type { RunConfig } from '#protocol/run-config.js'
import type { Closed, FrozenRound } from '#coordinator/compute/compute.js'
import type { Opening } from '#coordinator/fleet/fleet.js'
import { RunManager } from '#coordinator/run.js'
import { MemoryStore } from '#coordinator/store/memory-store.js'
import { FakeClock } from '#testing/fake-clock.js'
import { FakeCompute, FakeFleet, untilAborted } from '#testing/fake-fleet.js'
import { SealedBlobs, type Compartment } from './sealed-blobs.js'
import { Vault } from './vault.js'

vi.mock('#algorithms/from-config.js', async (original) => ({
  ...(await original<object>()),
  assertPossible: () => undefined,
}))

const config = (change: object = {}): RunConfig =>
  ({
    ...{ name: 'test', startFrom: null, rounds: 3, seed: 1 },
    cohort: {
      ...{ take: 'all', sampler: 'uniform', minReporters: 2, attempts: 1 },
      ...{ deadlineSeconds: 60, graceSeconds: 5 },
    },
    ...change,
  }) as RunConfig

/** Sees which keys it gets, and leaves a bundle for each of these slots at the end of each round. */
class KeyedCompute extends FakeCompute {
  readonly inspected: (string | undefined)[] = []
  readonly closed: FrozenRound[] = []
  giving: readonly Slot[] = []
  override inspect(...args: Parameters<FakeCompute['inspect']>) {
    const update: { readonly updates?: Compartment | null; readonly weight: number } = args[2]
    this.inspected.push(update.updates?.name)
    return super.inspect(...args)
  }
  override async close(own: RunConfig, round: FrozenRound): Promise<Closed> {
    this.closed.push(round)
    const personal = []
    for (const slot of this.giving) {
      const bytes = Buffer.from(`for ${slot} after ${round.round}`)
      const hash = await new SealedBlobs(round.personal!).put(bytes)
      personal.push({ slot, blob: { hash, bytes: bytes.length } })
    }
    return { ...(await super.close(own, round)), personal }
  }
}

describe('rounds with a vault', () => {
  let root: string
  let store: MemoryStore
  let compute: KeyedCompute
  let fleet: FakeFleet
  let vault: Vault
  const problems: string[] = []
  const openings: Opening[] = []
  const vaultOptions = () => ({
    dataDirectory: root,
    masterKeyFile: `${root}-key`,
  })
  const manager = (): RunManager =>
    new RunManager({
      ...{ store, fleet, compute, vault, clock: new FakeClock(), kind: 'deployed' },
      onProblem: ({ message }) => problems.push(message),
    })
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'tributary-rounds-'))
    store = new MemoryStore()
    compute = new KeyedCompute(store.blobs)
    fleet = new FakeFleet(store.blobs, [0, 1])
    vault = await Vault.open(vaultOptions())
    problems.length = 0
    openings.length = 0
  })
  afterEach(async () => {
    setFaultHook(null)
    await rm(root, { recursive: true })
    await rm(`${root}-key`)
  })
  /** Member 0 contributes; member 1 says nothing until the loop is left, or the point is passed. */
  const silentFrom = (round: number): void => {
    fleet.script = async function* (opening, { done, signal }) {
      openings.push(opening)
      for (const slot of [0, 1].filter((one) => !done.has(one))) {
        if (slot === 1 && opening.round >= round) await untilAborted(signal)
        else yield { slot, payload: `round ${opening.round} slot ${slot}` }
      }
    }
  }
  const everyoneAnswers = (): void => {
    fleet.script = (opening, { done }) => {
      openings.push(opening)
      const missing = opening.cohort.filter(({ slot }) => !done.has(slot))
      return missing.map(({ slot }) => ({ slot, payload: `round ${opening.round} slot ${slot}` }))
    }
  }
  const atSecondRound = async (own: RunConfig): Promise<RunId> => {
    silentFrom(2)
    const runs = manager()
    const accepted = new Promise<void>((resolve) => {
      runs.subscribe((_, { type, data }) => {
        if (type === 'update:accepted' && data['round'] === 2) resolve()
      })
    })
    const runId = await runs.create(own)
    await accepted
    await runs.shutdown()
    return runId
  }
  /** A new process, which finds what lies on disk. */
  const restart = async (): Promise<RunManager> => {
    vault = await Vault.open(vaultOptions())
    everyoneAnswers()
    return manager()
  }
  const finish = async (runs: RunManager, runId: RunId) => {
    await runs.resumeAll()
    await runs.ended(runId)
    return runs.record(runId)
  }

  it('keep one compartment while a round is open, and none after the run', async () => {
    const seen: (readonly string[])[] = []
    everyoneAnswers()
    const script = fleet.script
    fleet.script = async function* (...args) {
      seen.push(await vault.names())
      yield* script(...args)
    }
    const runs = manager()
    const runId = await runs.create(config())
    await runs.ended(runId)
    const names = [1, 2, 3].map((round) => `${runId}-${round}-1`)
    expect(seen).toEqual(names.map((name) => [name]))
    expect(openings.map(({ compartment }) => compartment)).toEqual(names)
    // The key of the round, with each request, and a place for personal bundles.
    expect(compute.inspected).toEqual(names.flatMap((name) => [name, name]))
    expect(compute.closed.map(({ updates }) => updates?.name)).toEqual(names)
    expect(compute.closed.map(({ personal }) => personal?.name)).toEqual(
      names.map((name) => `${name}-personal`),
    )
    expect(await readdir(join(root, 'vault'))).toEqual(['id'])
  })

  it.each(['durable', undefined])(
    'that are durable (%s) go on after a restart with the updates that count',
    async (durability) => {
      const runId = await atSecondRound(config(durability === undefined ? {} : { durability }))
      expect(await vault.names()).toEqual([`${runId}-2-1`])
      const record = await finish(await restart(), runId)
      expect(record.rounds.map(({ round, attempt }) => [round, attempt])).toEqual([
        [0, 1],
        [1, 1],
        [2, 1],
        [3, 1],
      ])
      expect(await vault.names()).toEqual([])
    },
  )
  it('that are ephemeral begin anew after a restart, which is no failure', async () => {
    const runId = await atSecondRound(config({ durability: 'ephemeral' }))
    expect(await readdir(join(root, 'vault', `${runId}-2-1`))).toEqual([])
    const record = await finish(await restart(), runId)
    // Attempts are limited to one: a restart does not use it up.
    expect(record).toMatchObject({ state: 'finished', reason: null })
    expect(record.rounds.map(({ round, attempt }) => [round, attempt])).toEqual([
      [0, 1],
      [1, 1],
      [2, 2],
      [3, 1],
    ])
    const told = (await store.events(runId, 0, 100)).filter(
      ({ type }) => type === 'round:abandoned',
    )
    expect(told.map(({ data }) => data)).toEqual([
      { round: 2, attempt: 1, reason: expect.stringContaining('begins anew') as string },
    ])
    expect(fleet.settled).toContainEqual([2, 1, { 0: 'abandoned', 1: 'abandoned' }])
    expect(await vault.names()).toEqual([])
  })
  it('that are ephemeral go on when only the loop was left', async () => {
    const runId = await atSecondRound(config({ durability: 'ephemeral' }))
    everyoneAnswers()
    const record = await finish(manager(), runId)
    expect(record.rounds.map(({ attempt }) => attempt)).toEqual([1, 1, 1, 1])
  })
  it('that are frozen begin anew too when their key is gone', async () => {
    everyoneAnswers()
    let dies = true
    setFaultHook((point) => {
      if (point === 'commit.before' && dies) throw new Error('died')
    })
    const fail = vi.spyOn(store, 'advance')
    // The process has died: it writes no end of the run.
    fail.mockImplementation(async (runId, from, to) =>
      to.state === 'FAILED' ? false : MemoryStore.prototype.advance.call(store, runId, from, to),
    )
    const runs = manager()
    const runId = await runs.create(config({ durability: 'ephemeral' }))
    await runs.ended(runId)
    expect((await store.head(runId))?.state).toBe('FROZEN')
    dies = false
    const record = await finish(await restart(), runId)
    expect(record.state).toBe('finished')
    expect(record.rounds[1]?.attempt).toBe(2)
  })

  it.each<[string, (runs: RunManager, runId: RunId) => Promise<void>]>([
    ['stopped', (runs, runId) => runs.stop(runId)],
    [
      'failed',
      async (runs, runId) => {
        compute.close = () => Promise.reject(new Error('broken'))
        await runs.resumeAll()
        await runs.ended(runId)
      },
    ],
  ])('leave no key when the run has %s', async (_how, end) => {
    const runId = await atSecondRound(config())
    const runs = await restart()
    await end(runs, runId)
    expect(['STOPPED', 'FAILED']).toContain((await store.head(runId))?.state)
    expect(await vault.names()).toEqual([])
  })
  it.each<FaultPoint>(['open.before_commit', 'commit.after', 'key.destroyed'])(
    'leave no key that nothing refers to when the coordinator dies at %s',
    async (point) => {
      everyoneAnswers()
      let isDead = false
      vi.spyOn(store, 'advance').mockImplementation(async (...args) =>
        isDead ? false : MemoryStore.prototype.advance.apply(store, args),
      )
      setFaultHook((passed) => {
        if (passed !== point || isDead) return
        isDead = true
        throw new Error('died')
      })
      const runs = manager()
      const runId = await runs.create(config())
      await runs.ended(runId)
      isDead = false
      setFaultHook(null)
      compute.next = () => Promise.reject(new Error('not yet'))
      const next = await restart()
      await next.resumeAll()
      expect(await vault.names()).toEqual([])
      await next.ended(runId)
    },
  )

  it('deliver personal bundles from the vault, and forget them when they are not needed', async () => {
    compute.giving = [0, 1, 2]
    everyoneAnswers()
    const kept: (readonly string[])[] = []
    const files: (readonly string[])[] = []
    const script = fleet.script
    fleet.script = async function* (opening, options) {
      const names = (await vault.names()).filter((name) => name.endsWith('-personal'))
      kept.push(names)
      for (const name of names) files.push(await readdir(join(root, 'vault', name)))
      yield* script(opening, options)
    }
    // Slot 2 takes part once only, so that what was made for it waits.
    fleet.online = [0, 1]
    const runs = manager()
    const runId = await runs.create(config())
    await runs.ended(runId)
    const nameOf = (round: number): string => `${runId}-${round}-1-personal`
    expect(
      openings.map(({ cohort }) => cohort.map(({ personal }) => personal?.compartment)),
    ).toEqual([
      [undefined, undefined],
      [nameOf(1), nameOf(1)],
      [nameOf(2), nameOf(2)],
    ])
    expect(kept).toEqual([[], [nameOf(1)], [nameOf(2)]])
    expect(files.map((names) => names.length)).toEqual([4, 4])
    expect(await vault.names()).toEqual([])
    expect(problems).toEqual([])
  })
  it('keep a personal bundle until its member has had it, and nothing beside it', async () => {
    compute.giving = [0, 1]
    everyoneAnswers()
    const runs = manager()
    runs.subscribe((_, { type, data }) => {
      const isFirst = type === 'round:closed' && (data['record'] as { round: number }).round === 1
      // From now on nobody gets a new one, and member 1 is away.
      if (isFirst) [compute.giving, fleet.online] = [[], [0]]
    })
    const waiting: (readonly string[])[] = []
    const script = fleet.script
    fleet.script = async function* (opening, options) {
      if (opening.round === 3)
        waiting.push(await readdir(join(root, 'vault', `${opening.runId}-1-1-personal`)))
      yield* script(opening, options)
    }
    const cohort = { ...config().cohort, minReporters: 1 }
    const runId = await runs.create(config({ cohort }))
    await runs.ended(runId)
    // The one of member 1 and the key; that of member 0 was delivered in round 2.
    expect(waiting.map((names) => names.length)).toEqual([2])
    expect(await vault.names()).toEqual([])
  })
  it.each([
    ['are there after a restart', false],
    ['can be read by nobody any more', true],
  ])('go on with personal bundles that %s', async (_what, isLost) => {
    compute.giving = [0, 1]
    const runId = await atSecondRound(config({ durability: 'ephemeral' }))
    if (isLost) await rm(`${root}-key`)
    vault = await Vault.open({ ...vaultOptions(), abandonUnreadable: isLost })
    everyoneAnswers()
    openings.length = 0
    const record = await finish(manager(), runId)
    expect(record.rounds.map(({ attempt }) => attempt)).toEqual([1, 1, 2, 1])
    const from = isLost ? undefined : `${runId}-1-1-personal`
    expect(openings[0]?.cohort.map(({ personal }) => personal?.compartment)).toEqual([from, from])
  })
})
