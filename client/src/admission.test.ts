import { cp, mkdtemp, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { sha256, type NodeId } from '#protocol/ids.js'
import { newKeyPair, publicKeyOf } from '#protocol/proof.js'
import { startCoordinator, type CoordinatorHandle } from '#coordinator/server.js'
import type { Store } from '#coordinator/store/store.js'
import { FakeCompute } from '#testing/fake-fleet.js'
import { admission } from './admission.js'
import { openNodeState, type Credentials, type NodeState } from './state/node-state.js'
import { enrol, fetchToken } from './transport/http.js'

const { signal } = new AbortController()

describe('a node that comes in', () => {
  let directory: string
  let coordinator: CoordinatorHandle
  let store: Store
  let state: NodeState
  const at = (name: string): string => join(directory, name)
  const comeIn = (options: { code?: string; newKey?: boolean } = {}) =>
    admission(state, { url: coordinator.url, name: 'a', ...options }, signal)
  const credentials = async (): Promise<Credentials> => (await state.credentials())!
  const keyOf = async (nodeId: string) => (await store.node(nodeId as NodeId))!.publicKey
  const nodeIds = async () => (await store.nodes()).map(({ nodeId }) => nodeId)
  const takes = (nodeId: string, privateKey: string): Promise<boolean> =>
    fetchToken(coordinator.url, { nodeId, privateKey }, signal).then(
      () => true,
      () => false,
    )

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'tributary-admission-'))
    coordinator = await startCoordinator({
      ...{ dataDir: at('coordinator'), port: 0, logLevel: 'silent' },
      compute: (opened) => {
        store = opened
        return new FakeCompute(opened.blobs)
      },
    })
    state = await openNodeState(at('node'))
  })
  afterEach(async () => {
    await state.release()
    await coordinator.stop()
    await rm(directory, { recursive: true })
  })

  it('makes its key itself, keeps it for its owner alone, and comes back with it', async () => {
    const first = await comeIn({ code: await coordinator.invite() })
    const { nodeId, privateKey } = await credentials()
    expect(await keyOf(nodeId)).toBe(publicKeyOf(privateKey!))
    expect((await stat(at('node/credentials.json'))).mode & 0o777).toBe(0o600)
    await expect(stat(at('node/enrolling.json'))).rejects.toThrow('ENOENT')
    const database = await readFile(at('coordinator/tributary.db'))
    expect(database.includes(privateKey!)).toBe(false)
    const again = await comeIn()
    expect(again.credentials).toEqual(first.credentials)
  })

  it('that died before it heard the answer goes on with the same key and code', async () => {
    const code = await coordinator.invite()
    const privateKey = await state.enrolmentKey()
    expect((await stat(at('node/enrolling.json'))).mode & 0o777).toBe(0o600)
    const { nodeId } = await enrol(coordinator.url, { code, name: 'a', privateKey }, signal)
    expect((await comeIn({ code })).credentials).toMatchObject({ nodeId, privateKey })
    expect(await nodeIds()).toEqual([nodeId])
  })

  it('of an older version exchanges its secret for a key, and is the same node', async () => {
    const { credentials: known } = await comeIn({ code: await coordinator.invite() })
    const [{ nodeId, url, name }, secret] = [known, '7e57'.repeat(16)]
    await store.replaceKey(nodeId as NodeId, await keyOf(nodeId), `sha256:${sha256(secret)}`)
    await state.saveCredentials({ url, nodeId, name, secret })
    const { credentials: now } = await comeIn()
    expect(now.nodeId).toBe(nodeId)
    expect(await credentials()).toEqual(now)
    expect(JSON.stringify(now)).not.toContain(secret)
    expect(await keyOf(nodeId)).toBe(publicKeyOf(now.privateKey!))
  })

  it('replaces its key when it is told to, and the one before is void', async () => {
    const { credentials: before } = await comeIn({ code: await coordinator.invite() })
    const { credentials: after } = await comeIn({ newKey: true })
    expect(after.nodeId).toBe(before.nodeId)
    expect(await takes(before.nodeId, before.privateKey!)).toBe(false)
    expect(await takes(after.nodeId, after.privateKey!)).toBe(true)
    expect(await credentials()).not.toHaveProperty('nextKey')
  })

  it.each(['before', 'after'])(
    'that died while it replaced its key, %s the coordinator had heard of it, comes in all the same',
    async (when) => {
      const { credentials: known } = await comeIn({ code: await coordinator.invite() })
      const { publicKey, privateKey: nextKey } = newKeyPair()
      await state.saveCredentials({ ...known, nextKey })
      if (when === 'after')
        await store.replaceKey(known.nodeId as NodeId, await keyOf(known.nodeId), publicKey)
      const { credentials: now } = await comeIn()
      expect(now).toMatchObject({ nodeId: known.nodeId, privateKey: nextKey })
      expect(await keyOf(now.nodeId)).toBe(publicKey)
    },
  )

  it('that was revoked says so, and comes back with a new code as another, with another key', async () => {
    const code = await coordinator.invite()
    const { credentials: before } = await comeIn({ code })
    await store.revokeNode(before.nodeId as NodeId, 'now')
    for (const options of [{}, { code }, { newKey: true }])
      await expect(comeIn(options)).rejects.toMatchObject({ code: 'auth/bad-token' })
    const { credentials: after } = await comeIn({ code: await coordinator.invite() })
    expect(after.nodeId).not.toBe(before.nodeId)
    expect(after.privateKey).not.toBe(before.privateKey)
  })

  it('whose directory was copied has the same key: the copy is the same node', async () => {
    await comeIn({ code: await coordinator.invite() })
    await cp(at('node'), at('copy'), { recursive: true })
    await rm(at('copy.lock'), { force: true, recursive: true })
    const copy = JSON.parse(await readFile(at('copy/credentials.json'), 'utf8')) as Credentials
    expect(await takes(copy.nodeId, copy.privateKey!)).toBe(true)
  })
})
