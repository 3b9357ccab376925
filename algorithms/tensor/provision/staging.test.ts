import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { FederationError } from '#protocol/errors.js'
import { buildAside } from './staging.js'

const root = (): string => mkdtempSync(join(tmpdir(), 'staging-'))
const write = (text: string) => async (staged: string) => {
  writeFileSync(join(staged, 'file'), text)
}
const systemError = (code: string): Error => Object.assign(new Error(code), { code })

describe('building aside', () => {
  it('replaces what was there and leaves nothing else', async () => {
    const at = root()
    await buildAside(join(at, 'product'), write('old'))
    await buildAside(join(at, 'product'), write('new'))
    expect(readFileSync(join(at, 'product/file'), 'utf8')).toBe('new')
    expect(readdirSync(at)).toEqual(['product'])
  })

  it('keeps what was there when the build fails', async () => {
    const at = root()
    await buildAside(join(at, 'product'), write('old'))
    const failing = buildAside(join(at, 'product'), async (staged) => {
      await write('half')(staged)
      throw new FederationError('backend/missing', 'no network')
    })
    await expect(failing).rejects.toThrow('no network')
    expect(readFileSync(join(at, 'product/file'), 'utf8')).toBe('old')
    expect(readdirSync(at)).toEqual(['product'])
  })

  it('removes what a dead process left, not what a living one builds', async () => {
    const at = root()
    // No process has this id: Linux allows 2^22 at most.
    mkdirSync(join(at, '.staging-99999999'))
    mkdirSync(join(at, `.staging-${process.ppid}`))
    await buildAside(join(at, 'product'), write('new'))
    expect(existsSync(join(at, '.staging-99999999'))).toBe(false)
    expect(existsSync(join(at, `.staging-${process.ppid}`))).toBe(true)
  })

  it.each([
    ['ENOSPC', 'backend/missing', 'filled up'],
    ['EACCES', 'backend/missing', 'Cannot write to'],
  ])('turns %s into %s', async (code, expected, message) => {
    const failing = buildAside(join(root(), 'product'), () => Promise.reject(systemError(code)))
    await expect(failing).rejects.toMatchObject({
      code: expected,
      message: expect.stringContaining(message) as string,
    })
  })
})
