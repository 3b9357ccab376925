import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { RunId } from '#protocol/ids.js'
import type { TaskMessage } from '#protocol/messages.js'
import { beginOf, frameOf, type SocketNode } from '#testing/socket-node.js'
import type { Identity } from '#testing/synthetic-identity.js'
import { codeOf, World } from './world.js'

describe('SEC-T6: a node in the name of another', () => {
  let world: World
  let a: SocketNode
  let b: SocketNode
  let identity: Identity
  let runId: RunId
  let task: TaskMessage
  beforeAll(async () => {
    world = await World.open()
    identity = await world.enrol('a')
    a = await world.join('a', identity)
    b = await world.join('b')
    runId = await world.run()
    // The task of b, with its lease and everything, as if a had got hold of it.
    task = await b.task(1)
    await a.task(1)
  })
  afterAll(() => world.close())
  const place = () => ({ runId, round: 1, attempt: 1, slot: task.slot })

  it('SEC-T6: cannot send, fail or ask for a task of the other, lease or no lease', async () => {
    const update = { task, bytes: Buffer.from('update') }
    expect(codeOf(await a.begin(update))).toBe('round/not-leased')
    const problem = { code: 'task/failed', message: '' }
    const failed = { ...place(), lease: task.lease, problem }
    expect(codeOf(await a.ask('task:failed', failed))).toBe('round/not-leased')
    expect(codeOf(await a.ask('fate:ask', place()))).toBe('round/not-leased')
    expect(codeOf(await b.ask('fate:ask', place()))).toBe('ok')
  })
  it('SEC-T6: cannot go on with, or end, an upload of the other', async () => {
    const update = { task, bytes: Buffer.from('another update') }
    expect(codeOf(await b.begin(update))).toBe('ok')
    const chunk = await a.ask('update:chunk', Buffer.from(frameOf(update, 0)))
    expect(codeOf(chunk)).toBe('upload/out-of-order')
    expect(codeOf(await a.finish(update))).toBe('upload/out-of-order')
    expect(codeOf(await b.chunk(update, 0))).toBe('ok')
  })
  it('SEC-T6: changes no progress of the other', async () => {
    const progress = { runId, round: 1, slot: task.slot, done: 1, total: 2 }
    await a.ask('node:progress', progress)
    const { text } = await world.call(['GET', '/api/nodes'])
    const { nodes } = JSON.parse(text) as { nodes: { name: string; task: object | null }[] }
    expect(nodes.find(({ name }) => name === 'b')?.task).toMatchObject({ progress: null })
  })
  it('SEC-T6: is given no identity by what a body says', async () => {
    const begin = { ...beginOf({ task, bytes: Buffer.from('x') }), nodeId: 'node-000000000000' }
    expect(codeOf(await a.ask('update:begin', begin))).toBe('message/malformed')
    const { text } = await world.call(['GET', '/api/nodes'])
    const { nodes } = JSON.parse(text) as { nodes: { nodeId: string; name: string }[] }
    const nameOfA = nodes.find(({ nodeId }) => nodeId === identity.nodeId)?.name
    expect(nameOfA).toBe('a')
  })
  it('SEC-T6: reads no blob that no task of its own names, and learns not whether it is there', async () => {
    const stored = await world.store.blobs.put(Buffer.from('personal model of b'))
    const absent = 'ab'.repeat(32)
    const answers = await Promise.all(
      [stored, absent].map(async (hash) => {
        const response = await a.blob(hash as never)
        return [response.status, await response.text()] as const
      }),
    )
    expect(answers[0]?.[0]).toBe(404)
    const [one, two] = answers.map(([, text]) => JSON.parse(text) as { problem: object })
    expect(one?.problem).toMatchObject({ code: 'http/not-found' })
    expect(two?.problem).toMatchObject({ code: 'http/not-found' })
    expect((await a.blob(task.shared.hash)).status).toBe(200)
  })
  it('SEC-T6: a second session of a node ends the first', async () => {
    const gone = new Promise((resolve) => a.socket.once('disconnect', resolve))
    await world.join('a', identity)
    await gone
    const { text } = await world.call(['GET', '/api/status'])
    expect(JSON.parse(text)).toMatchObject({ nodesOnline: 2 })
  })
})
