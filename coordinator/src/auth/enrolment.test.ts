import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { MemoryStore } from '#coordinator/store/memory-store.js'
import { FakeClock } from '#testing/fake-clock.js'
import { issueCode } from './codes.js'
import { activeNode, authenticate, enrol } from './enrolment.js'
import { keepOperatorFile } from './operator.js'
import { loadSigningSecret } from './secret.js'
import { createTokens } from './tokens.js'

const NOW = '2026-01-01T00:00:00.000Z'
const withCode = (code: string): Error => expect.objectContaining({ code }) as Error

describe('enrolment', () => {
  const enrolOne = async (store: MemoryStore) => {
    const { code } = await issueCode(store, 'enrol-node', { now: NOW, minutes: 1 })
    return enrol(store, { code, name: 'a', now: NOW })
  }

  it('gives a node an id and a secret that only the node keeps', async () => {
    const store = new MemoryStore()
    const { nodeId, secret } = await enrolOne(store)
    expect(secret).toMatch(/^[0-9a-f]{64}$/)
    expect(JSON.stringify(await store.nodes())).not.toContain(secret)
    expect(await authenticate(store, { nodeId, secret })).toMatchObject({ nodeId, name: 'a' })
  })
  it('knows no node by a wrong secret, by none, or by an id that is none', async () => {
    const store = new MemoryStore()
    const { nodeId, secret } = await enrolOne(store)
    for (const credentials of [
      { nodeId, secret: secret.replace(/^./, 'x') },
      { nodeId, secret: '' },
      { nodeId: 'node-000000000000', secret },
      { nodeId: '', secret: '' },
      { nodeId: '__proto__', secret },
    ])
      await expect(authenticate(store, credentials)).rejects.toThrow(withCode('auth/bad-token'))
  })
  it('ends with a revocation', async () => {
    const store = new MemoryStore()
    const { nodeId, secret } = await enrolOne(store)
    await activeNode(store, nodeId)
    await store.revokeNode(nodeId, NOW)
    await expect(authenticate(store, { nodeId, secret })).rejects.toThrow(
      withCode('auth/bad-token'),
    )
    await expect(activeNode(store, nodeId)).rejects.toThrow(withCode('auth/bad-token'))
  })
})

describe("the coordinator's own secrets", () => {
  let directory: string
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'tributary-auth-'))
  })
  afterEach(() => rm(directory, { recursive: true }))
  const modeOf = async (name: string): Promise<number> =>
    (await stat(join(directory, name))).mode & 0o777

  it('are made once and readable by their owner only', async () => {
    const first = await loadSigningSecret(directory)
    const second = await loadSigningSecret(directory)
    expect([first.isNew, second.isNew]).toEqual([true, false])
    expect(first.bytes).toHaveLength(32)
    expect(second.bytes).toEqual(first.bytes)
    expect(await modeOf('signing-secret')).toBe(0o600)
  })
  it.each(['', 'short', 'ab'.repeat(31), `${'ab'.repeat(32)}zz`])(
    'are refused when the file holds something else: %s',
    async (text) => {
      await writeFile(join(directory, 'signing-secret'), text)
      await expect(loadSigningSecret(directory)).rejects.toThrow(withCode('store/corrupt'))
    },
  )
  it('let commands on the same machine in, with a token that is renewed', async () => {
    const clock = new FakeClock()
    const tokens = createTokens(Buffer.alloc(32, 1))
    const stop = await keepOperatorFile({ directory, url: 'http://x', tokens, clock })
    const file = join(directory, 'operator.json')
    const read = async () =>
      JSON.parse(await readFile(file, 'utf8')) as { url: string; token: string }
    const { url, token } = await read()
    expect(url).toBe('http://x')
    expect(tokens.verify(token, 'people').subject).toBe('administrator')
    expect(await modeOf('operator.json')).toBe(0o600)
    clock.advance(3_600_000)
    await expect.poll(async () => (await read()).token).not.toBe(token)
    await expect.poll(() => clock.pending).toBe(1)
    stop()
    expect(clock.pending).toBe(0)
  })
})
