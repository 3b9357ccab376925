import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { setFaultHook, type FaultPoint } from '#protocol/fault-points.js'
import { sha256 } from '#protocol/ids.js'
import { CHUNK_BYTES } from '#protocol/messages.js'
import { setDiskHook, setSyncFailureHandler, type DiskStep } from '#coordinator/durable-files.js'
import { Vault } from '#coordinator/vault/vault.js'
import { CONFIG, FleetWorld, RUN, settleDown, updateOf, type Told } from '#testing/fleet-world.js'
import { beginOf, chunksOf, frameOf, type Outgoing } from '#testing/socket-node.js'

const withCode = (code: string): Error => expect.objectContaining({ code }) as Error
const failure = (code: string): Error => Object.assign(new Error(code), { code })
const NAME = `${RUN}-1-1`

describe('a disk that fails under an upload', () => {
  let root: string
  let world: FleetWorld
  let vault: Vault
  let node: Told
  let ended: Promise<readonly unknown[]>
  const ends = vi.fn()
  const bytes = new Uint8Array(2 * CHUNK_BYTES + 7).map((_, i) => i % 249)
  const update: Outgoing = { task: updateOf(0).task, bytes }

  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'tributary-disk-'))
    vault = await Vault.open({ dataDirectory: root, masterKeyFile: `${root}-key` })
    await vault.create(NAME, 'disk')
    ends.mockReset()
    setSyncFailureHandler(ends)
    world = await FleetWorld.create()
    world.restart({ vault })
    node = world.join('a')
    await world.fleet.available(RUN, CONFIG)
    const base = world.opening({ compartment: NAME })
    const [first] = base.cohort
    ended = world.exchange({ ...base, cohort: first === undefined ? [] : [first] }).ended
    await settleDown()
  })
  afterEach(async () => {
    setDiskHook(null)
    setFaultHook(null)
    setSyncFailureHandler(null)
    await rm(root, { recursive: true })
    await rm(`${root}-key`)
  })
  const failOnce = (step: DiskStep, code: string): void =>
    setDiskHook((at) => {
      if (at !== step) return
      setDiskHook(null)
      throw failure(code)
    })
  const failOnceAt = (point: FaultPoint, code: string): void =>
    setFaultHook((at) => {
      if (at !== point) return
      setFaultHook(null)
      throw failure(code)
    })
  /** As a node does it: from where the coordinator says. */
  const upload = async (): Promise<object> => {
    const { reception } = world.fleet
    const begun = await reception.begin(node, beginOf(update))
    if (!('nextChunk' in begun)) return begun
    for (let i = begun.nextChunk; i < chunksOf(bytes); i += 1)
      await reception.chunk(node, frameOf(update, i))
    return reception.finish(node, beginOf(update))
  }
  const isWhole = async (): Promise<boolean> => {
    const kept = await (await vault.blobs(NAME))?.get(sha256(bytes))
    return Buffer.from(bytes).equals(kept ?? new Uint8Array())
  }

  it.each([
    ['a write', 'ENOSPC', () => failOnce('write', 'ENOSPC')],
    ['a write', 'EIO', () => failOnce('write', 'EIO')],
    ['the end of a write', 'ENOSPC', () => failOnceAt('chunk.written', 'ENOSPC')],
  ])(
    'refuses what %s of which failed (%s), and takes it when it is offered again',
    async (...given) => {
      given[2]()
      await expect(upload()).rejects.toThrow(withCode('store/io'))
      expect(ends).not.toHaveBeenCalled()
      expect(await upload()).toEqual({ ok: true, status: 'accepted' })
      expect(await ended).toEqual([0])
      expect(await isWhole()).toBe(true)
    },
  )
  it.each([
    ['ENOSPC', () => failOnce('sync', 'ENOSPC')],
    ['EIO', () => failOnceAt('staged.before_fsync', 'EIO')],
  ])(
    'ends the process when a sync failed (%s): no update counts, none is acknowledged',
    async (...given) => {
      given[1]()
      await expect(upload()).rejects.toThrow(withCode('store/io'))
      expect(ends).toHaveBeenCalledTimes(1)
      expect(await vault.blobs(NAME).then((blobs) => blobs?.get(sha256(bytes)))).toBeNull()
    },
  )
})
