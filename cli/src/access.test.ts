import { createServer, type Server } from 'node:http'
import { once } from 'node:events'
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { FederationError } from '#protocol/errors.js'
import { newKeyPair } from '#protocol/proof.js'
import {
  explained,
  firstOf,
  fixedAccess,
  operatorAccess,
  sessionAccess,
  type Access,
} from './access.js'
import { createApi } from './api.js'
import { rememberedSession, rememberSession, type RememberedSession } from './credentials.js'

const SESSION: RememberedSession = {
  ...{ name: 'ada', role: 'viewer', session: 's', endsAt: '2999-01-01T00:00:00.000Z' },
}
const refusal = new FederationError('auth/bad-token', 'no')

describe('the right of a command to call', () => {
  let directory: string
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'tributary-access-'))
  })
  afterEach(() => rm(directory, { recursive: true }))
  const operatorHas = (token: string): Promise<void> =>
    writeFile(join(directory, 'operator.json'), JSON.stringify({ url: 'http://x', token }))

  it('is what the coordinator has left in its data directory, as it is now', async () => {
    const access = operatorAccess(directory)
    expect(await access.token()).toBeNull()
    await operatorHas('one')
    expect(await access.token()).toBe('one')
    expect(await access.renew()).toBe(false)
    await operatorHas('two')
    expect(await access.token()).toBe('one')
    expect([await access.renew(), await access.token()]).toEqual([true, 'two'])
  })
  it('is a session, as long as it can be exchanged', async () => {
    let given: string | null = 'one'
    const access = sessionAccess(SESSION, (session) => {
      expect(session).toBe('s')
      return given === null ? Promise.reject(refusal) : Promise.resolve(given)
    })
    expect(await access.token()).toBe('one')
    given = 'two'
    expect(await access.token()).toBe('one')
    expect([await access.renew(), await access.token()]).toEqual([true, 'two'])
    given = null
    expect(await access.renew()).toBe(false)
    expect(explained(refusal, access, 'http://host:7400/api').message).toMatch(
      /^The session of ada has ended; sign in with: .*sign-in http:\/\/host:7400 --user NAME$/,
    )
    const unreachable = new FederationError('coordinator/unreachable', 'away')
    const failing = sessionAccess(SESSION, () => Promise.reject(unreachable))
    await expect(failing.token()).rejects.toBe(unreachable)
  })
  it('is that of the person first, then that of who reads the data directory', async () => {
    await operatorHas('operator')
    const over = sessionAccess(SESSION, () => Promise.reject(refusal))
    expect(await firstOf(over, operatorAccess(directory)).token()).toBe('operator')
    let isOver = false
    const ending = sessionAccess(SESSION, () =>
      isOver ? Promise.reject(refusal) : Promise.resolve('person'),
    )
    const access = firstOf(ending, operatorAccess(directory))
    expect(await access.token()).toBe('person')
    isOver = true
    expect([await access.renew(), await access.token()]).toEqual([true, 'operator'])
    expect(await access.renew()).toBe(false)
    expect(await firstOf().token()).toBeNull()
  })

  describe('when the coordinator refuses it', () => {
    let server: Server
    let url: string
    let heard: (string | undefined)[]
    beforeEach(async () => {
      heard = []
      server = createServer((request, response) => {
        heard.push(request.headers.authorization)
        const isGood = request.headers.authorization === 'Bearer good'
        const problem = { code: 'auth/bad-token', message: 'no' }
        const answer = { version: '1', nodesOnline: 0, runs: 0, auditKey: newKeyPair().publicKey }
        response.writeHead(isGood ? 200 : 401).end(JSON.stringify(isGood ? answer : { problem }))
      }).listen(0, '127.0.0.1')
      await once(server, 'listening')
      url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    })
    afterEach(() => {
      server.closeAllConnections()
      server.close()
    })
    const changing = (...tokens: readonly string[]): Access => {
      const left = [...tokens]
      return {
        token: () => Promise.resolve(left[0] ?? null),
        renew: () => Promise.resolve(left.length > 1 && left.shift() !== undefined),
        advice: 'It is over',
      }
    }
    it('is renewed, and the call is made again', async () => {
      await createApi(url, changing('old', 'good')).call('GET /api/status')
      expect(heard).toEqual(['Bearer old', 'Bearer good'])
    })
    it('is renewed once, and a person learns what to do when that does not help', async () => {
      await expect(
        createApi(url, changing('old', 'older')).call('GET /api/status'),
      ).rejects.toThrow(expect.objectContaining({ code: 'auth/bad-token' }) as Error)
      expect(heard).toHaveLength(2)
      for (const [access, words] of [
        [changing('old'), /It is over; sign in with/],
        [fixedAccess(null), /Nobody is signed in .*sign in with/],
        [fixedAccess('mine'), /^no$/],
      ] as const)
        await expect(createApi(url, access).call('GET /api/status')).rejects.toThrow(words)
    })
  })

  it('is remembered for each coordinator, for the owner alone, until its end', async () => {
    const before = process.env['TRIBUTARY_HOME']
    process.env['TRIBUTARY_HOME'] = join(directory, 'home')
    try {
      expect(await rememberedSession('http://a:1/')).toBeNull()
      await rememberSession('http://a:1', SESSION)
      await rememberSession('http://b:1', { ...SESSION, name: 'bob' })
      expect(await rememberedSession('http://a:1/x')).toEqual(SESSION)
      const file = join(directory, 'home/credentials.json')
      expect((await stat(file)).mode & 0o777).toBe(0o600)
      await rememberSession('http://a:1', null)
      expect(await rememberedSession('http://a:1')).toBeNull()
      expect(await rememberedSession('http://b:1')).toMatchObject({ name: 'bob' })
      await rememberSession('http://b:1', { ...SESSION, endsAt: '2026-01-01T00:00:00.000Z' })
      expect(await rememberedSession('http://b:1')).toBeNull()
      // As earlier versions wrote it.
      await writeFile(file, JSON.stringify({ 'http://a:1': 'a token' }))
      expect(await rememberedSession('http://a:1')).toBeNull()
    } finally {
      if (before === undefined) delete process.env['TRIBUTARY_HOME']
      else process.env['TRIBUTARY_HOME'] = before
    }
  })
})
