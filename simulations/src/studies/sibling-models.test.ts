import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { sha256 } from '#protocol/ids.js'
import { configHash } from '#protocol/run-config.js'
import { simulate } from '#simulations/simulate.js'
import { loadStudy } from './load-study.js'
import { runStudy, type FinishedCell } from './run-study.js'

const root = await mkdtemp(join(tmpdir(), 'tributary-siblings-'))
vi.stubEnv('XDG_CACHE_HOME', join(root, 'cache'))
afterAll(async () => {
  vi.unstubAllEnvs()
  await rm(root, { recursive: true, force: true })
})

const blobs = 'blobs:count=90:classes=3:features=4'
const file = join(root, 'study.json')
await writeFile(
  file,
  JSON.stringify({
    name: 'chain',
    model: { name: 'logistic' },
    data: { name: 'synthetic', path: blobs, clients: 2 },
    evaluation: { central: { name: 'synthetic', path: blobs } },
    compute: { backend: 'cpu' },
    rounds: 1,
    variants: {
      third: { startFrom: { variant: 'second' } },
      second: { startFrom: { variant: 'fedavg' } },
      other: { startFrom: { variant: 'fedavg' }, method: { name: 'fedprox' } },
    },
  }),
)
let directories = 0
let runsDirectory: string
let results: string
/** Cells that were run, not taken. */
let ran: string[]
beforeEach(() => {
  directories += 1
  runsDirectory = join(root, String(directories), 'runs')
  results = join(root, String(directories), 'results')
  ran = []
})
const counted: typeof simulate = (config, options) => {
  ran.push(`${config.name} ${config.seed}`)
  return simulate(config, options)
}
interface Asked {
  readonly resume?: boolean
  readonly results?: string
  readonly only?: readonly string[]
  readonly seeds?: readonly number[]
}
async function run({ only, seeds = [0], ...options }: Asked = {}): Promise<
  Readonly<Record<string, FinishedCell>>
> {
  const study = await loadStudy(file, { seeds, ...(only === undefined ? {} : { only }) })
  const own = { workers: 0, runsDirectory, simulate: counted, ...options }
  const finished = await runStudy(study, own)
  return Object.fromEntries(
    finished.map((cell) => [`${cell.result.variant} ${cell.result.seed}`, cell]),
  )
}
const modelPath = (cell: FinishedCell | undefined): string => cell!.run!.model
const forget = async (...cells: readonly (FinishedCell | undefined)[]): Promise<void> => {
  for (const cell of cells) await rm(dirname(modelPath(cell)), { recursive: true })
  ran = []
}
const sources = (finished: Readonly<Record<string, FinishedCell>>) =>
  Object.values(finished).map(({ source }) => source)

describe('a cell that starts from the model of another', () => {
  it('gets the model of the same seed, whole', async () => {
    const cells = await run({ seeds: [0, 1] })
    expect(ran).toEqual([
      ...['chain 0', 'chain 1', 'chain/second 0', 'chain/second 1'],
      ...['chain/third 0', 'chain/third 1', 'chain/other 0', 'chain/other 1'],
    ])
    for (const [later, first] of [
      ...[['second 1', 'fedavg 1'] as const, ['third 1', 'second 1'] as const],
      ...[['other 0', 'fedavg 0'] as const],
    ]) {
      const [cell, start] = [cells[later]!, cells[first]!]
      expect(cell.result.startsFrom).toBe(start.result.variant)
      // What it measured before its first round is what the other measured last.
      expect(cell.result.curve['0']).toBe(start.result.curve['1'])
      const kept = await readFile(join(dirname(modelPath(cell)), 'start.bundle'))
      expect(sha256(kept)).toBe(start.result.modelHash)
      const record = await readFile(join(dirname(modelPath(cell)), 'record.json'), 'utf8')
      const { config } = JSON.parse(record) as { config: Parameters<typeof configHash>[0] }
      expect(config.startFrom).toBe(start.result.modelHash)
      expect(cell.result.configHash).toBe(configHash(config))
    }
    expect(cells['fedavg 0']!.result).not.toHaveProperty('startsFrom')
  })

  it('is taken with what it starts from when a study goes on', async () => {
    const before = await run({ only: ['second'] })
    ran = []
    const cells = await run({ resume: true })
    expect(ran).toEqual(['chain/third 0', 'chain/other 0'])
    expect(sources(cells)).toEqual(['record', 'record', 'run', 'run'])
    expect(cells['second 0']).toEqual({ ...before['second 0'], source: 'record' })
  })

  it('is run again when what it starts from has another model now', async () => {
    const cells = await run({ results })
    const path = join(results, 'cells', 'reference--fedavg--0.json')
    const result = await readFile(path, 'utf8')
    await writeFile(path, result.replace(/"configHash": "./, '"configHash": "x'))
    await forget(cells['fedavg 0'])
    // The same model comes out, so all that follows is still right.
    expect(sources(await run({ resume: true, results }))).toEqual([
      ...['run', 'results', 'results', 'results'],
    ])
    const other = sha256('another model')
    const second = join(results, 'cells', 'reference--second--0.json')
    const stale = (await readFile(second, 'utf8')).replace(
      /"modelHash": ".*"/,
      `"modelHash": "${other}"`,
    )
    await writeFile(second, stale)
    ran = []
    // The third starts from a model that the result names and nobody has.
    await run({ resume: true, results })
    expect(ran).toEqual(['chain/second 0'])
  })

  it('needs no model of a cell whose followers are all finished', async () => {
    const cells = await run({ results })
    await forget(...Object.values(cells))
    expect(sources(await run({ resume: true, results }))).toEqual([
      ...['results', 'results', 'results', 'results'],
    ])
    expect(ran).toEqual([])
  })

  it('has the other one run again where only its result is left, and those between', async () => {
    const cells = await run({ results })
    await forget(...Object.values(cells))
    await rm(join(results, 'cells', 'reference--third--0.json'))
    const again = await run({ resume: true, results })
    expect(ran).toEqual(['chain 0', 'chain/second 0', 'chain/third 0'])
    expect(sources(again)).toEqual(['run', 'run', 'run', 'results'])
    expect(again['third 0']!.result.modelHash).toBe(cells['third 0']!.result.modelHash)
  })

  it('trusts no model file that is not what the result says', async () => {
    const cells = await run({ only: ['second'] })
    await writeFile(modelPath(cells['fedavg 0']), 'something else')
    ran = []
    await run({ resume: true })
    expect(ran).toEqual(['chain 0', 'chain/third 0', 'chain/other 0'])
  })
})
