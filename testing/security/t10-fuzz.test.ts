import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { TaskMessage } from '#protocol/messages.js'
import { createStreams, type Stream } from '#protocol/random.js'
import { enrolNode, post, SocketNode } from '#testing/socket-node.js'
import { tokenOf, type Identity } from '#testing/synthetic-identity.js'
import { nextFrames } from './frame-fuzzer.js'
import { RawWebSocket } from './raw-websocket.js'
import { CONFIG, codeOf } from './world.js'

/** More by night: `npm run test:security -- --nightly`. */
const FRAMES = Number(process.env['TRIBUTARY_FUZZ_FRAMES'] ?? 100_000)
const SEED = Number(process.env['TRIBUTARY_FUZZ_SEED'] ?? 10)
const A_BATCH = 300
const MB = 1024

describe('SEC-T10: frames of a node that means harm', () => {
  let directory: string
  let child: ChildProcess
  let at: { readonly url: string; readonly people: string }
  let said = ''
  let identity: Identity
  let task: TaskMessage
  let token: string
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'tributary-fuzz-'))
    child = fork(fileURLToPath(new URL('server-main.ts', import.meta.url)), [directory], {
      execArgv: ['--conditions=source', '--import', 'tsx'],
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    })
    child.stderr?.on('data', (chunk: Buffer) => (said += chunk.toString()))
    ;[at] = (await once(child, 'message')) as [typeof at]
    // A round that stays open, with a task for the one that means harm.
    const honest = await SocketNode.join(at.url, await enrolNode(at.url, at.people, 'a'), {
      name: 'a',
    })
    identity = await enrolNode(at.url, at.people, 'f')
    const first = await SocketNode.join(at.url, identity, { name: 'f' })
    const cohort = { ...CONFIG.cohort, graceSeconds: 600, deadlineSeconds: 3600 }
    await post(`${at.url}/api/runs`, { config: { ...CONFIG, cohort } }, at.people)
    task = await first.task(1)
    first.close()
    token = await tokenOf(at.url, identity)
    honest.close()
  })
  afterAll(async () => {
    if (child.exitCode === null) {
      const gone = once(child, 'exit')
      child.kill('SIGKILL')
      await gone
    }
    await rm(directory, { recursive: true, force: true })
  })
  const peakMB = async (): Promise<number> => {
    const status = await readFile(`/proc/${child.pid}/status`, 'utf8')
    return Number(/VmHWM:\s+(\d+)/.exec(status)?.[1] ?? 0) / MB
  }

  const attack = async (frames: number, stream: Stream): Promise<{ connections: number }> => {
    let sent = 0
    let connections = 0
    while (sent < frames) {
      connections += 1
      // A token lasts for a quarter of an hour.
      if (connections % 1000 === 0) token = await tokenOf(at.url, identity)
      const raw = await RawWebSocket.node(at.url, token)
      const update = { task, bytes: Buffer.from('an update of a few bytes') }
      while (!raw.isClosed && sent < frames) {
        const parts: Buffer[] = []
        for (let i = 0; i < A_BATCH; i += 1) {
          const made = nextFrames({ update }, stream, i)
          parts.push(made.bytes)
          sent += made.frames
        }
        await raw.write(Buffer.concat(parts))
        raw.frames.length = 0
        raw.text('42/fl,777777["are you there",0]')
        await raw.until(
          () => raw.isClosed || raw.texts.some((text) => text.startsWith('43/fl,777777')),
        )
      }
      raw.end()
    }
    return { connections }
  }

  it(`SEC-T10: ${FRAMES} of them end no process, keep no memory, and leave the coordinator at work`, async ({
    task: test,
  }) => {
    const before = await peakMB()
    const stream = createStreams(SEED)('frames', 0, 0)
    const { connections } = await attack(FRAMES, stream)
    Object.assign(test.meta, { frames: FRAMES, connections, seed: SEED })
    expect(child.exitCode).toBeNull()
    const grown = (await peakMB()) - before
    Object.assign(test.meta, { grownMB: Math.round(grown) })
    expect(grown).toBeLessThan(300)
    // Nothing that nobody caught, and no fault of ours: what is refused is refused by type.
    expect(said.split('\n').find((line) => /"level":[56]0/.test(line)) ?? '').toBe('')
    const node = await SocketNode.join(at.url, await enrolNode(at.url, at.people, 'b'), {
      name: 'b',
    })
    const response = await post(`${at.url}/api/runs`, { config: CONFIG }, at.people)
    const { runId } = (await response.json()) as { runId: string }
    await node.until(() => node.tasks.some((one) => one.runId === runId))
    const own = node.tasks.find((one) => one.runId === runId)!
    expect(codeOf(await node.upload({ task: own, bytes: Buffer.from('honest') }))).toBe('ok')
    node.close()
  }, 3_600_000)
  it('SEC-T10: a message whose name is a number is refused like any other that is none', async () => {
    const raw = await RawWebSocket.node(at.url, await tokenOf(at.url, identity))
    raw.text('42/fl,5[7,{}]')
    await raw.until(() => raw.isClosed || raw.texts.some((text) => text.startsWith('43/fl,5')))
    expect(raw.texts.at(-1)).toContain('message/malformed')
    raw.end()
  })
})
