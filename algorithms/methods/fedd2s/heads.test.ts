import { beforeAll, describe, expect, it } from 'vitest'
import { bundleHash, float32Of, makeBundle, type Bundle } from '#protocol/bundle.js'
import { createStreams } from '#protocol/random.js'
import { paramsBundle } from '#algorithms/models/params.js'
import { useBackend } from '#algorithms/tensor/backends.js'
import { CLIENTS, fedd2sLab, payloadOf } from '#testing/fedd2s-lab.js'
import { fedd2sServerLab, foldedOf, type MadeUp } from '#testing/fedd2s-rounds.js'
import { travelled } from '#testing/run-rounds-in-memory.js'
import { groupsOf } from './architectures.js'
import { headOf, headsIn } from './heads.js'
import { headIn } from './wire.js'

/** Every round a new cut: dense3, dense2, dense1. */
const EACH = { interval: 1 }
const ROWS: readonly MadeUp[] = [
  { slot: 0, labels: [0, 1, 2, 0] },
  { slot: 2, labels: [2, 1, 1] },
]
type Lab = ReturnType<typeof fedd2sServerLab>

/** Sizes of the heads of 6-5-4-3 at dense3, dense2, dense1. */
const SIZES = [15, 15 + 24, 15 + 24 + 35]
const stackIn = ({ setup, architectures }: Lab, state: Bundle, group = 0) =>
  headsIn(setup, groupsOf(architectures), state).stacks[group]!.map((head) => [...head])

describe('the heads of the server', () => {
  beforeAll(async () => void (await useBackend('cpu')))

  it('begin as the upper layers of what every client begins with', () => {
    const lab = fedd2sServerLab()
    const { model, streams } = lab.setup
    const first = [...model.init(streams('init', 0, 0))]
    const stack = stackIn(lab, lab.server.init(null))
    expect(stack.map((head) => head.length)).toEqual(SIZES)
    stack.forEach((head) => expect(head).toEqual(first.slice(-head.length)))
  })

  it('begin with the bundle that the run starts from', () => {
    const lab = fedd2sServerLab()
    const { model } = lab.setup
    const given = model.init(createStreams(99)('init', 0, 0))
    const stack = stackIn(lab, lab.server.init(paramsBundle(model, given)))
    stack.forEach((head) => expect(head).toEqual([...given.subarray(-head.length)]))
  })

  it('of other models than the configured one are drawn, whatever bundle the run starts from', () => {
    const hyper = { otherModels: [{ name: 'mlp', hidden: [6, 5, 7] }], cuts: ['dense3'] }
    const lab = fedd2sServerLab({ hyper })
    const { model } = lab.setup
    const started = lab.server.init(
      paramsBundle(model, model.init(createStreams(99)('init', 0, 0))),
    )
    expect(stackIn(lab, started, 1)).toEqual(stackIn(lab, lab.server.init(null), 1))
    expect(stackIn(lab, started, 0)).not.toEqual(stackIn(lab, lab.server.init(null), 0))
  })

  it('keep nothing of the layers up to the shallowest cut, which are never used', () => {
    const { server } = fedd2sServerLab()
    const names = server.init(null).tensors.map(({ name }) => name)
    expect(names.some((name) => name.includes('dense1'))).toBe(false)
    expect(names).toHaveLength(6)
    expect(fedd2sServerLab({ hyper: { minCut: 'dense2' } }).server.init(null).tensors).toHaveLength(
      4,
    )
  })

  it.each(['suffix', 'perCut'] as const)('survive encode and decode (%s)', async (headSharing) => {
    const lab = fedd2sServerLab({ hyper: { ...EACH, headSharing } })
    const { state } = await lab.closeWith(lab.server.init(null), ROWS)
    expect(bundleHash(travelled(state))).toBe(bundleHash(state))
    expect(stackIn(lab, travelled(state))).toEqual(stackIn(lab, state))
  })

  it('I10: a server step changes only the blocks above the cut, in every stage', async () => {
    const lab = fedd2sServerLab({ hyper: EACH })
    let state = lab.server.init(null)
    for (const size of SIZES) {
      const before = stackIn(lab, state)[2]!
      state = (await lab.closeWith(state, ROWS)).state
      const after = stackIn(lab, state)[2]!
      const below = after.length - size
      expect(after.slice(0, below)).toEqual(before.slice(0, below))
      expect(after.slice(below)).not.toEqual(before.slice(below))
    }
  })

  it('I10: no server call changes what clients have, and no client call the heads', async () => {
    const { server, closeWith, planOf, close } = fedd2sServerLab()
    const client = fedd2sLab()
    const state = server.init(null)
    const memory = await client.memoryAfter()
    const before = [bundleHash(state), bundleHash(memory)]
    const result = await client.half.perform({
      ...client.inputOf({ memory, r: 1 }),
      shared: planOf(state).shared,
    })
    await closeWith(state, ROWS)
    await close(state, [payloadOf(result)])
    expect([bundleHash(state), bundleHash(memory)]).toEqual(before)
  })

  it('grow at the input when the cut moves: what is above keeps what it learned', async () => {
    const lab = fedd2sServerLab({ hyper: EACH })
    const { state } = await lab.closeWith(lab.server.init(null), ROWS)
    const [deep, middle] = stackIn(lab, state)
    const first = stackIn(lab, lab.server.init(null))[1]!
    expect(middle!.slice(-15)).toEqual(deep)
    expect(middle!.slice(0, 24)).toEqual(first.slice(0, 24))
  })

  it('shrink at the input in the reversed schedule, and what they give up keeps its values', async () => {
    const lab = fedd2sServerLab({ hyper: { ...EACH, schedule: 'reversed' } })
    const one = (await lab.closeWith(lab.server.init(null), ROWS)).state
    const two = (await lab.closeWith(one, ROWS)).state
    const [before, after] = [one, two].map((state) => stackIn(lab, state)[2]!)
    expect(after!.slice(0, 35)).toEqual(before!.slice(0, 35))
    expect(after!.slice(35)).not.toEqual(before!.slice(35))
  })

  it('of each cut are independent with perCut', async () => {
    const lab = fedd2sServerLab({ hyper: { ...EACH, headSharing: 'perCut' } })
    const first = stackIn(lab, lab.server.init(null))
    const one = (await lab.closeWith(lab.server.init(null), ROWS)).state
    const [deep, middle, shallow] = stackIn(lab, one)
    expect(deep).not.toEqual(first[0])
    expect([middle, shallow]).toEqual(first.slice(1))
    const two = stackIn(lab, (await lab.closeWith(one, ROWS)).state)
    expect(two[0]).toEqual(deep)
    expect(two[1]).not.toEqual(middle)
  })

  it('go to clients with headDownload alone, each group’s at the cut of the round', async () => {
    const plain = fedd2sServerLab()
    expect(plain.planOf(plain.server.init(null)).shared.tensors).toEqual([])
    const lab = fedd2sServerLab({ hyper: { ...EACH, transfer: 'headDownload' } })
    const { state, personal } = await lab.closeWith(lab.server.init(null), ROWS)
    const { shared } = lab.planOf(state)
    const { layout } = headOf(groupsOf(lab.architectures)[0]!, 1)
    expect([...headIn(shared, 0, layout)]).toEqual(stackIn(lab, state)[1])
    expect(shared.payload.length).toBe(4 * SIZES[1]!)
    expect(personal?.size).toBe(0)
  })

  it('D17: clients of other shapes have a head of their own, and one with one client is told', async () => {
    const hyper = { ...EACH, otherModels: [{ name: 'mlp', hidden: [6, 5, 7] }] }
    const lab = fedd2sServerLab({ hyper })
    const init = lab.server.init(null)
    const { model } = lab.architectures[1]!
    const first = [...model.init(lab.setup.streams('init', 1, 0))]
    expect(stackIn(lab, init, 1)[0]).toEqual(first.slice(-24))
    const rows = [...ROWS, { slot: 1, labels: [0, 2] }]
    const { state, metrics, personal } = await lab.closeWith(init, rows)
    expect(metrics).toMatchObject({
      ...{ groups: 2, samples: 9, 'group/0/clients': 2, 'group/1/clients': 1 },
    })
    expect([...personal!].map(([slot, { tensors }]) => [slot, tensors[0]!.shape])).toEqual([
      ...[
        [0, [4, 3]],
        [2, [3, 3]],
        [1, [2, 3]],
      ],
    ])
    // What the others send makes no difference to a group.
    const alone = await lab.closeWith(init, rows.slice(2))
    expect(stackIn(lab, alone.state, 1)).toEqual(stackIn(lab, state, 1))
    expect(stackIn(lab, alone.state, 0)).toEqual(stackIn(lab, init, 0))
    expect(float32Of(alone.personal!.get(1)!, 'softLabels')).toEqual(
      float32Of(personal!.get(1)!, 'softLabels'),
    )
  })

  it('D17: clients with other layers above the cuts share a head', () => {
    const same = { name: 'mlp', hidden: [6, 5, 4], activation: 'gelu' }
    const lab = fedd2sServerLab({ hyper: { otherModels: [same] } })
    expect(groupsOf(lab.architectures)).toHaveLength(1)
    const shallow = { otherModels: [{ name: 'mlp', hidden: [6, 9] }], cuts: ['dense1'] }
    expect(groupsOf(fedd2sServerLab({ hyper: shallow }).architectures)).toHaveLength(1)
  })

  it('D9: an empty round leaves them as they are, and the schedule goes on', async () => {
    const lab = fedd2sServerLab({ hyper: EACH })
    const init = lab.server.init(null)
    for (const folded of [{ groups: {}, reporters: [], population: 3 }, foldedOf([])]) {
      const { state, metrics, personal } = await lab.server.close(init, lab.planOf(init), folded)
      expect(stackIn(lab, state)).toEqual(stackIn(lab, init))
      expect(state.meta['round']).toBe(1)
      expect(metrics).toEqual({ cut: 3, stage: 0 })
      expect(personal?.size).toBe(0)
      expect(lab.planOf(state).task).toMatchObject({ round: 1, cut: 'dense2', isStageStart: true })
    }
  })

  it('are left alone once the federation is over', async () => {
    const lab = fedd2sServerLab({ hyper: { stopFederationAfter: 1, transfer: 'headDownload' } })
    const { state } = await lab.closeWith(lab.server.init(null), ROWS)
    const plan = lab.planOf(state)
    expect(plan).toMatchObject({ task: { round: 1, cut: null }, uplink: [] })
    expect(plan.shared).toEqual(makeBundle([]))
    const closed = await lab.server.close(state, plan, {
      ...{ groups: {}, reporters: [0, 1], population: CLIENTS.length },
    })
    expect(stackIn(lab, closed.state)).toEqual(stackIn(lab, state))
    expect(closed.state.meta['round']).toBe(2)
  })
})
