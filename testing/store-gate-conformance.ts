import { describe, expect, it } from 'vitest'
import type { RunId } from '#protocol/ids.js'
import type { Head, Store } from '#coordinator/store/store.js'
import { json } from './store-fixtures.js'

/** What a store promises about what an audit before the first round leaves. */
export function describeGate(
  scene: () => { readonly store: Store; readonly runId: RunId; readonly collecting: Head },
): void {
  describe('the gate before the first round', () => {
    it('keeps the audit before the first round: parts that are finished, then the report', async () => {
      const { store, runId, collecting } = scene()
      const put = (value: unknown) => store.blobs.put(json(value))
      const [part, report] = [await put({ part: 1 }), await put({ report: 1 })]
      const underWay = await put({ cells: { key: part }, decision: null })
      const head = { ...collecting, gateHash: underWay }
      expect(await store.advance(runId, collecting, head)).toBe(true)
      await store.collectGarbage(0)
      expect(await store.head(runId)).toEqual(head)
      expect(await store.blobs.has(part)).toBe(true)
      const decided = await put({ cells: {}, decision: { reportHash: report } })
      expect(await store.advance(runId, head, { ...head, gateHash: decided })).toBe(true)
      await store.collectGarbage(0)
      expect(await Promise.all([underWay, part].map((hash) => store.blobs.has(hash)))).toEqual([
        ...[false, false],
      ])
      // The report was not reachable the first time: it was collected then.
      expect(await store.blobs.has(decided)).toBe(true)
      await put({ report: 1 })
      await store.collectGarbage(0)
      expect(await store.blobs.has(report)).toBe(true)
    })
  })
}
