import { chmodSync, mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import {
  findToolchain,
  freeMegabytes,
  platformProblem,
  requireDisk,
  type Platform,
} from './requirements.js'

const good: Platform = { os: 'linux', cpu: 'x64', glibc: '2.36', hasAvx: true }

/** An environment whose PATH holds these commands only; each is a shell script. */
function environment(commands: Readonly<Record<string, string>>): NodeJS.ProcessEnv {
  const bin = mkdtempSync(join(tmpdir(), 'bin-'))
  for (const [name, script] of Object.entries(commands)) {
    writeFileSync(join(bin, name), `#!/bin/sh\n${script}\n`)
    chmodSync(join(bin, name), 0o755)
  }
  return { PATH: bin }
}

describe('the platform', () => {
  it('is right on Linux x86-64 with the GNU C library and AVX', () => {
    expect(platformProblem(good)).toBeNull()
    expect(platformProblem({ ...good, glibc: '2.17' })).toBeNull()
  })

  it.each<[string, Partial<Platform>]>([
    ['this is darwin on arm64', { os: 'darwin', cpu: 'arm64' }],
    ['this is linux on arm64', { cpu: 'arm64' }],
    ['musl', { glibc: undefined }],
    ['2.17 or newer, and this is 2.9', { glibc: '2.9' }],
    ['AVX', { hasAvx: false }],
  ])('is wrong, and the reason says: %s', (reason, change) => {
    expect(platformProblem({ ...good, ...change })).toContain(reason)
  })
})

describe('the toolchain', () => {
  it('is what answers, the environment first', async () => {
    const env = environment({ 'my-c++': '', 'c++': '', python3: '' })
    expect(await findToolchain(env)).toEqual({ compiler: 'c++', python: 'python3' })
    expect(await findToolchain({ ...env, CXX: 'my-c++' })).toMatchObject({ compiler: 'my-c++' })
  })

  it.each<[string, Readonly<Record<string, string>>]>([
    ['apt-get install g++', { python3: '' }],
    ['apt-get install g++', { 'c++': 'exit 1', python3: '' }],
    ['No Python 3.8', { 'g++': '' }],
    ["'python3 -m pip' does not work", { 'clang++': '', python3: '[ "$1" = -c ]' }],
  ])('says what is missing: %s', async (message, commands) => {
    await expect(findToolchain(environment(commands))).rejects.toMatchObject({
      code: 'backend/missing',
      message: expect.stringContaining(message) as string,
    })
  })
})

describe('the disk', () => {
  it('is measured also for a folder that is not there yet', async () => {
    expect(await freeMegabytes(join(tmpdir(), 'not/there/yet'))).toBeGreaterThan(0)
  })

  it('is refused when it is too small', async () => {
    await expect(requireDisk(tmpdir(), 1e12)).rejects.toThrow('TRIBUTARY_NATIVE_DIR')
  })
})
