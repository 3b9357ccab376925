import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { decodeBundle, float32Of } from '#protocol/bundle.js'
import type { TaskMessage } from '#protocol/messages.js'
import { unwrap } from '#protocol/result.js'
import { Latencies } from './histogram.js'
import { loadPage, resultTable } from './load-page.js'
import type { LoadResult, Measure } from './load-result.js'
import { atFixedRate, problemsAmong } from './open-loop.js'
import { foreignLoad, sampleProcess, useOf, type Sample } from './process-samples.js'
import { RandomUpdates } from './random-update.js'
import { keepLoadResult } from './results-directory.js'
import { memoryBound, targetOf } from './targets.js'

const MACHINE = { version: '1', commit: 'abc', cpu: 'a', cores: 2, node: 'v20', load: 0.1 }
const resultOf = (change: Partial<LoadResult> = {}): LoadResult => ({
  ...{ benchmark: 'storm', at: '2026-01-01T00:00:00.000Z', machine: MACHINE },
  setting: { nodes: 500, rate: 200, seconds: 120, seed: 1 },
  measures: [
    { key: 'allBack', what: 'the last was back', value: 14, unit: 's' },
    { key: 'lostLeases', what: 'leases lost', value: 0, unit: '' },
  ],
  ...{ foreignLoad: 0.1, generatorShare: 0.2, problems: {} },
  ...change,
})
const allBack = (value: number | null): readonly Measure[] => [
  { key: 'allBack', what: 'the last was back', value, unit: 's' },
]

describe('arrivals at a fixed rate', () => {
  it('do not wait for answers, and count from when they were due', async () => {
    let open = 0
    let most = 0
    const release: (() => void)[] = []
    const all = atFixedRate({
      ...{ count: 5, rate: 10_000 },
      one: (index) => {
        open += 1
        most = Math.max(most, open)
        if (index === 4) for (const go of release) go()
        return new Promise((resolve) => {
          release.push(() => resolve('ok'))
          if (index === 4) resolve('late')
        })
      },
    })
    const arrivals = await all
    expect(most).toBe(5)
    expect(arrivals.map(({ intendedMs }) => intendedMs)).toEqual([0, 0.1, 0.2, 0.3, 0.4])
    for (const { intendedMs, startedMs, endedMs } of arrivals) {
      expect(startedMs).toBeGreaterThanOrEqual(intendedMs)
      expect(endedMs).toBeGreaterThanOrEqual(startedMs)
    }
    expect(problemsAmong(arrivals.map(({ outcome }) => outcome))).toEqual({ late: 1 })
  })

  it('end with the signal', async () => {
    const over = new AbortController()
    const arrivals = await atFixedRate({
      ...{ count: Infinity, rate: 1e6, signal: over.signal },
      one: async (index) => {
        if (index === 3) over.abort()
        return 'ok'
      },
    })
    expect(arrivals).toHaveLength(4)
  })
})

describe('latencies', () => {
  it('are percentiles of everything, to a thousandth', () => {
    const all = new Latencies()
    for (let i = 1; i <= 1000; i += 1) all.record(i)
    const { count, p50Ms, p99Ms, maxMs } = all.summary()
    expect(count).toBe(1000)
    expect(p50Ms / 500).toBeCloseTo(1, 2)
    expect(p99Ms / 990).toBeCloseTo(1, 2)
    expect(maxMs / 1000).toBeCloseTo(1, 2)
  })
  it('of nothing are nothing', () => {
    expect(new Latencies().summary()).toMatchObject({ count: 0, p50Ms: 0, maxMs: 0 })
  })
})

describe('random updates', () => {
  const group = (dtype: string): TaskMessage['uplink'] =>
    [
      {
        ...{ name: 'delta', reduce: 'mean', weight: 'uniform', grid: null },
        ...{ privacyClass: 'model-delta', maxBytes: 100 },
        tensors: [{ name: 'w', shape: [5, 5], dtype }],
      },
    ] as unknown as TaskMessage['uplink']

  it('are what the task declares, small numbers, and no two alike', () => {
    const updates = new RandomUpdates(group('float32'), 1)
    const [a, b] = [updates.make(0), updates.make(1)]
    expect(a).toHaveLength(updates.bytes)
    expect(a).not.toEqual(b)
    const values = [...float32Of(unwrap(decodeBundle(a)), 'delta/w')]
    expect(values).toHaveLength(25)
    expect(new Set(values).size).toBe(25)
    for (const value of values) expect(Math.abs(value)).toBeLessThanOrEqual(1e-3)
    expect(new RandomUpdates(group('float32'), 1).make(0)).toEqual(a)
    expect(new RandomUpdates(group('float32'), 2).make(0)).not.toEqual(a)
  })
  it('are refused for what is not float32', () => {
    expect(() => new RandomUpdates(group('int32'), 1)).toThrow('float32')
  })
})

describe('what processes take', () => {
  const sample = (atMs: number, pid: number, cpuSeconds: number): Sample => ({
    ...{ atMs, role: 'coordinator', pid, rssBytes: 100 * cpuSeconds, peakRssBytes: 1000 },
    ...{ cpuSeconds, descriptors: 7 },
  })
  it('is of every process that had the part, also of one that was killed', () => {
    const samples = [sample(0, 1, 1), sample(1000, 1, 2), sample(2000, 2, 0), sample(3000, 2, 0.5)]
    const watched = {
      samples,
      machine: [
        { atMs: 0, busySeconds: 10 },
        { atMs: 3000, busySeconds: 13 },
      ],
    }
    expect(useOf(watched, 'coordinator', [0, 3000])).toMatchObject({
      ...{ cpuSeconds: 1.5, largestRssBytes: 200, peakRssBytes: 1000, mostDescriptors: 7 },
    })
    // Of three busy seconds within three, the coordinator had one and a half.
    expect(foreignLoad(watched, [0, 3000])).toBeCloseTo(0.5, 9)
  })
  it('is read from the kernel, and is nothing of a process that is not there', async () => {
    const own = await sampleProcess('driver', process.pid)
    expect(own?.rssBytes).toBeGreaterThan(1e6)
    expect(own?.peakRssBytes).toBeGreaterThanOrEqual(own?.rssBytes ?? Infinity)
    expect(own?.descriptors).toBeGreaterThan(0)
    expect(await sampleProcess('driver', 2 ** 30)).toBeNull()
  })
})

describe('the page', () => {
  let directory: string
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'tributary-load-test-'))
  })
  afterEach(() => rm(directory, { recursive: true }))

  it('says beside each number what was wanted, and whether it is met', () => {
    expect(resultTable([resultOf()]).rows).toEqual([
      ['the last was back', '14 s', 'L2, CI floor: 500 back within 15 s', 'yes'],
      ['leases lost', '0', 'L2, no lost lease', 'yes'],
    ])
    const late = resultTable([resultOf({ measures: allBack(15.1) })])
    expect(late.rows[0]?.at(-1)).toBe('**no**')
    const never = resultTable([resultOf({ measures: allBack(null) })])
    expect(never.rows[0]?.slice(1)).toEqual(['never', expect.any(String), '**no**'])
  })

  it('takes the median of several runs, of which all are shown', () => {
    const runs = [20, 10, 12].map((value) => resultOf({ measures: allBack(value) }))
    const [first, ...rest] = runs
    const [row] = resultTable([first!, ...rest]).rows
    expect(row).toEqual([
      ...['the last was back', '12 s', '10 s – 20 s', 'L2, CI floor: 500 back within 15 s', 'yes'],
    ])
  })

  it('is made of everything that lies in the directory, and warns of what was disturbed', async () => {
    const results = join(directory, 'load')
    const raw = [{ name: 'updates', text: 'a,b\n1,2\n' }]
    await keepLoadResult(results, { result: resultOf(), raw })
    const page = await keepLoadResult(results, { result: resultOf({ foreignLoad: 0.5 }), raw })
    expect((await readdir(results)).toSorted()).toEqual([
      ...['storm-1-updates.csv', 'storm-1.json', 'storm-2-updates.csv', 'storm-2.json'],
    ])
    const text = await readFile(page, 'utf8')
    expect(text).toContain(
      '`tributary benchmark storm --nodes 500 --rate 200 --seconds 120 --seed 1`',
    )
    expect(text).toContain('**Disturbed:**')
    expect(loadPage([resultOf()])).not.toContain('**Disturbed:**')
  })

  it('claims a target only for a load that is as large', () => {
    const target = (setting: LoadResult['setting']) =>
      targetOf({ benchmark: 'ingest', setting }, { key: 'ackP99' })
    expect(target({ updateBytes: 100_000, rate: 49 })).toBeNull()
    expect(target({ updateBytes: 100_000, rate: 50 })?.text).toContain('CI floor: 50/s')
    expect(target({ updateBytes: 100_000, rate: 150 })?.text).toContain('release: 150/s')
    expect(target({ updateBytes: 10_000_000, rate: 2 })?.text).toContain('release: 2/s')
    expect(memoryBound({ baseBytes: 1e6, updateBytes: 4e6, nodes: 10 })).toBe(
      1e6 + 256e6 + 24e6 + 2e5,
    )
  })
})
