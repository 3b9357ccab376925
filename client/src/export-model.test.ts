import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { bundleHash, float32Of, makeBundle, type Bundle } from '#protocol/bundle.js'
import type { RunId } from '#protocol/ids.js'
import { unwrap } from '#protocol/result.js'
import { parseRunConfig } from '#protocol/run-config.js'
import { configCatalogue } from '#algorithms/catalogue.js'
import { modelOf } from '#algorithms/from-config.js'
import { readModelFile } from '#algorithms/model-file.js'
import { paramsBundle } from '#algorithms/models/params.js'
import { tinyConfig } from '#testing/tiny-federation.js'
import { exportPersonalModel } from './export-model.js'
import { openNodeState, type KnownRun, type NodeState, type OpenTask } from './state/node-state.js'
import { readNodeStatus } from './status.js'

const idOf = (digit: number): RunId => `run-00000000000${digit}` as RunId
const runOf = (digit: number, change: Partial<KnownRun> = {}): KnownRun => {
  const method = change.method ?? 'local-only'
  const input = { ...tinyConfig(), method: { name: method } }
  return {
    ...{ runId: idOf(digit), name: `run ${digit}`, method, slot: digit, round: 1 },
    ...{ at: `2026-01-0${digit}`, hasPersonalModel: true },
    config: unwrap(parseRunConfig(input, configCatalogue())),
    ...change,
  }
}
/** A memory of local-only: params with every entry `value`, and what else it may hold. */
function memoryOf({ config }: KnownRun, value: number): Bundle {
  const model = modelOf(config)
  const { tensors, ...rest } = paramsBundle(
    model,
    new Float32Array(model.parameterCount).fill(value),
  )
  return { ...rest, tensors, meta: { training: { kept: {}, round: 1 } } }
}

describe('the export of a personal model', () => {
  let directory: string
  let state: NodeState
  const out = (): string => join(directory, 'exported', 'mine.bundle')
  const exported = (run: string) => exportPersonalModel({ stateDir: directory, run, out: out() })

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'tributary-export-'))
    state = await openNodeState(directory)
    const credentials = { url: 'http://127.0.0.1:1', nodeId: 'node-000000000000', name: 'a' }
    await state.saveCredentials({ ...credentials, secret: 's' })
  })
  afterEach(async () => {
    await state.release()
    await rm(directory, { recursive: true, force: true })
  })
  const keep = async (run: KnownRun, value: number): Promise<void> => {
    await state.saveRun(run)
    await state.settle(run.runId, memoryOf(run, value))
  }

  it('is a model file with the params of the memory, whose hash is that of the params alone', async () => {
    const run = runOf(1)
    await keep(run, 0.5)
    const told = await exported(run.runId)
    const file = readModelFile(await readFile(out()))
    expect(file).toMatchObject({ method: null, task: run.config.task, model: { name: 'logistic' } })
    for (const { name } of file.bundle.tensors)
      expect(new Set(float32Of(file.bundle, name))).toEqual(new Set([0.5]))
    const params = makeBundle(
      file.bundle.tensors.map(({ name, shape }) => ({
        ...{ name, shape, dtype: 'float32' as const, data: float32Of(file.bundle, name) },
      })),
    )
    expect(told).toEqual({
      ...{ out: out(), runId: run.runId, name: 'run 1', method: 'local-only', slot: 1 },
      ...{ sha256: bundleHash(params), parameters: 15 },
    })
  })

  it('is that of the run of the latest update, or of a run by its name', async () => {
    for (const digit of [2, 3]) await keep(runOf(digit), digit)
    await keep(runOf(1, { at: '2026-01-04' }), 1)
    expect((await exported('latest')).runId).toBe(idOf(1))
    expect((await exported('run 2')).runId).toBe(idOf(2))
    await keep(runOf(4, { name: 'run 2' }), 4)
    await expect(exported('run 2')).rejects.toMatchObject({
      code: 'run/not-found',
      message: expect.stringMatching(/Several runs.*run-000000000002.*run-000000000004/) as string,
    })
  })

  it('is refused with the reason where there is none', async () => {
    await expect(exported('latest')).rejects.toMatchObject({
      ...{ code: 'run/not-found', message: 'This node has performed no task of any run yet' },
    })
    await keep(runOf(1, { method: 'scaffold', hasPersonalModel: false }), 1)
    await state.saveRun(runOf(2))
    await expect(exported('other')).rejects.toMatchObject({
      message: expect.stringContaining(
        "no run 'other'; it knows run-000000000001 (run 1)",
      ) as string,
    })
    const messageOf = async (run: RunId) =>
      exported(run).then(
        () => '',
        (error: { code: string; message: string }) => `${error.code}: ${error.message}`,
      )
    expect(await messageOf(idOf(1))).toMatch(
      /^model\/not-personal: .*keeps no personal model: scaffold/,
    )
    expect(await messageOf(idOf(2))).toMatch(
      /^model\/not-personal: .*yet: it has trained in no round/,
    )
    await state.saveOpenTask({ runId: idOf(2) } as OpenTask, Uint8Array.of(1), null)
    expect(await messageOf(idOf(2))).toMatch(/yet: what became of its first update/)
    const elsewhere = { stateDir: join(directory, 'x'), run: 'latest', out: out() }
    await expect(exportPersonalModel(elsewhere)).rejects.toMatchObject({ code: 'data/not-found' })
  })

  it('says that it cannot write', async () => {
    await keep(runOf(1), 1)
    await writeFile(join(directory, 'exported'), 'a file')
    await expect(exported('latest')).rejects.toMatchObject({
      code: 'store/io',
      message: expect.stringContaining('mine.bundle (E') as string,
    })
  })

  it('is announced by the status, run by run', async () => {
    await state.savePolicy({ perExample: true, methods: null, minCohort: 2 })
    await keep(runOf(1), 1)
    await state.saveRun(runOf(2))
    await keep(runOf(3, { method: 'scaffold', hasPersonalModel: false }), 1)
    expect(await readNodeStatus(directory)).toMatchObject({
      policy: { perExample: true, minCohort: 2 },
      runs: [
        { name: 'run 1', slot: 1, hasMemory: true, personalModel: 'kept' },
        { name: 'run 2', hasMemory: false, personalModel: 'not-yet' },
        { name: 'run 3', method: 'scaffold', hasMemory: true, personalModel: 'none' },
      ],
    })
    await state.saveCredentials({
      ...{ url: 'http://127.0.0.1:1', nodeId: 'node-000000000001', name: 'b', secret: 's' },
    })
    expect((await readNodeStatus(directory)).runs).toEqual([])
  })
})
