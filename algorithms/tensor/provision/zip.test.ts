import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { wheelOf } from '#testing/archives.js'
import { openWheel } from './zip.js'

const directory = mkdtempSync(join(tmpdir(), 'zip-'))
function stored(name: string, bytes: Buffer): string {
  const path = join(directory, name)
  writeFileSync(path, bytes)
  return path
}
const files = { 'lib/a.so': 'machine code '.repeat(1000), 'include/a.h': '#pragma once\n' }

describe('a wheel', () => {
  it('gives its files', async () => {
    const wheel = openWheel(stored('good.whl', wheelOf(files)))
    expect(wheel.names).toEqual(['lib/a.so', 'include/a.h', 'some-1.0.dist-info/RECORD'])
    expect(wheel.has('include/a.h')).toBe(true)
    expect(wheel.has('include/b.h')).toBe(false)
    expect(wheel.text('include/a.h')).toBe('#pragma once\n')
    const to = join(directory, 'out/deep/a.so')
    await wheel.extract('lib/a.so', to)
    expect(readFileSync(to, 'utf8')).toBe(files['lib/a.so'])
  })

  it('is refused when a file is not what RECORD says', async () => {
    const wheel = openWheel(stored('lie.whl', wheelOf(files, { 'lib/a.so': 'x'.repeat(43) })))
    await expect(wheel.extract('lib/a.so', join(directory, 'lie.so'))).rejects.toMatchObject({
      code: 'backend/broken',
      message: expect.stringContaining('RECORD') as string,
    })
  })

  it('is refused when it is truncated or no zip', () => {
    const whole = wheelOf(files)
    const half = stored('half.whl', whole.subarray(0, whole.length / 2))
    expect(() => openWheel(half)).toThrow('no whole zip')
    const tail = stored('tail.whl', whole.subarray(whole.length / 2))
    expect(() => openWheel(tail)).toThrow('no whole zip')
  })

  it('says which file it lacks', () => {
    const wheel = openWheel(stored('lack.whl', wheelOf(files)))
    expect(() => wheel.text('include/b.h')).toThrow('lacks include/b.h')
  })
})
