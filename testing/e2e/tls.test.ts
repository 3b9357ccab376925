import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { endAll, start, temporaryDirectory, tributary, type Running } from './harness.js'

const DATA = ['--data', 'mnist', '--limit', '40']
const FAULT = pathToFileURL(join(import.meta.dirname, 'fault-on-signal.mjs')).href
interface Served {
  readonly running: Running
  readonly url: string
  readonly fingerprint: string
}

describe('a coordinator with TLS', () => {
  let directory: Awaited<ReturnType<typeof temporaryDirectory>>
  let dataDir: string
  /** Of someone at another machine: nothing of the coordinator's own is there. */
  let elsewhere: { readonly cwd: string; readonly env: NodeJS.ProcessEnv }
  beforeEach(async () => {
    directory = await temporaryDirectory()
    dataDir = join(directory.path, 'coordinator')
    elsewhere = { cwd: directory.path, env: { TRIBUTARY_HOME: join(directory.path, 'elsewhere') } }
  })
  afterEach(async () => {
    await endAll()
    await directory.remove()
  })
  const serve = async (port = '0', options: readonly string[] = ['--tls-self-signed']) => {
    const running = start(
      ['coordinator', 'start', '--data-dir', dataDir, '--port', port, ...options],
      { env: { TRIBUTARY_HOME: join(directory.path, 'home') } },
    )
    const { url, fingerprint } = (await running.event('coordinator:listening')) as never as Served
    return { running, url, fingerprint }
  }
  const join_ = (args: readonly string[]): Running =>
    start(['client', 'join', ...args, '--state-dir', join(directory.path, 'node'), ...DATA])

  it('is joined by its fingerprint, and by nothing else when its certificate changes', async () => {
    const first = await serve()
    expect(first.url).toMatch(/^https:/)
    const told = await tributary(['coordinator', 'fingerprint', '--data-dir', dataDir])
    expect(told.result).toMatchObject({ fingerprint: first.fingerprint })
    const invited = await tributary(['nodes', 'invite', '--data-dir', dataDir])
    const [{ code = '' } = {}] = invited.result['invitations'] as { code?: string }[]

    const stranger = await join_([first.url, '--code', code]).ended
    expect([stranger.status, stranger.errorText]).toEqual([
      1,
      expect.stringContaining('tls/certificate-unknown'),
    ])
    const node = join_([first.url, '--code', code, '--fingerprint', first.fingerprint])
    await node.event('node:connected')

    const prepared = await tributary(['coordinator', 'rotate-tls', '--data-dir', dataDir])
    const next = prepared.result['fingerprint'] as string
    await tributary(['coordinator', 'rotate-tls', '--activate', '--data-dir', dataDir])
    await first.running.kill('SIGTERM')
    const second = await serve(new URL(first.url).port)
    expect(second.fingerprint).toBe(next)
    const refused = await node.ended
    expect(refused.status).toBe(1)
    expect(refused.errorText).toContain('tls/certificate-changed')
    expect(refused.errorText).toContain(next)
    expect((await join_([first.url]).ended).errorText).toContain('tls/certificate-changed')

    // Told again, it comes back as the node that it was.
    const back = join_([first.url, '--fingerprint', `${first.fingerprint},${next}`])
    await back.event('node:connected')
    expect(back.lines.find(({ event }) => event === 'node:connected')?.['nodeId']).toBe(
      node.lines.find(({ event }) => event === 'node:connected')?.['nodeId'],
    )
  })

  it('is talked to by people who pin it once', async () => {
    const { url, running, fingerprint } = await serve()
    const { signInCode } = (await running.event('coordinator:listening')) as never as {
      signInCode: string
    }
    const list = (...args: readonly string[]) =>
      tributary(['nodes', 'list', '--url', url, ...args], elsewhere)
    expect((await list()).errorText).toContain('tls/certificate-unknown')
    const wrong = await list('--fingerprint', 'ab'.repeat(32), '--code', signInCode)
    expect([wrong.status, wrong.errorText]).toEqual([
      1,
      expect.stringContaining('tls/certificate-changed'),
    ])
    expect((await list('--fingerprint', fingerprint)).errorText).toContain('auth/')
    expect((await list('--ca', join(dataDir, 'tls', 'certificate.pem'))).errorText).toContain(
      'auth/',
    )
    await writeFile(join(directory.path, 'no.pem'), 'no certificate')
    expect((await list('--ca', 'no.pem')).errorText).toContain('tls/unreadable')
  })

  it('does not start in the clear for other machines, or with half a certificate', async () => {
    const refusals = await Promise.all(
      [
        ['--host', '0.0.0.0'],
        ['--tls-cert', 'x.pem'],
        ['--tls-self-signed', '--tls-key', 'x'],
      ].map((options) =>
        tributary(['coordinator', 'start', '--data-dir', dataDir, '--port', '0', ...options]),
      ),
    )
    expect(refusals.map(({ status, result }) => [status, result['code']])).toEqual([
      [2, 'tls/required'],
      [2, 'usage/bad-value'],
      [2, 'usage/bad-value'],
    ])
  })

  it.each(['exception', 'rejection'])(
    'ends with one line in its log after an %s that nothing caught, and starts again',
    async (kind) => {
      const running = start(['coordinator', 'start', '--data-dir', dataDir, '--port', '0'], {
        nodeOptions: ['--import', FAULT],
        env: { TEST_FAULT: kind, TRIBUTARY_HOME: join(directory.path, 'home') },
      })
      await running.event('coordinator:listening')
      running.child.kill('SIGUSR2')
      const { status, errorText } = await running.ended
      expect(status).toBe(1)
      const fatal = errorText
        .split('\n')
        .filter((line) => line.startsWith('{'))
        .map((line) => JSON.parse(line) as { level: number; err?: { message: string } })
        .filter(({ level }) => level === 60)
      expect(fatal).toHaveLength(1)
      expect(fatal[0]?.err?.message).toMatch(/^nobody/)
      const { running: again } = await serve('0', [])
      again.child.kill('SIGTERM')
      expect(await again.ended).toMatchObject({
        status: 0,
        result: { event: 'coordinator:start:finished' },
      })
    },
  )
})
