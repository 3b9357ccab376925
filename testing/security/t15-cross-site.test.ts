import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { cookieOptions, csrfCookie, sessionCookie } from '#coordinator/auth/cookies.js'
import { addPerson, CSRF, openBrowser, PASSWORD, SESSION, type Browser } from './people.js'
import { RawWebSocket } from './raw-websocket.js'
import { World } from './world.js'

const FOREIGN = [
  'https://evil.example',
  'null',
  'http://127.0.0.1:1',
  'file://',
  'https://127.0.0.1',
]

describe('SEC-T15: pages of others, with a cookie of ours', () => {
  let world: World
  let browser: Browser
  let other: Browser
  beforeAll(async () => {
    world = await World.open()
    await addPerson(world, 'ana', 'administrator')
    await addPerson(world, 'bob', 'administrator')
    browser = await openBrowser(world, 'ana')
    other = await openBrowser(world, 'bob')
  })
  afterAll(() => world.close())
  const write = (headers: Readonly<Record<string, string>>) =>
    world.call(['POST', '/api/nodes/invite'], { token: '', body: '{}', headers })
  const own = () => ({
    ...{ cookie: browser.cookie, origin: world.url, 'x-csrf-token': browser.csrfToken },
  })

  it('SEC-T15: our own page may write', async () => {
    expect((await write(own())).status).toBe(200)
  })
  it.each(FOREIGN)(
    'SEC-T15: a page of %s may not, even with everything else right',
    async (origin) => {
      expect(await write({ ...own(), origin })).toMatchObject({
        status: 403,
        code: 'auth/forbidden',
      })
    },
  )
  it('SEC-T15: a request that does not say where it comes from may not', async () => {
    const { cookie, 'x-csrf-token': token } = own()
    expect((await write({ cookie, 'x-csrf-token': token })).status).toBe(403)
    expect((await write({ cookie })).status).toBe(403)
  })
  it('SEC-T15: the cookie alone is not enough, nor the token of another session', async () => {
    const { cookie, origin } = own()
    expect((await write({ cookie, origin })).status).toBe(403)
    for (const token of ['', 'x', other.csrfToken, `${browser.csrfToken}0`])
      expect((await write({ cookie, origin, 'x-csrf-token': token })).status).toBe(403)
    // The token of the other with its cookie beside our session: they are bound to the session.
    const mixed = [
      cookie.split('; ').find((part) => part.startsWith(SESSION)),
      other.cookie.split('; ').find((part) => part.startsWith(CSRF)),
    ].join('; ')
    expect((await write({ cookie: mixed, origin, 'x-csrf-token': other.csrfToken })).status).toBe(
      403,
    )
  })
  it('SEC-T15: a form, which can send no JSON by itself, is as any other page', async () => {
    const form = { 'content-type': 'application/x-www-form-urlencoded', origin: FOREIGN[0]! }
    const answer = await world.call(['POST', '/api/nodes/invite'], {
      ...{ token: '', body: 'minutes=5', headers: { ...form, cookie: browser.cookie } },
    })
    expect(answer.status).toBe(403)
  })
  it('SEC-T15: nobody is signed in by the page of another', async () => {
    const body = JSON.stringify({ name: 'ana', password: PASSWORD, keep: 'cookie' })
    for (const headers of [{ origin: FOREIGN[0]! }, {}]) {
      const answer = await world.call(['POST', '/api/sign-in'], { token: '', body, headers })
      expect([answer.status, answer.headers.getSetCookie()]).toEqual([403, []])
    }
  })
  it('SEC-T15: no page of another origin may read an answer', async () => {
    for (const origin of FOREIGN) {
      const headers = { origin, cookie: browser.cookie }
      const answer = await world.call(['GET', '/api/runs'], { token: '', headers })
      expect(answer.headers.get('access-control-allow-origin')).toBeNull()
      const asked = await world.call(['OPTIONS', '/api/runs'], { token: '', headers })
      expect(asked.headers.get('access-control-allow-origin')).toBeNull()
      expect(asked.headers.get('access-control-allow-credentials')).toBeNull()
    }
  })
  it('SEC-T15: no page of another origin opens a socket', async () => {
    for (const origin of FOREIGN) {
      const headers = { origin, cookie: browser.cookie }
      await expect(RawWebSocket.open(world.url, { headers })).rejects.toThrow(/HTTP 40[03]/)
    }
    const ours = await RawWebSocket.open(world.url, { headers: { origin: world.url } })
    expect(ours.isClosed).toBe(false)
  })
  it('SEC-T15: the cookie is out of reach of scripts, of other sites and, with TLS, of the neighbours', async () => {
    const body = JSON.stringify({ name: 'ana', password: PASSWORD, keep: 'cookie' })
    const headers = { origin: world.url }
    const { headers: got } = await world.call(['POST', '/api/sign-in'], {
      token: '',
      body,
      headers,
    })
    for (const cookie of got.getSetCookie()) {
      expect(cookie).toMatch(/; HttpOnly/)
      expect(cookie).toMatch(/; SameSite=Strict/)
      expect(cookie).toMatch(/; Path=\/(;|$)/)
      expect(cookie).not.toMatch(/Domain/)
    }
    for (const name of [sessionCookie(true), csrfCookie(true)]) expect(name).toMatch(/^__Host-/)
    expect(cookieOptions(true)).toEqual({
      ...{ httpOnly: true, sameSite: 'strict', secure: true, path: '/' },
    })
  })
})
