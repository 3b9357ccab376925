import { readdir, readFile, rename, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { RunId } from '#protocol/ids.js'
import type { Head } from '#coordinator/store/store.js'
import { World } from './world.js'

describe('SEC-T24: files of the data directory that were changed', () => {
  let world: World
  let runId: RunId
  let head: Head
  beforeAll(async () => {
    world = await World.open()
    const node = await world.join('a')
    runId = await world.run({ rounds: 1 })
    await node.upload({ task: await node.task(1), bytes: Buffer.from('update') })
    await world.coordinator.runs.ended(runId)
    head = (await world.store.head(runId))!
  })
  afterAll(() => world.close())
  const fileOf = (hash: string): string => join(world.dataDir, 'blobs', hash.slice(0, 2), hash)
  const flip = async (path: string, at: number): Promise<Buffer> => {
    const bytes = await readFile(path)
    const changed = Buffer.from(bytes)
    changed[at % changed.length]! ^= 1
    await writeFile(path, changed)
    return bytes
  }
  const model = () => world.call(['GET', `/api/runs/${runId}/model`])

  it('SEC-T24: a model with one flipped bit is not served, wherever the bit is, and the file is named', async () => {
    expect((await model()).status).toBe(200)
    const path = fileOf(head.modelHash)
    const { length } = await readFile(path)
    for (let at = 0; at < length; at += Math.ceil(length / 16)) {
      const sound = await flip(path, at)
      const answer = await model()
      expect([answer.status, answer.code]).toEqual([500, 'store/corrupt'])
      expect(answer.text).toContain(head.modelHash)
      await writeFile(path, sound)
    }
    expect((await model()).status).toBe(200)
  })
  it('SEC-T24: a file that is a link to another is not followed', async () => {
    const path = fileOf(head.modelHash)
    await rename(path, `${path}.aside`)
    await writeFile(join(world.dataDir, 'secret'), 'a file of somebody else')
    await symlink(join(world.dataDir, 'secret'), path)
    const answer = await model()
    expect([answer.status, answer.code]).toEqual([500, 'store/corrupt'])
    await rename(`${path}.aside`, path)
  })
  it('SEC-T24: whatever blob of the run was changed, nothing reads on with it', async () => {
    const names = (await readdir(join(world.dataDir, 'blobs'), { recursive: true })).filter(
      (name) => /[0-9a-f]{64}$/.test(name),
    )
    expect(names.length).toBeGreaterThan(3)
    for (const name of names) {
      const path = join(world.dataDir, 'blobs', name)
      const sound = await flip(path, 3)
      const hash = name.slice(-64)
      await expect(world.store.blobs.get(hash as never)).rejects.toThrow(hash)
      await writeFile(path, sound)
    }
  })
  it('SEC-T24: the chain of records ends where one was changed', async () => {
    const path = fileOf(head.recordHash!)
    const sound = await flip(path, 20)
    const answer = await world.call(['GET', `/api/runs/${runId}`])
    expect([answer.status, answer.code]).toEqual([500, 'store/corrupt'])
    expect(answer.text).toContain(head.recordHash!)
    await writeFile(path, sound)
    expect((await world.call(['GET', `/api/runs/${runId}`])).status).toBe(200)
  })
})
