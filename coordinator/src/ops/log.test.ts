import { Writable } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { FederationError } from '#protocol/errors.js'
import { createLog, safeText } from './log.js'

const TOKEN = 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ4In0.c2lnbmF0dXJl'
const CODE = 'ABCD-EF12-3456'

/** What a log writes for one call. */
function written(call: (log: ReturnType<typeof createLog>) => void, level = 'info'): string {
  let text = ''
  const sink = new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      text += chunk.toString()
      done()
    },
  })
  call(createLog(level, sink))
  return text
}

describe('the log', () => {
  it.each([
    ['a token in a field', { token: 'abc' }, 'abc'],
    ['a token deep inside', { a: { b: { accessToken: 'abc' } } }, 'abc'],
    ['a token in a text', { note: `got ${TOKEN} instead` }, 'eyJ'],
    ['an authorization header', { headers: { authorization: `Bearer ${TOKEN}` } }, 'eyJ'],
    ['a scheme in a text', { note: 'Authorization: Bearer abc.def' }, 'abc.def'],
    ['a cookie', { headers: { 'set-cookie': ['session=xyz'] } }, 'xyz'],
    ['a one-time code in its field', { code: 'SHORT' }, 'SHORT'],
    ['a one-time code in a text', { note: `tried ${CODE}` }, CODE],
    ['a password', { password: 'correct horse' }, 'horse'],
    ['a password in an address', { url: 'mongodb://me:hunter2@db/x' }, 'hunter2'],
    ['a key', { note: '-----BEGIN PRIVATE KEY-----\nMIIabc\n-----END PRIVATE KEY-----' }, 'MIIabc'],
    ['a master key', { masterKey: 'abc' }, 'abc'],
    ['bytes', { frame: Buffer.from('private') }, 'private'],
  ])('hides %s', (_what, fields, secret) => {
    const text = written((log) => log.warn(fields, 'something'))
    expect(text).not.toContain(secret)
    expect(JSON.parse(text)).toMatchObject({ msg: 'something' })
  })

  it('hides secrets of errors, and of what caused them, but keeps their codes', () => {
    const cause = Object.assign(new Error(`Bearer ${TOKEN}`), { code: 'ECONNRESET' })
    const error = new FederationError('auth/bad-token', `No such code ${CODE}`, { cause })
    const text = written((log) => log.error({ code: error.code, err: error }, 'refused'))
    expect(text).not.toContain(CODE)
    expect(text).not.toContain('eyJ')
    expect(JSON.parse(text)).toMatchObject({
      code: 'auth/bad-token',
      err: { code: 'auth/bad-token', cause: { code: 'ECONNRESET' } },
    })
  })

  it('writes one line an event, whatever peers put into names', () => {
    const name = 'a\r\n{"level":60,"msg":"forged"}\u001b[2J\u202e\u2028'
    const text = written((log) => {
      log.info({ name, [name]: name }, 'joined')
      log.info({ list: [name] }, 'joined')
    })
    const lines = text.trimEnd().split('\n')
    expect(lines).toHaveLength(2)
    for (const line of lines) expect(JSON.parse(line)).toMatchObject({ msg: 'joined' })
    // eslint-disable-next-line no-control-regex
    expect(text.replaceAll('\n', '')).not.toMatch(/[\u0000-\u001f\u202e\u2028]/)
    expect(safeText('é ü 漢')).toBe('é ü 漢')
  })

  it('is bounded, however long, deep or circular what it is given', () => {
    const circular: Record<string, unknown> = { text: 'x'.repeat(1e6), list: Array(1e4).fill(1) }
    circular['self'] = circular
    expect(written((log) => log.info(circular)).length).toBeLessThan(20_000)
  })
  it('says nothing below its level', () => {
    expect(written((log) => log.info({}, 'x'), 'silent')).toBe('')
  })
})
