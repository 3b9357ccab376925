import { PassThrough } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { entryLink, signInLink } from './browser-link.js'
import { waitForEnter } from './wait-for-enter.js'

describe('waiting for a key', () => {
  it.each([
    ['a line', (input: PassThrough) => input.write('\n')],
    ['the end of what can come', (input: PassThrough) => input.end()],
  ])('ends with %s, and leaves nothing listening', async (_, happen) => {
    const input = new PassThrough()
    let isOver = false
    const waited = waitForEnter(new AbortController().signal, input).then(() => {
      isOver = true
    })
    await Promise.resolve()
    expect(isOver).toBe(false)
    happen(input)
    await waited
    expect([input.listenerCount('data'), input.isPaused()]).toEqual([0, true])
  })
  it('ends when the command is to end, also if it was before', async () => {
    const enough = new AbortController()
    const waited = waitForEnter(enough.signal, new PassThrough())
    enough.abort()
    await waited
    await waitForEnter(enough.signal, new PassThrough())
  })
})

describe('links that sign in', () => {
  it('carry the code where it is sent to nobody', () => {
    const link = new URL(signInLink('http://127.0.0.1:7400', 'AB C-&D'))
    expect([link.pathname, link.search]).toEqual(['/', ''])
    expect(new URLSearchParams(link.hash.slice(1)).get('code')).toBe('AB C-&D')
    const entry = new URLSearchParams(new URL(entryLink('http://h', 'A')).hash.slice(1))
    expect([entry.get('code'), entry.has('enter')]).toEqual(['A', true])
  })
})
