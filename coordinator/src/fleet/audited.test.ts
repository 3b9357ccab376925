import { beforeEach, describe, expect, it } from 'vitest'
import type { AuditBudgetName } from '#protocol/audit-config.js'
import type { AuditLevel } from '#protocol/audit-level.js'
import { sha256 } from '#protocol/ids.js'
import type { TaskMessage } from '#protocol/messages.js'
import { DEFAULT_POLICY, type Policy } from '#protocol/policy.js'
import { newKeyPair } from '#protocol/proof.js'
import { CONFIG, FleetWorld, RUN, settleDown } from '#testing/fleet-world.js'

const [KEY, OTHER] = [newKeyPair().publicKey, newKeyPair().publicKey] as const
const REPORT = { hash: sha256('report'), bytes: 6 }
const audited = (verdict: AuditLevel) => ({
  ...{ verdict, publicKey: KEY, report: REPORT },
  effort: { smoke: 10_000, standard: 6 },
})
const wanting = (most: AuditLevel, key: string | null = null): Policy => ({
  ...DEFAULT_POLICY,
  audit: { most, key, budget: 'standard', records: 4 },
})

describe('members whose owners demand a privacy audit', () => {
  let world: FleetWorld
  let audit: ReturnType<typeof audited> | null
  beforeEach(async () => {
    world = await FleetWorld.create()
    world.restart({ audits: async () => audit })
    audit = null
  })
  const available = () => world.fleet.available(RUN, CONFIG)

  it('are not counted on for a run without one, and everybody hears why', async () => {
    world.join('a')
    world.join('b', undefined, wanting('high'))
    expect(await available()).toHaveLength(1)
    expect(world.notes).toMatchObject([['member:refused', { name: 'b', code: 'policy/refused' }]])
    expect(await world.fleet.refusals(RUN, CONFIG)).toEqual([
      '1 of 2 connected nodes does not allow runs without a signed report of a privacy audit. Their owners can: ask for a run with the key audit, or join again without --require-audit',
    ])
    // Before a run is created nobody knows what its audit will say.
    expect(world.fleet.candidates(CONFIG)).toBe(2)
  })

  it('are counted on where it says no more than they take, by a key that counts', async () => {
    audit = audited('elevated')
    world.join('a', undefined, wanting('not-demonstrated'))
    world.join('b', undefined, wanting('elevated'))
    world.join('c', undefined, wanting('certain', OTHER))
    world.join('d', undefined, wanting('elevated', KEY))
    const roster = async () => (await world.store.roster(RUN)).map(({ name }) => name)
    await available()
    expect(await roster()).toEqual(['b', 'd'])
  })

  it('are counted on where it tried as much as they ask for, and everybody hears what it tried', async () => {
    audit = audited('elevated')
    const asking = (budget: AuditBudgetName, records: number): Policy => ({
      ...DEFAULT_POLICY,
      audit: { most: 'elevated', key: null, budget, records },
    })
    world.join('a', undefined, asking('thorough', 4))
    world.join('b', undefined, asking('standard', 7))
    world.join('c', undefined, asking('standard', 6))
    world.join('d', undefined, asking('smoke', 20))
    await available()
    expect((await world.store.roster(RUN)).map(({ name }) => name)).toEqual(['c', 'd'])
    expect(await world.fleet.refusals(RUN, CONFIG)).toEqual([
      '1 of 4 connected nodes does not allow runs whose privacy audit tried less than the budget thorough on 4 records (this one: standard on 6). Their owners can: join again with --audit-budget standard --audit-records 4',
      '1 of 4 connected nodes does not allow runs whose privacy audit tried less than the budget standard on 7 records (this one: standard on 6). Their owners can: join again with --audit-budget standard --audit-records 6',
    ])
  })

  it('are told of the report with their tasks, and may read it while they work', async () => {
    audit = audited('elevated')
    await world.store.blobs.put(Buffer.from('report'))
    const tasks: TaskMessage[] = []
    const member = world.join('a', undefined, wanting('elevated'))
    const send = member.link.send.bind(member.link)
    member.link.send = async (name, message) => {
      if (name === 'round:start') tasks.push(message as TaskMessage)
      return send(name, message)
    }
    const stranger = world.join('b')
    await available()
    const { abort, ended } = world.exchange({
      ...world.opening(),
      cohort: world.opening().cohort.slice(0, 1),
    })
    await settleDown()
    expect(tasks).toMatchObject([
      { audit: { report: REPORT, verdict: 'elevated', publicKey: KEY } },
    ])
    const reading = await world.fleet.readBlob(member.nodeId, REPORT.hash)
    expect(await reading?.blobs.get(REPORT.hash)).toEqual(Buffer.from('report'))
    const denied = world.fleet.readBlob(stranger.nodeId, REPORT.hash)
    for (let tries = 0; tries < 4; tries += 1) {
      await settleDown()
      world.clock.advance(250)
    }
    expect(await denied).toBeNull()
    abort.abort()
    await ended
  })
})
