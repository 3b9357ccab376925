import { mkdtempSync, readFileSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { inside, readTar, unpackTar } from './tar.js'
import { tarOf } from '#testing/archives.js'

const names = (archive: Buffer): readonly string[] => [...readTar(archive)].map(({ name }) => name)

describe('tar', () => {
  it('unpacks regular files without their first folder and keeps the executable bit', () => {
    const directory = mkdtempSync(join(tmpdir(), 'tar-'))
    const archive = tarOf([
      { name: 'package/bin/tool', content: '#!', mode: 0o755 },
      { name: 'package/readme', content: 'x'.repeat(513) },
    ])
    unpackTar(archive, directory)
    expect(readFileSync(join(directory, 'readme'), 'utf8')).toHaveLength(513)
    expect(statSync(join(directory, 'bin/tool')).mode & 0o111).not.toBe(0)
    expect(statSync(join(directory, 'readme')).mode & 0o111).toBe(0)
  })

  it('takes only what is wanted', () => {
    const directory = mkdtempSync(join(tmpdir(), 'tar-'))
    const archive = tarOf([
      { name: 'package/a', content: '1' },
      { name: 'package/b', content: '2' },
    ])
    unpackTar(archive, directory, (name) => name === 'b')
    expect(readFileSync(join(directory, 'b'), 'utf8')).toBe('2')
    expect(() => readFileSync(join(directory, 'a'))).toThrow('ENOENT')
  })

  it('reads long names from pax headers and skips links', () => {
    const long = `package/${'deep/'.repeat(30)}file`
    const record = `path=${long}\n`
    const archive = tarOf([
      { name: 'pax', content: `${record.length + 4} ${record}`, type: 'x' },
      { name: 'package/cut', content: 'content' },
      { name: 'package/link', content: '', type: '2' },
    ])
    expect(names(archive)).toEqual([long.slice('package/'.length)])
  })

  it('refuses an archive that ends in the middle of a file', () => {
    const archive = tarOf([{ name: 'package/a', content: 'x'.repeat(600) }])
    expect(() => names(archive.subarray(0, 1000))).toThrow('ends in the middle')
  })

  it('refuses a name that climbs out of the folder', () => {
    expect(inside('/a/b', 'c/d')).toBe('/a/b/c/d')
    expect(() => inside('/a/b', '../bc')).toThrow('outside its folder')
    expect(() => inside('/a/b', '/etc/passwd')).toThrow('outside its folder')
  })
})
