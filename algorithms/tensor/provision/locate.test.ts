import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, describe, expect, it, vi } from 'vitest'
import {
  ADDON,
  packageDirectory,
  provisionRoot,
  resolveCuda,
  resolveNative,
  resolveWebgpu,
} from './locate.js'

afterEach(() => {
  vi.unstubAllEnvs()
})
function emptyRoot(): string {
  const root = mkdtempSync(join(tmpdir(), 'locate-'))
  vi.stubEnv('TRIBUTARY_NATIVE_DIR', root)
  return root
}
function file(path: string): void {
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, '{}')
}

describe('the provision root', () => {
  it('is named by the environment, then by the XDG convention', () => {
    expect(provisionRoot({ TRIBUTARY_NATIVE_DIR: '/a/b', XDG_DATA_HOME: '/data' })).toBe('/a/b')
    expect(provisionRoot({ XDG_DATA_HOME: '/data' })).toBe('/data/tributary/native')
    expect(provisionRoot({})).toMatch(/\/\.local\/share\/tributary\/native$/)
  })
})

describe('a compiled backend', () => {
  it('is not there in an empty root', () => {
    emptyRoot()
    expect([resolveNative(), resolveCuda(), resolveWebgpu(), resolveWebgpu(true)]).toEqual([
      null,
      null,
      null,
      null,
    ])
  })

  it('is there once its addon is', () => {
    const root = emptyRoot()
    const directory = packageDirectory('native', root)
    file(join(directory, 'package.json'))
    expect(resolveNative()).toBeNull()
    file(join(directory, ADDON))
    expect(resolveNative()).toBe(directory)
    expect(resolveCuda()).toBeNull()
  })
})
