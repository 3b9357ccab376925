import { spawnSync } from 'node:child_process'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { RunRecord } from '#protocol/record.js'
import {
  BIN,
  endAll,
  joinNode,
  readJson,
  start,
  startCoordinator,
  temporaryDirectory,
  tributary,
  type Running,
} from './harness.js'

type Line = Readonly<Record<string, unknown>>

const UPDATES = [
  { name: 'clip', norm: 1 },
  { name: 'gaussian-noise', stddev: 0.001 },
  { name: 'top-k', fraction: 0.1 },
  { name: 'quantize', bits: 8 },
]
const ROUNDS = 2
const CONFIG = {
  name: 'protected',
  model: { name: 'mlp', hidden: [16] },
  training: { localEpochs: 1, batchSize: 30, optimizer: { name: 'sgd', learningRate: 0.05 } },
  compute: { backend: 'cpu', threads: 1 },
  rounds: ROUNDS,
  seed: 3,
}
const REAL = {
  ...CONFIG,
  task: { inputShape: [28, 28, 1], classes: ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9'] },
  cohort: { all: true, minReporters: 2, graceSeconds: 1, deadlineSeconds: 200 },
}
const SIMULATED = {
  ...CONFIG,
  data: { name: 'mnist', limit: 200, partition: 'iid', clients: 2 },
}
const PARAMETERS = 784 * 16 + 16 + 16 * 10 + 10

describe('update transforms, as a user meets them', () => {
  let directory: Awaited<ReturnType<typeof temporaryDirectory>>
  const at = (name: string): string => join(directory.path, name)
  const write = (name: string, value: object): Promise<void> =>
    writeFile(at(name), JSON.stringify(value))
  const run = (...args: readonly string[]) => tributary(args, { cwd: directory.path })

  beforeAll(async () => {
    directory = await temporaryDirectory()
    await write('plain.json', SIMULATED)
    await write('protected.json', { ...SIMULATED, updates: UPDATES })
    await write('real.json', { ...REAL, updates: UPDATES })
  })
  afterAll(async () => {
    await endAll()
    await directory.remove()
  })

  describe('in a simulation', () => {
    it('bytes up fall to a twentieth, and whoever starts it reads what is done to updates', async () => {
      const plain = await run('simulate', 'plain.json', '--workers', '0')
      const { result, lines } = await run('simulate', 'protected.json', '--workers', '0')
      expect(result).toMatchObject({ event: 'simulate:finished', rounds: ROUNDS })
      const share = Number(result['bytesUp']) / Number(plain.result['bytesUp'])
      expect(share).toBeGreaterThan(0.04)
      expect(share).toBeLessThan(0.07)
      expect(lines.find(({ event }) => event === 'run:updates')).toMatchObject({
        updates: UPDATES,
        text: expect.stringMatching(
          /clipped to an L2 norm of 1, then .*guarantees nothing/,
        ) as string,
      })
      expect(plain.lines.some(({ event }) => event === 'run:updates')).toBe(false)
      const replayed = await run('simulate', '--replay', String(result['runId']), '--workers', '0')
      expect(replayed.result).toMatchObject({ same: true, modelHash: result['modelHash'] })
    })

    it('what cannot work is refused with the reason, what is misspelt with the name that was meant', async () => {
      const scaffold = ['--set', 'method.name=scaffold']
      const impossible = await run('simulate', 'protected.json', ...scaffold)
      expect(impossible.status).toBe(2)
      expect(impossible.errorText).toMatch(/config\/impossible: .*clients of scaffold also send/)
      await write('misspelt.json', { ...SIMULATED, updates: [{ name: 'clipp' }] })
      const unknown = await run('simulate', 'misspelt.json')
      expect(unknown.status).toBe(2)
      expect(unknown.errorText).toMatch(/updates\[0\].*did you mean clip\?/)
    })
  })

  describe('in a run of real nodes', () => {
    let coordinator: Awaited<ReturnType<typeof startCoordinator>>
    let remote: readonly string[]
    let told: string
    let record: RunRecord
    let refusal: Line
    let node: Running | undefined
    const join2 = async (name: string, shard: number, ...flags: readonly string[]) =>
      joinNode(directory.path, coordinator, {
        name,
        enrol: node === undefined || name === 'a',
        data: [
          ...['--data', 'mnist', '--limit', '200', '--partition', 'iid:seed=3'],
          ...['--shard', `${shard}/2`, ...flags],
        ],
      })

    beforeAll(async () => {
      coordinator = await startCoordinator(directory.path)
      remote = ['--data-dir', coordinator.dataDir]
      await join2('a', 1, '--require-clip', '1', '--require-noise', '0.001')
      node = await join2('b', 2, '--require-clip', '0.5')
      const args = ['runs', 'start', 'real.json', ...remote]
      told = spawnSync(process.execPath, [BIN, ...args], { cwd: directory.path }).stderr.toString()
      const runId = /Started (run-\w+)/.exec(told)?.[1] ?? ''
      const watching = start(['runs', 'watch', runId, ...remote], { cwd: directory.path })
      refusal = await watching.event('run:waiting')
      await node.kill('SIGTERM')
      node = await join2('b', 2)
      await watching.ended
      await run('runs', 'export', runId, ...remote, '--out', at('export'))
      record = await readJson<RunRecord>(at('export/record.json'))
    }, 200_000)

    it('whoever starts it reads that the noise is the nodes’ own', () => {
      expect(told).toMatch(/leave clients so: clipped .*a key that only it has/)
      expect(told.indexOf('leave clients so')).toBeLessThan(told.indexOf('Started run-'))
    })

    it('nodes whose owners want a smaller clip do not take part, and it says so', () => {
      expect(refusal['reason']).toMatch(
        /1 of 2 connected nodes does not allow runs whose updates are not clipped to a norm of 0\.5 \(this one clips to 1\)\. .*--require-clip 1$/,
      )
    })

    it('updates are as small as in the simulation, and each has noise that only its node can draw', async () => {
      expect(record).toMatchObject({ state: 'finished', config: { updates: UPDATES } })
      for (const { counts, bytesUp } of record.rounds.slice(1)) {
        expect(counts).toEqual({ asked: 2, accepted: 2 })
        expect(bytesUp).toBeLessThan(0.07 * 2 * 4 * PARAMETERS)
      }
      const [a, b] = await Promise.all(['a', 'b'].map((name) => readFile(at(`${name}/noise.key`))))
      expect([a!.length, b!.length]).toEqual([32, 32])
      expect(a).not.toEqual(b)
    })

    it('cannot be replayed, with the reason', async () => {
      const { status, errorText } = await run('simulate', '--replay', at('export/record.json'))
      expect(status).toBe(2)
      expect(errorText).toMatch(/replay\/secret-noise: .*only they can draw again/)
    })

    it('the owner sees what a node requires', async () => {
      const { result } = await run('client', 'status', '--state-dir', at('a'))
      expect(result['policy']).toMatchObject({ maxClip: 1, minNoise: 0.001 })
    })
  })
})
