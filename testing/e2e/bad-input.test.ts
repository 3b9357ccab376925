import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { createServer } from 'node:net'
import { once } from 'node:events'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import {
  endAll,
  invite,
  joinNode,
  start,
  startCoordinator,
  temporaryDirectory,
  tributary,
} from './harness.js'

const BASE = {
  model: { name: 'mlp', hidden: [8] },
  data: { name: 'synthetic', partition: 'iid', clients: 2 },
  rounds: 1,
}
let directory: Awaited<ReturnType<typeof temporaryDirectory>>
beforeAll(async () => {
  directory = await temporaryDirectory()
})
afterEach(endAll)
afterAll(() => directory.remove())

let files = 0
async function configFile(config: object): Promise<string> {
  const path = join(directory.path, `config-${(files += 1)}.json`)
  await writeFile(path, JSON.stringify(config))
  return path
}

describe('a configuration that cannot work', () => {
  it.each([
    ['an unknown key', { ...BASE, trainning: {} }, 'config/invalid', /trainning.*training/s],
    ['a wrong type', { ...BASE, rounds: 'many' }, 'config/invalid', /rounds/],
    [
      'an unknown method',
      { ...BASE, method: { name: 'fedavgg' } },
      'config/unknown-name',
      /fedavgg.*fedavg/s,
    ],
    [
      'a model that does not fit the data',
      {
        ...BASE,
        data: { name: 'synthetic', partition: 'iid', clients: 2 },
        model: { name: 'cnn' },
        task: { inputShape: [4], classes: ['a', 'b'] },
      },
      'model/does-not-fit',
      /cnn/,
    ],
    [
      'an impossible cohort',
      { ...BASE, cohort: { size: 1, minReporters: 2 } },
      'config/impossible',
      /minReporters/,
    ],
    [
      'a partition that is none',
      { ...BASE, data: { ...BASE.data, partition: 'dirichlet:minus' } },
      'data/bad-partition',
      /dirichlet/,
    ],
  ])('%s is refused with its code and exit 2', async (_title, config, code, message) => {
    const { status, result, errorText } = await tributary(
      ['simulate', await configFile(config), '--workers', '0'],
      { cwd: directory.path },
    )
    expect(errorText).toMatch(message)
    expect(result).toMatchObject({ event: 'error', code })
    expect(status).toBe(2)
  })

  it('a file that is not there', async () => {
    const { status, result } = await tributary(['simulate', './no-such-file.json'], {
      cwd: directory.path,
    })
    expect(result).toMatchObject({ code: 'config/unreadable' })
    expect(status).toBe(2)
  })
})

describe('data that cannot be used', () => {
  it('a missing directory', async () => {
    const { status, result } = await tributary(['data', 'inspect', 'idx:/no/such/directory'])
    expect(result).toMatchObject({ code: 'data/not-found' })
    expect(status).toBe(2)
  })
  it('a truncated idx file', async () => {
    const idx = join(directory.path, 'idx')
    await mkdir(idx, { recursive: true })
    const images = Buffer.alloc(16 + 10)
    images.writeUInt32BE(0x803, 0)
    images.writeUInt32BE(1000, 4)
    images.writeUInt32BE(28, 8)
    images.writeUInt32BE(28, 12)
    await writeFile(join(idx, 'train-images-idx3-ubyte'), images)
    await writeFile(join(idx, 'train-labels-idx1-ubyte'), Buffer.from([0, 0, 8, 1, 0, 0, 3, 232]))
    const { status, result } = await tributary(['data', 'inspect', `idx:${idx}`])
    expect(result).toMatchObject({ code: 'data/corrupt' })
    expect(String(result['message'])).toContain('idx')
    expect(status).toBe(2)
  })
})

describe('the command line itself', () => {
  it('an unknown option', async () => {
    const { status, result } = await tributary(['simulate', '--wrokers', '2'])
    expect(result).toMatchObject({ code: 'usage/unknown-option' })
    expect(status).toBe(2)
  })
  it('a value out of bounds', async () => {
    const { status, result } = await tributary(['simulate', 'mnist-demo', '--workers', 'two'])
    expect(result).toMatchObject({ code: 'usage/bad-value' })
    expect(status).toBe(2)
  })
  it('a forced backend that is missing', async () => {
    const { status, result } = await tributary(
      ['simulate', await configFile({ ...BASE, compute: { backend: 'cuda' } }), '--workers', '0'],
      { cwd: directory.path },
    )
    expect(result).toMatchObject({ code: 'backend/missing' })
    expect(status).toBe(2)
  })
})

describe('another Node.js', () => {
  it('that is too old is told so before anything is loaded', async () => {
    const pretend = "Object.defineProperty(process.versions, 'node', { value: '18.19.0' })"
    const { status, errorText } = await tributary(['doctor'], {
      nodeOptions: ['--import', `data:text/javascript,${encodeURIComponent(pretend)}`],
    })
    expect(errorText).toContain('usage/node-version')
    expect(errorText).toContain('20.19')
    expect(status).toBe(2)
  })
})

describe('a coordinator that cannot be had', () => {
  it('is not there', async () => {
    const { status, result } = await tributary(['runs', 'list', '--url', 'http://127.0.0.1:9'], {
      cwd: directory.path,
    })
    expect(result).toMatchObject({ code: 'coordinator/unreachable' })
    expect(status).toBe(1)
  })
  it('finds its port in use', async () => {
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    const address = server.address()
    const port = typeof address === 'object' && address !== null ? address.port : 0
    const { status, result } = await tributary([
      'coordinator',
      'start',
      '--port',
      String(port),
      '--data-dir',
      join(directory.path, 'in-use'),
    ])
    expect(result).toMatchObject({ code: 'coordinator/port-in-use' })
    expect(status).toBe(1)
    server.close()
  })
})

describe('a node that may not join', () => {
  const data = ['--data', 'synthetic', '--partition', 'iid', '--shard', '1/2']
  it('has a wrong code, a used code, no code', async () => {
    const coordinator = await startCoordinator(join(directory.path, 'codes'))
    const join1 = (name: string, code: readonly string[]) =>
      tributary([
        'client',
        'join',
        coordinator.url,
        ...code,
        '--state-dir',
        join(directory.path, name),
        ...data,
      ])
    const wrong = await join1('wrong', ['--code', 'AAAA-BBBB-CCCC'])
    expect(wrong.result).toMatchObject({ code: 'auth/bad-code' })
    expect(wrong.status).toBe(1)
    const code = await invite(coordinator)
    const good = start([
      'client',
      'join',
      coordinator.url,
      '--code',
      code,
      '--state-dir',
      join(directory.path, 'good'),
      ...data,
    ])
    await good.event('node:connected')
    const used = await join1('used', ['--code', code])
    expect(used.result).toMatchObject({ code: 'auth/bad-code' })
    const none = await join1('none', [])
    expect(none.result).toMatchObject({ event: 'error' })
    expect(none.status).not.toBe(0)
    await good.kill('SIGINT')
    expect((await good.ended).status).toBe(0)
  })

  it('shares its state directory with a running node', async () => {
    const coordinator = await startCoordinator(join(directory.path, 'locked'))
    await joinNode(directory.path, coordinator, { name: 'lock', data })
    const second = await tributary([
      'client',
      'join',
      coordinator.url,
      '--state-dir',
      join(directory.path, 'lock'),
      ...data,
    ])
    expect(second.result).toMatchObject({ code: 'store/locked' })
    expect(second.status).toBe(1)
  })
})

describe('nodes and a run that do not fit', () => {
  const task = { inputShape: [2], classes: ['ill', 'well'] }
  const table = (name: string): string => join(directory.path, `${name}.csv`)
  const config = {
    task,
    model: { name: 'logistic' },
    compute: { backend: 'wasm' },
    rounds: 1,
    cohort: { minReporters: 1 },
  }

  it('leave out the node whose classes are in another order, and say so', async () => {
    const coordinator = await startCoordinator(join(directory.path, 'order'))
    for (const [name, classes] of [
      ['right', 'ill,well'],
      ['wrong', 'well,ill'],
    ] as const) {
      const rows = Array.from(
        { length: 40 },
        (_, i) => `${i % 7},${i % 5},${i % 2 === 0 ? 'ill' : 'well'}`,
      )
      await writeFile(table(name), ['a,b,state', ...rows].join('\n'))
      const data = ['--data', `csv:${table(name)}:label=state:classes=${classes}`]
      await joinNode(directory.path, coordinator, { name, data })
    }
    const started = await tributary([
      ...['runs', 'start', await configFile(config), '--watch'],
      ...['--data-dir', coordinator.dataDir],
    ])
    expect(started.lines.find((line) => line['event'] === 'member:refused')).toMatchObject({
      name: 'wrong',
      code: 'data/mismatch',
    })
    const closed = started.lines.findLast((line) => line['event'] === 'round:closed')
    expect((closed?.['record'] as { accepted: readonly unknown[] }).accepted).toHaveLength(1)
    expect(started.status).toBe(0)

    const cnn = await configFile({ ...config, model: { name: 'cnn' } })
    const refused = await tributary(['runs', 'start', cnn, '--data-dir', coordinator.dataDir])
    expect(refused.result).toMatchObject({ event: 'error', code: 'model/does-not-fit' })
    expect(refused.status).toBe(2)
    const unknown = await tributary([
      'runs',
      'show',
      'run-000000000000',
      '--data-dir',
      coordinator.dataDir,
    ])
    expect(unknown.result).toMatchObject({ event: 'error', code: 'run/not-found' })
    expect(unknown.status).toBe(1)
  })
})
