import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readFile, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  BIN,
  invite,
  joinNode,
  start,
  startCoordinator,
  temporaryDirectory,
  tributary,
  type Finished,
  type Running,
} from './harness.js'

const [FIRST, SECOND] = ['correct horse battery', 'incorrect horse battery']
const DATA = ['--data', 'synthetic:blobs:count=40:seed=3:classes=3:features=4']

/** Makes the terminal on which a password is typed. */
const hasPython = spawnSync('python3', ['-c', 'import pty']).status === 0

/** People at other machines: each with a home of their own, none with the coordinator's data directory. */
describe('people and nodes at a coordinator', () => {
  let directory: { readonly path: string; remove(): Promise<void> }
  let coordinator: { readonly running: Running; readonly url: string; readonly dataDir: string }
  let firstCode: string
  const as =
    (who: string, password = FIRST) =>
    (...args: readonly string[]): Promise<Finished> =>
      tributary(args, {
        env: {
          TRIBUTARY_HOME: join(directory.path, `home-${who}`),
          TRIBUTARY_URL: coordinator.url,
          TRIBUTARY_PASSWORD: password,
          TRIBUTARY_NEW_PASSWORD: SECOND,
        },
        cwd: directory.path,
      })
  const codeOf = ({ lines }: Finished): unknown =>
    lines.find((line) => line['event'] === 'error')?.['code']

  beforeAll(async () => {
    directory = await temporaryDirectory()
    coordinator = await startCoordinator(directory.path)
    const listening = await coordinator.running.event('coordinator:listening')
    firstCode = String(listening['signInCode'])
    await writeFile(
      join(directory.path, 'config.json'),
      JSON.stringify({
        task: { inputShape: [4], classes: ['0', '1', '2'] },
        model: { name: 'logistic' },
        rounds: 1,
      }),
    )
  })
  afterAll(async () => {
    await coordinator.running.kill('SIGTERM')
    await directory.remove()
  })

  it('the administrator comes in by the printed code, chooses a password, and lets others in', async () => {
    const root = as('root')
    const stranger = await root('runs', 'list')
    expect([stranger.status, codeOf(stranger)]).toEqual([1, 'auth/bad-token'])
    expect(stranger.errorText).toContain(`sign-in ${coordinator.url} --user NAME`)
    const came = await root('sign-in', coordinator.url, '--code', firstCode)
    expect(came.result).toMatchObject({ event: 'sign-in:finished', name: 'administrator' })
    expect((await root('sign-in', coordinator.url, '--code', firstCode)).status).toBe(1)
    const again = await root('sign-in', coordinator.url, '--user', 'administrator')
    expect(again.result).toMatchObject({ name: 'administrator', role: 'administrator' })
    for (const [name, role] of [
      ['ada', 'viewer'],
      ['bob', 'researcher'],
    ] as const) {
      const { result } = await root('users', 'add', name, '--role', role)
      expect(result).toMatchObject({ event: 'users:add:finished', name, role })
      const { status } = await as(name)(
        'sign-in',
        coordinator.url,
        '--code',
        String(result['code']),
      )
      expect(status).toBe(0)
    }
    const { result } = await root('users', 'list')
    expect(result['users']).toMatchObject([
      { name: 'administrator', hasPassword: true },
      { name: 'ada', role: 'viewer', hasPassword: true },
      { name: 'bob', role: 'researcher', hasPassword: true },
    ])
    const file = join(directory.path, 'home-ada/credentials.json')
    expect((await stat(file)).mode & 0o777).toBe(0o600)
    expect(await readFile(file, 'utf8')).not.toContain(FIRST)
  })

  it('each may do what their role may, until it is another', async () => {
    const [root, ada, bob] = [as('root'), as('ada'), as('bob')]
    expect((await ada('runs', 'list')).status).toBe(0)
    for (const args of [
      ['runs', 'start', 'config.json'],
      ['nodes', 'invite'],
      ['users', 'list'],
    ])
      expect([args[0], codeOf(await ada(...args))]).toEqual([args[0], 'auth/forbidden'])
    expect(codeOf(await bob('nodes', 'invite'))).toBe('auth/forbidden')
    expect((await root('users', 'role', 'ada', 'administrator')).status).toBe(0)
    const over = await ada('runs', 'list')
    expect(codeOf(over)).toBe('auth/bad-token')
    expect(over.errorText).toContain('The session of ada has ended')
    await ada('sign-in', coordinator.url, '--user', 'ada')
    expect((await ada('nodes', 'invite')).status).toBe(0)
  })

  it('a person changes their password, signs out, is given another code, and is put out', async () => {
    const [root, bob, anew] = [as('root'), as('bob'), as('bob', SECOND)]
    expect((await bob('users', 'password')).result).toMatchObject({ name: 'bob' })
    expect((await bob('runs', 'list')).status).toBe(0)
    expect(codeOf(await bob('sign-in', coordinator.url, '--user', 'bob'))).toBe('auth/bad-password')
    expect((await anew('sign-in', coordinator.url, '--user', 'bob')).status).toBe(0)
    expect((await bob('sign-out', coordinator.url)).status).toBe(0)
    expect(codeOf(await bob('runs', 'list'))).toBe('auth/bad-token')
    const { result } = await root('users', 'code', 'bob')
    expect(codeOf(await anew('sign-in', coordinator.url, '--user', 'bob'))).toBe(
      'auth/bad-password',
    )
    expect((await bob('runs', 'list', '--code', String(result['code']))).status).toBe(0)
    expect((await root('users', 'revoke', 'bob')).status).toBe(0)
    expect(codeOf(await bob('runs', 'list'))).toBe('auth/bad-token')
  })

  it('who reads the data directory needs no signing in, and is told what to say', async () => {
    const local = await tributary(['users', 'list', '--data-dir', coordinator.dataDir])
    expect(local.status).toBe(0)
    for (const args of [
      ['sign-in', coordinator.url],
      ['sign-in', coordinator.url, '--user', 'ada', '--code', 'AAAA-BBBB-CCCC'],
      ['sign-in', 'nowhere', '--user', 'ada'],
      ['users', 'add', 'cleo', '--role', 'king', '--data-dir', coordinator.dataDir],
    ]) {
      const { status, lines } = await tributary(args)
      expect([args.join(' '), status, lines.at(-1)?.['code']]).toEqual([
        args.join(' '),
        2,
        'usage/bad-value',
      ])
    }
  })

  it.skipIf(!hasPython)('a password that is asked for is not shown', async () => {
    const shown = await onTerminal(['sign-in', coordinator.url, '--user', 'ada'], `${FIRST}\r`, {
      TRIBUTARY_HOME: join(directory.path, 'home-typing'),
    })
    expect(shown).toContain('Signed in')
    expect(shown).not.toContain('horse')
  })

  it('a node comes back with its key, with another, and not when it was revoked', async () => {
    const data = DATA
    const first = await joinNode(directory.path, coordinator, { name: 'ward', data })
    const { nodeId } = await first.event('node:connected')
    await first.kill('SIGTERM')
    const state = join(directory.path, 'ward')
    const joinAgain = (...more: readonly string[]): Running =>
      start(['client', 'join', coordinator.url, '--state-dir', state, ...data, ...more])
    const second = joinAgain('--new-key')
    expect(await second.event('node:connected')).toMatchObject({ nodeId })
    const revoked = await tributary([
      'nodes',
      'revoke',
      String(nodeId),
      '--data-dir',
      coordinator.dataDir,
    ])
    expect(revoked.status).toBe(0)
    const ended = await second.ended
    expect([ended.status, codeOf(ended)]).toEqual([1, 'auth/bad-token'])
    const refused = await joinAgain().ended
    expect(codeOf(refused)).toBe('auth/bad-token')
    const third = joinAgain('--code', await invite(coordinator))
    expect((await third.event('node:connected'))['nodeId']).not.toBe(nodeId)
    await third.kill('SIGTERM')
    await rm(state, { recursive: true })
  })
})

/** Runs a command on a terminal of its own and types; what it showed. */
async function onTerminal(args: readonly string[], typed: string, env: object): Promise<string> {
  const program = `
import os, pty, sys
pid, fd = pty.fork()
if pid == 0: os.execvp(sys.argv[1], sys.argv[1:])
shown = b''
asked = False
while True:
    try: chunk = os.read(fd, 4096)
    except OSError: break
    if not chunk: break
    shown += chunk
    if not asked and b'Password' in shown:
        asked = True
        os.write(fd, ${JSON.stringify(typed)}.encode())
os.waitpid(pid, 0)
sys.stdout.buffer.write(shown)
`
  const child = spawn('python3', ['-c', program, process.execPath, BIN, ...args], {
    env: { ...process.env, ...env },
  })
  let shown = ''
  child.stdout.on('data', (chunk: Buffer) => (shown += chunk.toString()))
  await once(child, 'close')
  return shown
}
