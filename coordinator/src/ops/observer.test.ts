import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { parseAnswer } from '#protocol/http-api.js'
import { unwrap } from '#protocol/result.js'
import { FakeClock } from '#testing/fake-clock.js'
import { MemoryStore } from '#coordinator/store/memory-store.js'
import { DirectorySize } from './directory-size.js'
import { Observer } from './observer.js'
import { Operations } from './operations.js'

describe('how a coordinator does', () => {
  let dataDir: string
  let clock: FakeClock
  let observer: Observer
  let onSample: ReturnType<typeof vi.fn<() => void>>
  beforeEach(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'tributary-observer-'))
    clock = new FakeClock()
    onSample = vi.fn()
    const ops = new Operations({ clock })
    observer = new Observer({
      ...{ ops, clock, dataDir, store: new MemoryStore(), onSample },
      nodesOnline: () => 3,
    })
    observer.start()
  })
  afterEach(async () => {
    observer.stop()
    await rm(dataDir, { recursive: true })
  })
  /** Time goes on until there are so many samples more. */
  async function sampled(count: number): Promise<void> {
    for (let i = 0; i < count; i += 1) {
      const isTaken = new Promise<void>((resolve) => onSample.mockImplementationOnce(resolve))
      clock.advance(5000)
      await isTaken
      // The next is waited for once this one is there.
      await new Promise(setImmediate)
    }
  }

  it('is told as it is now, before there is any sample', async () => {
    const view = unwrap(parseAnswer('GET /api/operations', await observer.view()))
    expect(view).toMatchObject({ samples: [], now: { nodesOnline: 3, uploadsActive: 0 } })
    expect(view.now.rssBytes).toBeGreaterThan(1e6)
    expect(view.now.freeBytes).toBeGreaterThan(0)
    expect(view.log).toEqual({ entries: 0, head: null, unfinished: [], fault: null })
  })
  it('is sampled every five seconds, and forgotten after an hour', async () => {
    await sampled(3)
    const first = (await observer.view()).samples
    expect(first.map(({ at }) => Date.parse(at))).toEqual([5000, 10_000, 15_000])
    await sampled(722)
    const { samples } = await observer.view()
    expect(samples).toHaveLength(720)
    expect(Date.parse(samples[0]?.at ?? '')).toBe(30_000)
  })
  it('is sampled no more once it is stopped', () => {
    observer.stop()
    expect(clock.pending).toBe(0)
  })
})

describe('the size of a directory', () => {
  let directory: string
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'tributary-size-'))
  })
  afterEach(() => rm(directory, { recursive: true }))

  it('is that of all its files, measured behind the back of who asks, at most once a minute', async () => {
    await mkdir(join(directory, 'a', 'b'), { recursive: true })
    await writeFile(join(directory, 'one'), 'x'.repeat(100))
    await writeFile(join(directory, 'a', 'b', 'two'), 'x'.repeat(23))
    const clock = new FakeClock()
    const size = new DirectorySize(directory, clock)
    expect(size.look()).toBeNull()
    await vi.waitFor(() => expect(size.look()).toBe(123))
    await writeFile(join(directory, 'three'), 'x')
    clock.advance(59_000)
    size.look()
    clock.advance(1000)
    expect(size.look()).toBe(123)
    await vi.waitFor(() => expect(size.look()).toBe(124))
  })
  it('is unknown of one that is not there', async () => {
    const size = new DirectorySize(join(directory, 'nothing'), new FakeClock())
    await size.measure()
    expect(size.look()).toBeNull()
  })
})
