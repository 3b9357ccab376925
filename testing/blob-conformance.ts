import { describe, expect, it, vi } from 'vitest'
import { sha256 } from '#protocol/ids.js'
import type { Store } from '#coordinator/store/store.js'
import { text, times } from './store-fixtures.js'

/** What every store promises about content-addressed bytes and staged uploads. Part of `describeStore`. */
export function describeBlobs(current: () => Store): void {
  describe('blobs', () => {
    it('are found by their hash, and put twice without harm', async () => {
      const { blobs } = current()
      const hash = await blobs.put(text('hello'))
      expect(hash).toBe(sha256('hello'))
      expect(await blobs.put(text('hello'))).toBe(hash)
      expect(Buffer.from((await blobs.get(hash))!).toString()).toBe('hello')
      expect([await blobs.has(hash), await blobs.size(hash)]).toEqual([true, 5])
    })
    it('are null where absent, and after deletion', async () => {
      const { blobs } = current()
      const absent = sha256('nothing')
      expect([await blobs.get(absent), await blobs.has(absent), await blobs.size(absent)]).toEqual([
        null,
        false,
        null,
      ])
      const hash = await blobs.put(text('x'))
      await blobs.delete(hash)
      await blobs.delete(hash)
      expect(await blobs.get(hash)).toBeNull()
    })
    it('do not change when the caller reuses its buffer', async () => {
      const { blobs } = current()
      const bytes = text('before')
      const hash = await blobs.put(bytes)
      bytes.fill(0)
      expect(Buffer.from((await blobs.get(hash))!).toString()).toBe('before')
    })
    it('are young again when touched, so that a collection passes them by', async () => {
      vi.useFakeTimers({ toFake: ['Date', 'performance'] })
      try {
        const { blobs } = current()
        const [wanted, forgotten] = [await blobs.put(text('wanted')), await blobs.put(text('not'))]
        const old = async (): Promise<readonly string[]> => {
          const found: string[] = []
          for await (const hash of blobs.list(60_000)) found.push(hash)
          return found
        }
        vi.advanceTimersByTime(61_000)
        expect(await old()).toEqual(expect.arrayContaining([wanted, forgotten]))
        expect(await blobs.touch(wanted)).toBe(true)
        expect(await old()).toContain(forgotten)
        expect(await old()).not.toContain(wanted)
        expect(await blobs.touch(sha256('absent'))).toBe(false)
      } finally {
        vi.useRealTimers()
      }
    })
    it('survive 20 racing puts of the same bytes', async () => {
      const { blobs } = current()
      const hashes = await Promise.all(times(20, () => blobs.put(text('same'))))
      expect(new Set(hashes).size).toBe(1)
      expect(await blobs.size(sha256('same'))).toBe(4)
    })
  })

  describe('staged uploads', () => {
    it('go on from the bytes that are there', async () => {
      const { blobs } = current()
      const hash = sha256('hello world')
      await (await blobs.stage('upload', hash, 11)).append(text('hello'))
      const resumed = await blobs.stage('upload', hash, 11)
      expect(resumed.received).toBe(5)
      await resumed.append(text(' world'))
      expect(await resumed.finish()).toBe(hash)
      expect(await blobs.size(hash)).toBe(11)
      expect((await blobs.stage('upload', hash, 11)).received).toBe(0)
    })
    it('do not continue an upload of other bytes or of another id', async () => {
      const { blobs } = current()
      await (await blobs.stage('upload', sha256('a'), 3)).append(text('abc'))
      expect((await blobs.stage('upload', sha256('b'), 3)).received).toBe(0)
      expect((await blobs.stage('../../upload', sha256('a'), 3)).received).toBe(0)
    })
    it('are refused and dropped when the hash does not fit', async () => {
      const { blobs } = current()
      const staged = await blobs.stage('upload', sha256('right'), 5)
      await staged.append(text('wrong'))
      await expect(staged.finish()).rejects.toMatchObject({ code: 'update/corrupt' })
      expect(await blobs.has(sha256('wrong'))).toBe(false)
      expect((await blobs.stage('upload', sha256('right'), 5)).received).toBe(0)
    })
    it('are refused when bytes are missing, and never take more than announced', async () => {
      const { blobs } = current()
      const staged = await blobs.stage('upload', sha256('hello'), 5)
      await expect(staged.append(text('hello!'))).rejects.toMatchObject({ code: 'update/corrupt' })
      await staged.append(text('hell'))
      await expect(staged.finish()).rejects.toMatchObject({ code: 'update/corrupt' })
    })
    it('leave nothing behind when dropped', async () => {
      const { blobs } = current()
      const staged = await blobs.stage('upload', sha256('hello'), 5)
      await staged.append(text('he'))
      await staged.drop()
      expect((await blobs.stage('upload', sha256('hello'), 5)).received).toBe(0)
    })
  })
}
