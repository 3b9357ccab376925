import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { addPerson, PASSWORD } from './people.js'
import { World } from './world.js'

describe('SEC-T23: trying names, passwords and codes', () => {
  let world: World
  beforeAll(async () => {
    world = await World.open()
    for (const name of ['ana', 'bob', 'cleo']) await addPerson(world, name, 'viewer')
    await world.call(['POST', '/api/users/cleo/revoke'], { body: '{}' })
  })
  afterAll(() => world.close())
  const signIn = (body: object) =>
    world.call(['POST', '/api/sign-in'], { token: '', body: JSON.stringify(body) })

  it('SEC-T23: an unknown name, a wrong password and somebody who was revoked get the same answer', async () => {
    const answers = await Promise.all(
      [
        { name: 'nobody', password: PASSWORD },
        { name: 'ana', password: 'wrong password here' },
        { name: 'cleo', password: PASSWORD },
        { name: 'administrator', password: PASSWORD },
      ].map(signIn),
    )
    const bodies = answers.map(({ status, text }) => [
      status,
      text.replace(/"requestId":"[^"]*"/, ''),
    ])
    expect(new Set(bodies.map((body) => JSON.stringify(body))).size).toBe(1)
    expect(answers[0]).toMatchObject({ status: 401, code: 'auth/bad-password' })
  })
  it('SEC-T23: one name can be tried ten times in a quarter of an hour, with the right password too', async () => {
    const codes: string[] = []
    for (let i = 0; i < 14; i += 1)
      codes.push((await signIn({ name: 'bob', password: `wrong password ${i}` })).code)
    expect(codes.filter((code) => code === 'auth/bad-password').length).toBeLessThanOrEqual(10)
    expect(codes.at(-1)).toBe('auth/too-many-tries')
    expect((await signIn({ name: 'bob', password: PASSWORD })).status).toBe(429)
    // Nobody else is kept out by it.
    expect((await signIn({ name: 'ana', password: PASSWORD })).status).toBe(200)
  })
  it('SEC-T23: passwords are kept as argon2id, of a cost that is worth its name, each with its own salt', async () => {
    const users = await world.store.users()
    const hashes = users.flatMap(({ passwordHash }) => passwordHash ?? [])
    expect(hashes.length).toBeGreaterThanOrEqual(2)
    expect(new Set(hashes).size).toBe(hashes.length)
    for (const hash of hashes) {
      const [, memory = '', passes = ''] =
        /^\$argon2id\$v=19\$m=(\d+),t=(\d+),p=\d+\$/.exec(hash) ?? []
      expect([Number(memory) >= 19_456, Number(passes) >= 2]).toEqual([true, true])
    }
    expect(JSON.stringify(users)).not.toContain(PASSWORD)
  })
  it('SEC-T23: a weak password is no password', async () => {
    const { text } = await world.call(['POST', '/api/users'], {
      body: '{"name":"dora","role":"viewer"}',
    })
    const { code } = JSON.parse(text) as { code: string }
    for (const password of ['short', 'aaaaaaaaaaaaaaaaaaaa'])
      expect((await signIn({ code, password })).code).toBe('auth/weak-password')
    // The code was not used up by it.
    expect((await signIn({ code, password: PASSWORD })).status).toBe(200)
    expect((await signIn({ code, password: PASSWORD })).code).toBe('auth/bad-code')
  })
  it('SEC-T23: an address that fails too often is not listened to for a while', async () => {
    const codes = new Map<string, number>()
    for (let tries = 0; tries < 330; tries += 30) {
      const answers = await Promise.all(
        Array.from({ length: 30 }, () => signIn({ code: 'AAAA-BBBB-CCCC' })),
      )
      for (const { code } of answers) codes.set(code, (codes.get(code) ?? 0) + 1)
    }
    expect(codes.get('auth/bad-code')).toBeLessThanOrEqual(300)
    expect(codes.get('auth/too-many-tries')).toBeGreaterThanOrEqual(30)
    const body = '{"session":"x"}'
    expect((await world.call(['POST', '/api/renew'], { token: '', body })).status).toBe(429)
  })
})
