import { beforeEach, describe, expect, it } from 'vitest'
import { MemoryStore } from '#coordinator/store/memory-store.js'
import { issueCode } from './codes.js'
import { cookieOptions, isEncrypted, parseCookies, sessionCookie, sessionOf } from './cookies.js'
import { Origins } from './origins.js'
import { People } from './people.js'
import { hashPassword, isPassword } from './passwords.js'

const NOW = '2026-01-01T00:00:00.000Z'
const LATER = '2026-01-02T00:00:00.000Z'
const PASSWORD = 'correct horse battery'
const withCode = (code: string): Error => expect.objectContaining({ code }) as Error

describe('people', () => {
  let store: MemoryStore
  let people: People
  beforeEach(() => {
    store = new MemoryStore()
    people = new People(store)
  })
  const invited = async (name = 'ada') => (await people.add({ name, role: 'viewer' }, NOW)).code
  const enter = (code: string, password: string | null = PASSWORD, now = NOW) =>
    people.signInByCode({ code, password, now })

  it('choose a password with a code, once, and come in with it', async () => {
    const code = await invited()
    expect(await enter(code)).toMatchObject({ name: 'ada', role: 'viewer', tokenVersion: 2 })
    await expect(enter(code)).rejects.toThrow(withCode('auth/bad-code'))
    expect(await people.signInByPassword('ada', PASSWORD)).toMatchObject({ name: 'ada' })
    const wrong = people.signInByPassword('ada', `${PASSWORD}!`)
    await expect(wrong).rejects.toThrow(withCode('auth/bad-password'))
    expect(JSON.stringify(await store.users())).not.toContain(PASSWORD)
    expect((await store.user('ada'))?.passwordHash).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/)
  })
  it('may come in once without choosing one', async () => {
    expect(await enter(await invited(), null)).toMatchObject({
      passwordHash: null,
      tokenVersion: 1,
    })
    await expect(people.signInByPassword('ada', '')).rejects.toThrow(withCode('auth/bad-password'))
  })
  it.each(['short', 'aaaaaaaaaaaaaaaaaa', ''])(
    'do not lose their code to a weak password: %s',
    async (weak) => {
      const code = await invited()
      await expect(enter(code, weak)).rejects.toThrow(withCode('auth/weak-password'))
      await enter(code)
    },
  )
  it('have names that are nobody else’s, nor were', async () => {
    await invited()
    await people.revoke('ada', NOW)
    for (const name of ['ada', 'operator', 'coordinator', 'node-0123456789ab'])
      await expect(invited(name)).rejects.toThrow(withCode('user/exists'))
  })
  it('who got another code cannot come in with the one before, nor with the password', async () => {
    const [first, second] = [await invited(), (await people.giveCode('ada', NOW)).code]
    await expect(enter(first)).rejects.toThrow(withCode('auth/bad-code'))
    await enter(second)
    await people.giveCode('ada', NOW)
    const old = people.signInByPassword('ada', PASSWORD)
    await expect(old).rejects.toThrow(withCode('auth/bad-password'))
  })
  it('who were revoked cannot come in, by whatever they have, and cannot be changed any more', async () => {
    await enter(await invited())
    const code = await invited('bob')
    for (const name of ['ada', 'bob']) await people.revoke(name, NOW)
    await expect(enter(code)).rejects.toThrow(withCode('auth/bad-code'))
    const byPassword = people.signInByPassword('ada', PASSWORD)
    await expect(byPassword).rejects.toThrow(withCode('auth/bad-password'))
    for (const change of [
      () => people.changeRole('ada', 'administrator'),
      () => people.giveCode('ada', NOW),
      () => people.revoke('ada', NOW),
      () => people.changeRole('nobody', 'viewer'),
    ])
      await expect(change()).rejects.toThrow(withCode('user/not-found'))
  })
  it('cannot come in with a code that is too old, or one of a node', async () => {
    await expect(enter(await invited(), null, LATER)).rejects.toThrow(withCode('auth/expired-code'))
    const { code } = await issueCode(store, 'enrol-node', { now: NOW, minutes: 10 })
    await expect(enter(code)).rejects.toThrow(withCode('auth/bad-code'))
  })
  it('change their password with the one that they have', async () => {
    await enter(await invited())
    const newPassword = 'incorrect horse battery'
    const change = (password: string) => people.changePassword('ada', { password, newPassword })
    await expect(change('wrong password!')).rejects.toThrow(withCode('auth/bad-password'))
    await change(PASSWORD)
    await people.signInByPassword('ada', newPassword)
    await expect(change(PASSWORD)).rejects.toThrow(withCode('auth/bad-password'))
  })
  it('can be tried ten times by name, at once or one after the other; who knows the password starts anew', async () => {
    await enter(await invited())
    const guess = (name: string) =>
      people
        .signInByPassword(name, 'a wrong password')
        .catch((error: { code: string }) => error.code)
    for (let i = 0; i < 9; i += 1) expect(await guess('ada')).toBe('auth/bad-password')
    await people.signInByPassword('ada', PASSWORD)
    const answers = await Promise.all(Array.from({ length: 12 }, () => guess('ada')))
    expect(answers.filter((code) => code === 'auth/bad-password')).toHaveLength(10)
    expect(answers.filter((code) => code === 'auth/too-many-tries')).toHaveLength(2)
    const right = people.signInByPassword('ada', PASSWORD)
    await expect(right).rejects.toThrow(withCode('auth/too-many-tries'))
    // A name that there is not is no different.
    const unknown = await Promise.all(Array.from({ length: 12 }, () => guess('nobody')))
    expect(unknown.filter((code) => code === 'auth/too-many-tries')).toHaveLength(2)
  })
  it('of two who change somebody at the same time both are heard', async () => {
    await invited()
    await Promise.all([people.changeRole('ada', 'researcher'), people.giveCode('ada', NOW)])
    expect(await store.user('ada')).toMatchObject({ role: 'researcher', tokenVersion: 3 })
  })
  it('begin with an administrator, who keeps their password when the signing secret is new', async () => {
    await people.ensureAdministrator(NOW)
    await people.ensureAdministrator(LATER)
    expect(await people.all()).toMatchObject([{ name: 'administrator', createdAt: NOW }])
    await enter((await people.firstCode(NOW))!)
    expect(await people.firstCode(NOW)).toMatch(/^\w{4}-\w{4}-\w{4}$/)
    await people.signInByPassword('administrator', PASSWORD)
    // Codes of older versions name nobody.
    const { code } = await issueCode(store, 'sign-in', { now: NOW, minutes: 10 })
    expect(await enter(code, null)).toMatchObject({ name: 'administrator' })
    await people.revoke('administrator', NOW)
    await people.ensureAdministrator(LATER)
    expect(await people.firstCode(NOW)).toBeNull()
  })
})

describe('passwords', () => {
  it('are the same however their letters were composed, and never the same twice on disk', async () => {
    const [first, second] = [
      await hashPassword('Café au lait!'),
      await hashPassword('Café au lait!'),
    ]
    expect(first).not.toBe(second)
    expect(await isPassword('Cafe\u0301 au lait!', first)).toBe(true)
    expect(await isPassword('Cafe au lait!', first)).toBe(false)
    expect(await isPassword('nobody has this password', null)).toBe(false)
  })
})

describe('cookies and origins', () => {
  it('are read by name; one that occurs twice was put there by somebody else', () => {
    expect([...parseCookies('a=1; b=x=y ;c; a=2; __proto__=3')]).toEqual([
      ['b', 'x=y'],
      ['__proto__', '3'],
    ])
    const [plain, encrypted] = [sessionCookie(false), sessionCookie(true)]
    expect([plain, encrypted]).toEqual(['tributary-session', '__Host-tributary-session'])
    const way = { isTls: false, origin: undefined }
    expect(sessionOf({ ...way, cookieHeader: `${plain}=s` })).toBe('s')
    // With TLS a cookie that any page of the host could have set counts for nothing.
    expect(sessionOf({ ...way, isTls: true, cookieHeader: `${plain}=s` })).toBeNull()
    expect(sessionOf({ ...way, cookieHeader: `${plain}=s; ${encrypted}=t` })).toBe('t')
    expect(isEncrypted({ ...way, origin: 'https://x', cookieHeader: undefined })).toBe(true)
    for (const secure of [true, false])
      expect(cookieOptions(secure)).toEqual({
        httpOnly: true,
        sameSite: 'strict',
        secure,
        path: '/',
      })
  })

  const origins = new Origins()
  origins.allow('http://127.0.0.1:7400')
  origins.allow('https://fl.example.org')
  const judged = (origin: string | undefined, isByCookie = true): string => {
    try {
      origins.assertAllowed(origin, { isByCookie })
      return 'allowed'
    } catch (error) {
      return (error as { code: string }).code
    }
  }
  it.each([
    'http://127.0.0.1:7400',
    'http://localhost:7400',
    'http://[::1]:7400',
    'https://fl.example.org',
  ])('let the page of %s write', (origin) => expect(judged(origin)).toBe('allowed'))
  it.each([
    ...['null', '', 'http://127.0.0.1', 'http://127.0.0.1:7401', 'https://127.0.0.1:7400'],
    ...[
      'https://fl.example.org.evil.com',
      'https://evil.com',
      'http://fl.example.org',
      'https://fl.example.org:444',
    ],
    'http://127.0.0.1:7400/',
  ])('let no page of %s write, cookie or not', (origin) => {
    for (const isByCookie of [true, false])
      expect(judged(origin, isByCookie)).toBe('auth/forbidden')
  })
  it('let programs write, which name no origin, but not with a cookie', () => {
    expect([judged(undefined, false), judged(undefined, true)]).toEqual([
      'allowed',
      'auth/forbidden',
    ])
    expect(() => origins.allow('fl.example.org')).toThrow(withCode('usage/bad-value'))
  })
})
