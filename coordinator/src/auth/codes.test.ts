import { beforeEach, describe, expect, it } from 'vitest'
import { sha256 } from '#protocol/ids.js'
import { MemoryStore } from '#coordinator/store/memory-store.js'
import { issueCode, redeemCode } from './codes.js'

const NOW = '2026-01-01T00:00:00.000Z'
const LATER = '2026-01-01T00:10:00.000Z'
const withCode = (code: string): Error => expect.objectContaining({ code }) as Error

describe('one-time codes', () => {
  let store: MemoryStore
  let code: string
  beforeEach(async () => {
    store = new MemoryStore()
    code = (await issueCode(store, 'enrol-node', { now: NOW, minutes: 10 })).code
  })

  it('are readable, hold 60 bits and say until when they are good', async () => {
    const issued = await issueCode(store, 'enrol-node', { now: NOW, minutes: 10 })
    expect(issued.code).toMatch(/^([0-9A-HJKMNP-TV-Z]{4}-){2}[0-9A-HJKMNP-TV-Z]{4}$/)
    expect(issued.code).not.toBe(code)
    expect(issued.expiresAt).toBe(LATER)
  })
  it('work once', async () => {
    await redeemCode(store, 'enrol-node', { code, now: NOW })
    await expect(redeemCode(store, 'enrol-node', { code, now: NOW })).rejects.toThrow(
      withCode('auth/bad-code'),
    )
  })
  it('work as people type them', async () => {
    await store.addCode({
      codeHash: sha256('tributary/code/1|0123456789AB'),
      purpose: 'enrol-node',
      expiresAt: LATER,
      subject: null,
      usedAt: null,
    })
    await redeemCode(store, 'enrol-node', { code: ' oi23 4567-89ab ', now: NOW })
  })
  it('work for their purpose only', async () => {
    await expect(redeemCode(store, 'sign-in', { code, now: NOW })).rejects.toThrow(
      withCode('auth/bad-code'),
    )
    await redeemCode(store, 'enrol-node', { code, now: NOW })
  })
  it('stop working when their time is over', async () => {
    await expect(redeemCode(store, 'enrol-node', { code, now: LATER })).rejects.toThrow(
      withCode('auth/expired-code'),
    )
  })
  it.each(['', 'AAAA-BBBB-CCCC', '../../etc/passwd', 'x'.repeat(10_000)])(
    'cannot be guessed: %.20s',
    async (guess) => {
      await expect(redeemCode(store, 'enrol-node', { code: guess, now: NOW })).rejects.toThrow(
        withCode('auth/bad-code'),
      )
    },
  )
  it('are given to one of two that race for them', async () => {
    const tries = [1, 2, 3].map(() => redeemCode(store, 'enrol-node', { code, now: NOW }))
    const outcomes = await Promise.allSettled(tries)
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
  })
})
