import { describe, expect, it } from 'vitest'
import { asFederationError, ERRORS, FederationError, isErrorCode } from './errors.js'

const rows = Object.entries(ERRORS)
const STATUSES = [400, 401, 403, 404, 409, 413, 429, 500, 503]

describe('the table of errors', () => {
  it.each(rows)('says what to do about %s', (code, { advice, status, exit }) => {
    expect(code).toMatch(/^[a-z]+\/[a-z]+(-[a-z]+)*$/)
    // A sentence to a person, without full stop.
    expect(advice).toMatch(/^[A-Z].{8,}[^.]$/)
    expect(STATUSES).toContain(status)
    expect([1, 2]).toContain(exit)
  })
  it('ends commands with 2 exactly where the person who typed can mend it before anything ran', () => {
    const mended = rows.filter(([, { exit }]) => exit === 2).map(([code]) => code.split('/')[0])
    expect(new Set(mended)).toEqual(
      new Set([
        'usage',
        'config',
        'data',
        'backend',
        'model',
        'audit',
        'store',
        'replay',
        'tls',
        'vault',
        'benchmark',
      ]),
    )
    const all = (prefix: string) => rows.filter(([code]) => code.startsWith(prefix))
    for (const [, { exit }] of [...all('usage/'), ...all('config/')]) expect(exit).toBe(2)
  })
  it('calls nothing retryable that is wrong in itself', () => {
    const retryable = rows.filter(([, row]) => row.retryable)
    for (const [, { status, exit }] of retryable) {
      expect([400, 409, 429, 500, 503]).toContain(status)
      expect(exit).toBe(1)
    }
    expect(ERRORS['update/corrupt'].retryable).toBe(true)
    expect(ERRORS['update/not-finite'].retryable).toBe(false)
  })
  it('knows its own codes only', () => {
    expect(isErrorCode('round/closed')).toBe(true)
    expect(isErrorCode('toString')).toBe(false)
  })
})

describe('an error of ours', () => {
  it('carries its row, and crosses a wire as code and message', () => {
    const error = new FederationError('bundle/too-large', 'Too much', { details: { bytes: 9 } })
    expect(error).toMatchObject({
      status: 413,
      exitCode: 1,
      retryable: false,
      details: { bytes: 9 },
    })
    expect(error.advice).toMatch(/smaller/)
    expect(error.toProblem()).toEqual({ code: 'bundle/too-large', message: 'Too much' })
  })
  it('is made of anything that was thrown, which stays its cause', () => {
    const thrown = new TypeError('x is not a function')
    expect(asFederationError(thrown)).toMatchObject({ code: 'internal/bug', cause: thrown })
    expect(asFederationError('odd', 'store/io')).toMatchObject({ code: 'store/io', message: 'odd' })
    const own = new FederationError('run/finished', 'Over')
    expect(asFederationError(own, 'store/io')).toBe(own)
  })
})
