import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, afterEach, describe, expect, it, vi } from 'vitest'
import { setSyncFailureHandler } from '#coordinator/durable-files.js'
import { startChild, type ChildCalls } from './child-calls.js'

const root = await mkdtemp(join(tmpdir(), 'tributary-child-'))
afterAll(() => rm(root, { recursive: true, force: true }))
// The entry module is JavaScript beside a made-up parent, so that no loader is needed to start it.
await writeFile(
  join(root, 'echo-main.js'),
  `process.on('message', async ({ id, method, args }) => {
     if (method === 'die') process.exit(3)
     if (method === 'lose-disk') process.exit(74)
     if (method === 'fail') return process.send({ id, ok: false, problem: { code: 'data/corrupt', message: 'bad' } })
     if (method === 'tell') process.send({ note: args[0] })
     if (method === 'hang') for (;;);
     if (method === 'later') await new Promise((resolve) => setImmediate(resolve))
     process.send({ id, ok: true, value: [method, ...args] })
   })
   process.once('disconnect', () => process.exit(0))`,
)
const parentUrl = pathToFileURL(join(root, 'parent.js')).href

describe('calls to a child process', () => {
  let child: ChildCalls
  const start = (): ChildCalls => (child = startChild({ parentUrl, path: './echo-main.js' }))
  afterEach(async () => {
    setSyncFailureHandler(null)
    await child.stop()
  })

  it('answer each caller, bytes included', async () => {
    start()
    const bytes = Uint8Array.of(1, 2)
    const answers = await Promise.all([child.call('later', 1), child.call('echo', bytes)])
    expect(answers).toEqual([
      ['later', 1],
      ['echo', bytes],
    ])
  })
  it('reject with the error of the child', async () => {
    await expect(start().call('fail')).rejects.toMatchObject({
      code: 'data/corrupt',
      message: 'bad',
    })
  })
  it('are given up when the child dies over one twice, and others go on', async () => {
    start()
    await expect(child.call('die')).rejects.toMatchObject({
      code: 'algorithm/failed',
      message: expect.stringContaining('died twice during die (status 3)') as string,
    })
    expect(await child.call('echo')).toEqual(['echo'])
  })
  it('are not made again when the disk failed under the child: this process ends, too', async () => {
    const ended = vi.fn()
    setSyncFailureHandler(ended)
    start()
    const calls = [child.call('lose-disk'), child.call('later')]
    for (const call of calls) await expect(call).rejects.toMatchObject({ code: 'store/io' })
    expect(ended).toHaveBeenCalledTimes(1)
    expect(child.pid).toBeNull()
  })
  it('are refused after the child was stopped', async () => {
    start()
    await child.call('echo')
    await child.stop()
    await expect(child.call('echo')).rejects.toMatchObject({ code: 'algorithm/failed' })
    expect(child.pid).toBeNull()
  })
  it('end in the middle of work that never yields when the child is killed', async () => {
    start()
    const hanging = child.call('hang')
    hanging.catch(() => undefined)
    await child.kill()
    await expect(hanging).rejects.toMatchObject({ code: 'algorithm/failed' })
    expect(child.pid).toBeNull()
  })
  it('tell between answers what nobody has asked for', async () => {
    const notes: unknown[] = []
    const onNote = (note: unknown): void => void notes.push(note)
    child = startChild({ parentUrl, path: './echo-main.js', onNote })
    expect(await child.call('tell', { share: 0.5 })).toEqual(['tell', { share: 0.5 }])
    expect(notes).toEqual([{ share: 0.5 }])
  })
})
