import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { sha256, type NodeId } from '#protocol/ids.js'
import { enrolmentText, newKeyPair, proofText, sign, type KeyPair } from '#protocol/proof.js'
import { MemoryStore } from '#coordinator/store/memory-store.js'
import { FakeClock } from '#testing/fake-clock.js'
import { issueCode } from './codes.js'
import { Challenges } from './challenges.js'
import {
  authenticate,
  enrol,
  keyIdOf,
  replaceKey,
  revokeNode,
  type Answer,
  type Enrolment,
  type NewKey,
} from './enrolment.js'
import { keepOperatorFile } from './operator.js'
import { loadSigningSecret } from './secret.js'
import { createTokens } from './tokens.js'

const SECRET = Buffer.alloc(32, 7)
const NOW = '2026-01-01T00:00:00.000Z'
const withCode = (code: string): Error => expect.objectContaining({ code }) as Error

describe('enrolment', () => {
  let store: MemoryStore
  let challenges: Challenges
  let seconds: number
  beforeEach(() => {
    store = new MemoryStore()
    seconds = 1_800_000_000
    challenges = new Challenges(SECRET, () => seconds)
  })
  const invite = async (): Promise<string> =>
    (await issueCode(store, 'enrol-node', { now: NOW, minutes: 1 })).code
  const enrolmentOf = (code: string, keys: KeyPair, name = 'a'): Enrolment => {
    const enrolment = { code, name, publicKey: keys.publicKey }
    return { ...enrolment, proof: sign(enrolmentText(enrolment), keys.privateKey) }
  }
  const enrolled = async (keys = newKeyPair()): Promise<{ nodeId: NodeId; keys: KeyPair }> => {
    const { nodeId } = await enrol(store, enrolmentOf(await invite(), keys), NOW)
    return { nodeId, keys }
  }
  const answer = (nodeId: string, { privateKey }: KeyPair): Answer => {
    const { challenge } = challenges.issue(nodeId, 'token')
    const signature = sign(proofText({ challenge, nodeId, purpose: 'token' }), privateKey)
    return { nodeId, challenge, signature }
  }
  const present = (given: Answer) => authenticate({ store, challenges }, given)
  const refused = withCode('auth/bad-token')

  it('gives a node an id for the key that only the node keeps', async () => {
    const { nodeId, keys } = await enrolled()
    expect(await store.node(nodeId)).toMatchObject({ name: 'a', publicKey: keys.publicKey })
    expect(JSON.stringify(await store.nodes())).not.toContain(keys.privateKey)
    expect(await present(answer(nodeId, keys))).toMatchObject({ nodeId, name: 'a' })
  })
  it('tells a node whose answer was lost the same again, and nobody else', async () => {
    const [code, keys] = [await invite(), newKeyPair()]
    const first = await enrol(store, enrolmentOf(code, keys), NOW)
    expect(await enrol(store, enrolmentOf(code, keys), NOW)).toEqual(first)
    expect(await store.nodes()).toHaveLength(1)
    const other = enrolmentOf(code, newKeyPair())
    await expect(enrol(store, other, NOW)).rejects.toThrow(withCode('auth/bad-code'))
    await store.revokeNode(first.nodeId, NOW)
    const again = enrol(store, enrolmentOf(code, keys), NOW)
    await expect(again).rejects.toThrow(withCode('auth/bad-code'))
  })
  it('believes no key that did not sign the code and the name, and leaves the code good', async () => {
    const [code, keys] = [await invite(), newKeyPair()]
    const good = enrolmentOf(code, keys)
    const stranger = newKeyPair()
    for (const bad of [
      { ...good, publicKey: stranger.publicKey },
      { ...good, name: 'b' },
      { ...good, code: await invite() },
      { ...good, proof: enrolmentOf(code, stranger).proof },
      { ...good, proof: '' },
      { ...good, publicKey: '' },
    ])
      await expect(enrol(store, bad, NOW)).rejects.toThrow(refused)
    expect(await store.nodes()).toEqual([])
    await enrol(store, good, NOW)
  })
  it('knows no node by another key, another text, or an id that is none', async () => {
    const { nodeId, keys } = await enrolled()
    const other = await enrolled()
    const good = answer(nodeId, keys)
    const elsewhere = new Challenges(Buffer.alloc(32, 9), () => seconds).issue(nodeId, 'token')
    const restarted = new Challenges(SECRET, () => seconds).issue(nodeId, 'token')
    const signed = (challenge: string, change: object = {}): Answer => ({
      ...{ nodeId, challenge },
      signature: sign(
        proofText({ challenge, nodeId, purpose: 'token', ...change }),
        keys.privateKey,
      ),
    })
    const { challenge } = challenges.issue(nodeId, 'token')
    for (const bad of [
      answer(nodeId, other.keys),
      answer('node-000000000000', keys),
      answer('__proto__', keys),
      { ...good, nodeId: other.nodeId },
      { ...good, signature: '' },
      { ...good, challenge: `${good.challenge}x` },
      signed(elsewhere.challenge),
      signed(restarted.challenge),
      signed(challenges.issue(nodeId, 'new-key').challenge),
      signed(challenges.issue(other.nodeId, 'token').challenge),
      signed(challenge, { purpose: 'new-key' }),
      signed(challenge, { nodeId: other.nodeId }),
    ])
      await expect(present(bad)).rejects.toThrow(refused)
    // None of these has used the challenges up.
    await present(good)
    await present(signed(challenge))
  })
  it('takes an answer once, and within a minute', async () => {
    const { nodeId, keys } = await enrolled()
    const given = answer(nodeId, keys)
    await present(given)
    await expect(present(given)).rejects.toThrow(refused)
    const late = answer(nodeId, keys)
    seconds += 66
    await expect(present(late)).rejects.toThrow(refused)
    seconds += 60
    // What is forgotten by now has ended by itself.
    await present(answer(nodeId, keys))
    await expect(present(given)).rejects.toThrow(refused)
  })
  it('ends with a revocation', async () => {
    const { nodeId, keys } = await enrolled()
    expect(await revokeNode(store, nodeId, NOW)).toBe(true)
    await expect(present(answer(nodeId, keys))).rejects.toThrow(refused)
  })

  describe('with another key', () => {
    const newKeyOf = (nodeId: string, to: KeyPair, by: (text: string) => NewKey['by']): NewKey => {
      const { challenge } = challenges.issue(nodeId, 'new-key')
      const { publicKey } = to
      const text = proofText({ challenge, nodeId, purpose: 'new-key', publicKey })
      return { nodeId, challenge, publicKey, proof: sign(text, to.privateKey), by: by(text) }
    }
    const change = (given: NewKey) => replaceKey({ store, challenges }, given)

    it('is the same node, and the key before is void', async () => {
      const [{ nodeId, keys }, to] = [await enrolled(), newKeyPair()]
      await change(newKeyOf(nodeId, to, (text) => ({ signature: sign(text, keys.privateKey) })))
      await present(answer(nodeId, to))
      await expect(present(answer(nodeId, keys))).rejects.toThrow(refused)
      expect(keyIdOf(keys.publicKey)).not.toBe(keyIdOf(to.publicKey))
    })
    it('comes in with the secret that an older version gave it, once', async () => {
      const { nodeId } = await enrolled()
      const secret = '7e57'.repeat(16)
      await store.replaceKey(
        nodeId,
        (await store.node(nodeId))!.publicKey,
        `sha256:${sha256(secret)}`,
      )
      const to = newKeyPair()
      const wrong = newKeyOf(nodeId, to, () => ({ secret: 'another' }))
      await expect(change(wrong)).rejects.toThrow(refused)
      await change(newKeyOf(nodeId, to, () => ({ secret })))
      await present(answer(nodeId, to))
      const again = newKeyOf(nodeId, newKeyPair(), () => ({ secret }))
      await expect(change(again)).rejects.toThrow(refused)
    })
    it('is refused without the right to it, or without the new key', async () => {
      const [{ nodeId, keys }, to, stranger] = [await enrolled(), newKeyPair(), newKeyPair()]
      const byOwner = (text: string) => ({ signature: sign(text, keys.privateKey) })
      const good = newKeyOf(nodeId, to, byOwner)
      for (const bad of [
        newKeyOf(nodeId, to, (text) => ({ signature: sign(text, stranger.privateKey) })),
        newKeyOf(nodeId, to, () => ({ secret: keys.publicKey })),
        newKeyOf('node-000000000000', to, byOwner),
        { ...good, publicKey: stranger.publicKey },
        { ...good, proof: newKeyOf(nodeId, stranger, byOwner).proof },
        { ...good, challenge: challenges.issue(nodeId, 'token').challenge },
      ])
        await expect(change(bad)).rejects.toThrow(refused)
      await store.revokeNode(nodeId, NOW)
      await expect(change(good)).rejects.toThrow(refused)
    })
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
    const stop = await keepOperatorFile({
      directory,
      url: 'http://x',
      fingerprint: null,
      tokens,
      clock,
    })
    const file = join(directory, 'operator.json')
    const read = async () =>
      JSON.parse(await readFile(file, 'utf8')) as { url: string; token: string }
    const { url, token } = await read()
    expect(url).toBe('http://x')
    expect(tokens.verify(token, 'people')).toMatchObject({
      subject: 'operator',
      role: 'administrator',
    })
    expect(await modeOf('operator.json')).toBe(0o600)
    clock.advance(300_000)
    await expect.poll(async () => (await read()).token).not.toBe(token)
    await expect.poll(() => clock.pending).toBe(1)
    stop()
    expect(clock.pending).toBe(0)
  })
})
