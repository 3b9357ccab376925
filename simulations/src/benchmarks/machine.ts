import { execFile } from 'node:child_process'
import { realpath } from 'node:fs/promises'
import { cpus, loadavg } from 'node:os'
import { dirname } from 'node:path'
import { createRequire } from 'node:module'
import { promisify } from 'node:util'
import { VERSION } from '#protocol/version.js'

/** Where numbers were taken. */
export interface Machine {
  readonly version: string
  /** Of the sources, with a `+` where they were changed since; null outside a checkout. */
  readonly commit: string | null
  readonly cpu: string
  readonly cores: number
  readonly node: string
  /** Processes that ran or wanted to, averaged over the last minute. */
  readonly load: number
}

export async function describeMachine(): Promise<Machine> {
  const [first] = cpus()
  return {
    version: VERSION,
    commit: await commitOf(packageDirectory()),
    cpu: first?.model.trim() ?? 'unknown',
    cores: cpus().length,
    node: process.version,
    load: loadavg()[0] ?? 0,
  }
}

const packageDirectory = (): string =>
  dirname(createRequire(import.meta.url).resolve('tributary/package.json'))

/** Installed as a dependency, the package lies in the checkout of something else, whose commit says nothing. */
async function commitOf(directory: string): Promise<string | null> {
  const git = async (...args: readonly string[]): Promise<string> =>
    (await promisify(execFile)('git', ['-C', directory, ...args])).stdout.trim()
  try {
    const top = await git('rev-parse', '--show-toplevel')
    if ((await realpath(top)) !== (await realpath(directory))) return null
    const isChanged = (await git('status', '--porcelain', '--untracked-files=no')) !== ''
    return `${await git('rev-parse', '--short=12', 'HEAD')}${isChanged ? '+' : ''}`
  } catch {
    return null
  }
}
