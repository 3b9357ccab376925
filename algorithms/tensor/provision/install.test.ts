import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { tarOf } from '#testing/archives.js'
import { fetchTarball, fetchWheel, pipFailed } from './download.js'
import { installNative } from './install.js'
import { packageDirectory, productDirectory } from './locate.js'
import { selfCheck } from './self-check.js'

const temporary = (): string => mkdtempSync(join(tmpdir(), 'install-'))

/** This process's environment with one command replaced by a shell script. */
function replaced(command: string, script: string): NodeJS.ProcessEnv {
  const bin = temporary()
  writeFileSync(join(bin, command), `#!/bin/sh\n${script}\n`)
  chmodSync(join(bin, command), 0o755)
  return { ...process.env, PATH: `${bin}${delimiter}${process.env.PATH ?? ''}` }
}
const LAST_ARGUMENT = 'for last; do :; done'

describe('a download', () => {
  const packed = gzipSync(tarOf([{ name: 'package/a', content: '1' }]))
  const archive = join(temporary(), 'archive')
  writeFileSync(archive, packed)
  const npm = replaced('npm', `${LAST_ARGUMENT}; cp ${archive} "$last/thing-1.0.0.tgz"`)
  const thing = { name: 'thing', version: '1.0.0' }

  it('from npm is refused when its hash is another', async () => {
    const fetching = fetchTarball(
      { ...thing, integrity: 'sha512-AAAA' },
      { directory: temporary(), env: npm },
    )
    await expect(fetching).rejects.toMatchObject({
      code: 'backend/broken',
      message: expect.stringContaining('expected sha512-AAAA') as string,
    })
  })

  it('from npm that fails says what npm said', async () => {
    const env = replaced('npm', 'echo getaddrinfo ENOTFOUND >&2; exit 1')
    const fetching = fetchTarball({ ...thing, integrity: '' }, { directory: temporary(), env })
    await expect(fetching).rejects.toMatchObject({
      code: 'backend/missing',
      message: expect.stringContaining('ENOTFOUND') as string,
    })
  })

  it('from pip is checked again, whatever pip thought of it', async () => {
    const env = replaced(
      'python3',
      `while [ "$1" != --dest ]; do shift; done; echo x > "$2/thing-1.0.0-py3-none-any.whl"`,
    )
    const wheel = { ...thing, sha256: 'f'.repeat(64), megabytes: 1 }
    await expect(
      fetchWheel(wheel, 'python3', { directory: temporary(), env }),
    ).rejects.toMatchObject({
      code: 'backend/broken',
      message: expect.stringContaining('f'.repeat(64)) as string,
    })
  })

  it.each([
    ['THESE PACKAGES DO NOT MATCH THE HASHES', 'backend/broken', 'another file'],
    ['OSError: [Errno 28] No space left on device', 'backend/missing', 'make room'],
    ['(from versions: none)', 'backend/missing', 'check the network'],
    ['Connection reset by peer', 'backend/missing', 'run it again'],
  ])('that pip refuses with "%s" is %s', (stderr, code, message) => {
    const error = pipFailed(thing, { status: 1, stdout: '', stderr })
    expect(error.code).toBe(code)
    expect(error.message).toContain(message)
    expect(error.message).toContain(stderr)
  })
})

describe('an install', () => {
  it('is refused on another platform before anything is touched', async () => {
    const directory = join(temporary(), 'root')
    const platform = { os: 'linux', cpu: 'x64', glibc: undefined, hasAvx: true }
    await expect(installNative({ directory, platform })).rejects.toMatchObject({
      code: 'backend/missing',
      message: expect.stringContaining('musl') as string,
    })
    expect(existsSync(directory)).toBe(false)
  })

  it('that fails leaves the older one as it was', async () => {
    const directory = temporary()
    const old = packageDirectory('native', directory)
    mkdirSync(old, { recursive: true })
    writeFileSync(join(old, 'package.json'), '{"name":"broken"}')
    const env = replaced('npm', 'exit 1')
    await expect(installNative({ directory, env })).rejects.toMatchObject({
      code: 'backend/missing',
    })
    expect(readFileSync(join(old, 'package.json'), 'utf8')).toBe('{"name":"broken"}')
    expect(existsSync(productDirectory('native', directory))).toBe(true)
  })
})

describe('the self-check', () => {
  const broken = (script: string): string => {
    const directory = temporary()
    writeFileSync(join(directory, 'index.js'), script)
    return directory
  }

  it('reports a package that throws', async () => {
    await expect(selfCheck(broken('throw new Error("no addon")'))).rejects.toMatchObject({
      code: 'backend/broken',
      message: expect.stringContaining('no addon') as string,
    })
  })

  it('survives a package that ends its process', async () => {
    await expect(selfCheck(broken('process.abort()'))).rejects.toMatchObject({
      code: 'backend/broken',
      message: expect.stringContaining('SIGABRT') as string,
    })
  })
})
