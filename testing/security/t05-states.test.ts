import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { asFederationError } from '#protocol/errors.js'
import { updateIdOf, type Message } from '#protocol/messages.js'
import type { Session } from '#coordinator/fleet/registry.js'
import { FleetWorld, head, leaseOf, RUN, settleDown } from '#testing/fleet-world.js'
import { beginOf, frameOf, type Outgoing } from '#testing/socket-node.js'

type Code = string
/** Where the task of a member can be, as its coordinator sees it. */
const STATES = ['unasked', 'asked', 'begun', 'brought', 'accepted', 'failed', 'closed'] as const
type State = (typeof STATES)[number]
const MESSAGES = ['begin', 'begin another', 'chunk', 'finish', 'fail', 'fate'] as const
type MessageKind = (typeof MESSAGES)[number]

const task = { runId: RUN, round: 1, attempt: 1, slot: 0, lease: leaseOf(0) }
const UPDATE: Outgoing = { task, bytes: Buffer.from('the update') }
const ANOTHER: Outgoing = { task, bytes: Buffer.from('another update') }

/** One member of two, and what its coordinator knows of its task. */
class Member {
  abort: AbortController | null = null
  ended: Promise<unknown> = Promise.resolve()

  private constructor(
    readonly world: FleetWorld,
    readonly session: Session,
  ) {}
  static async join(): Promise<Member> {
    const world = await FleetWorld.create()
    for (const name of ['a', 'b']) {
      const session = world.join(name)
      const card = session.card
      const engine = { backend: 'cpu', version: '1', threads: 1 }
      await world.store.enlist(RUN, { nodeId: session.nodeId, name, card, engine })
    }
    return new Member(world, world.fleet.registry.online()[0]!)
  }

  async ask(): Promise<void> {
    const { abort, ended } = this.world.exchange()
    this.abort = abort
    this.ended = ended
    await settleDown()
  }
  async say(kind: MessageKind): Promise<Code> {
    const { reception } = this.world.fleet
    const what = {
      begin: () => reception.begin(this.session, beginOf(UPDATE)),
      'begin another': () => reception.begin(this.session, beginOf(ANOTHER)),
      chunk: () => reception.chunk(this.session, frameOf(UPDATE, 0)),
      finish: () => reception.finish(this.session, beginOf(UPDATE)),
      fail: () =>
        reception.failed(this.session, { ...task, problem: { code: 'task/failed', message: '' } }),
      fate: () => reception.fate(this.session, task),
    }[kind]
    return codeOf(this.world, what)
  }
  /** The round is closed with what has arrived. */
  async close(): Promise<void> {
    this.abort?.abort()
    await this.ended
    const from = (await this.world.store.head(RUN))!
    await this.world.store.advance(RUN, from, head({ state: 'FROZEN' }))
  }
  async bring(state: State): Promise<void> {
    if (state === 'unasked') {
      await this.world.store.advance(RUN, head({}), head({ state: 'PLANNED' }))
      return
    }
    await this.ask()
    if (['begun', 'brought', 'accepted'].includes(state)) await this.say('begin')
    if (['brought', 'accepted'].includes(state)) await this.say('chunk')
    if (state === 'accepted') {
      await this.say('finish')
      const { updateId, sha256, weight, metrics } = beginOf(UPDATE)
      const update = { slot: 0, updateId, sha256, weight, metrics, blob: sha256 }
      await this.world.store.accept(RUN, { epoch: 1, round: 1, attempt: 1 }, update)
    }
    if (state === 'failed') await this.say('fail')
    if (state === 'closed') await this.close()
  }
}

/** What a message is answered with. Time passes while it is waited for: a round may have to be taken up first. */
async function codeOf({ clock }: FleetWorld, what: () => Promise<object>): Promise<Code> {
  let code: Code | null = null
  void what()
    .then((answer) => {
      const { status, fate, nextChunk } = answer as Readonly<Record<string, string | number>>
      code = `ok ${status ?? fate ?? nextChunk ?? ''}`.trim()
    })
    .catch((error: unknown) => (code = asFederationError(error).code))
  for (let waited = 0; code === null && waited < 100; waited += 1) {
    await settleDown()
    if (code === null && waited > 10) clock.advance(250)
  }
  return code ?? 'no answer'
}

/**
 * The whole matrix. An update counts from 'brought' and `finish` on, and from nowhere else. A task that has failed is as one
 * whose round is still to be taken up: the node is told to come back.
 */
const EXPECTED: Readonly<Record<State, Readonly<Record<MessageKind, Code>>>> = {
  unasked: {
    begin: 'round/closed',
    'begin another': 'round/closed',
    chunk: 'upload/out-of-order',
    finish: 'upload/out-of-order',
    fail: 'round/not-leased',
    fate: 'ok abandoned',
  },
  asked: {
    begin: 'ok 0',
    'begin another': 'ok 0',
    chunk: 'upload/out-of-order',
    finish: 'upload/out-of-order',
    fail: 'ok',
    fate: 'ok open',
  },
  begun: {
    begin: 'ok 0',
    'begin another': 'ok 0',
    chunk: 'ok 1',
    finish: 'upload/out-of-order',
    fail: 'ok',
    fate: 'ok open',
  },
  brought: {
    begin: 'ok 1',
    'begin another': 'ok 0',
    chunk: 'upload/out-of-order',
    finish: 'ok accepted',
    fail: 'ok',
    fate: 'ok open',
  },
  accepted: {
    begin: 'ok accepted',
    'begin another': 'update/conflict',
    chunk: 'upload/out-of-order',
    finish: 'ok accepted',
    fail: 'round/not-leased',
    fate: 'ok open',
  },
  failed: {
    begin: 'coordinator/unreachable',
    'begin another': 'coordinator/unreachable',
    chunk: 'upload/out-of-order',
    finish: 'upload/out-of-order',
    fail: 'round/not-leased',
    fate: 'ok open',
  },
  closed: {
    begin: 'round/closed',
    'begin another': 'round/closed',
    chunk: 'upload/out-of-order',
    finish: 'upload/out-of-order',
    fail: 'round/not-leased',
    fate: 'ok open',
  },
}

const REFUSALS = ['round/not-leased', 'round/closed', 'update/conflict', 'coordinator/unreachable']

describe('SEC-T5: messages at the wrong time', () => {
  it.each(STATES.flatMap((state) => MESSAGES.map((message) => [state, message] as const)))(
    'SEC-T5: in state %s, %s',
    async (state, message) => {
      const member = await Member.join()
      await member.bring(state)
      expect(await member.say(message)).toBe(EXPECTED[state][message])
      await member.close()
    },
  )

  const wrong = fc.oneof(
    fc.record({ round: fc.integer({ min: 2, max: 9 }) }),
    fc.record({ round: fc.constant(0) }),
    fc.record({ attempt: fc.integer({ min: 2, max: 9 }) }),
    fc.record({ slot: fc.integer({ min: 1, max: 9 }) }),
    fc.record({ lease: fc.constantFrom(leaseOf(1), 'f'.repeat(32)) }),
    fc.record({ runId: fc.constant('run-zzzzzzzzzzzz') }),
  )
  it('SEC-T5: of another round, attempt, member, run or lease, is refused in every state', async () => {
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...STATES), wrong, async (state, change) => {
        const member = await Member.join()
        await member.bring(state)
        const begin = { ...beginOf(UPDATE), ...change } as Message<'update:begin'>
        const sent = { ...begin, updateId: updateIdOf(begin) }
        const code = await codeOf(member.world, () =>
          member.world.fleet.reception.begin(member.session, sent),
        )
        expect(REFUSALS).toContain(code)
        await member.close()
      }),
      { numRuns: 150, seed: 5 },
    )
  })
  it('SEC-T5: whatever is said in whatever order, an update counts at most once and only whole', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.constantFrom(...MESSAGES), { minLength: 1, maxLength: 12 }),
        async (said) => {
          const member = await Member.join()
          await member.ask()
          const codes: Code[] = []
          for (const kind of said) codes.push(await member.say(kind))
          const counted = codes.filter((code, i) => code === 'ok accepted' && said[i] === 'finish')
          await member.close()
          const arrived = (await member.ended) as readonly unknown[]
          expect(arrived.length).toBe(counted.length > 0 ? 1 : 0)
        },
      ),
      { numRuns: 300, seed: 5 },
    )
  })
})
