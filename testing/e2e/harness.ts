import { stripVTControlCharacters } from 'node:util'
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

export const BIN = fileURLToPath(new URL('../../bin/tributary.js', import.meta.url))
type Line = Readonly<Record<string, unknown>>

/** A `tributary` process, driven as a user's terminal would drive it. */
export interface Running {
  readonly child: ChildProcess
  readonly lines: readonly Line[]
  /** Resolves with the first line, past or future, that satisfies the predicate; rejects when the process ends first. */
  line(matches: (line: Line) => boolean): Promise<Line>
  event(name: string): Promise<Line>
  kill(signal: NodeJS.Signals): Promise<void>
  readonly ended: Promise<Finished>
}
export interface Finished {
  readonly status: number | null
  readonly lines: readonly Line[]
  readonly errorText: string
  /** The last JSON line. */
  readonly result: Line
}

const alive = new Set<ChildProcess>()

/** Ends, by id, every process a test left behind. */
export async function endAll(): Promise<void> {
  await Promise.all(
    [...alive].map(async (child) => {
      const exit = once(child, 'exit')
      child.kill('SIGKILL')
      await exit
    }),
  )
}

export function start(
  args: readonly string[],
  options: {
    readonly cwd?: string
    readonly node?: string
    readonly env?: NodeJS.ProcessEnv
    readonly nodeOptions?: readonly string[]
  } = {},
): Running {
  const child = spawn(
    options.node ?? process.execPath,
    [...(options.nodeOptions ?? []), BIN, ...args, '--json'],
    {
      stdio: ['ignore', 'pipe', 'pipe'],
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
      env: { ...process.env, ...options.env },
    },
  )
  alive.add(child)
  const lines: Line[] = []
  const listeners = new Set<() => void>()
  let errorText = ''
  let isOver = false
  child.stderr.on('data', (chunk: Buffer) => (errorText += chunk.toString()))
  const reader = createInterface({ input: child.stdout })
  reader.on('line', (text) => {
    lines.push(JSON.parse(text) as Line)
    for (const listener of [...listeners]) listener()
  })
  const ended = once(child, 'close').then(([status]: unknown[]) => {
    isOver = true
    alive.delete(child)
    for (const listener of [...listeners]) listener()
    // Under CI=1 people's text has colours.
    const words = stripVTControlCharacters(errorText)
    return { status: status as number | null, lines, errorText: words, result: lines.at(-1) ?? {} }
  })
  const line = (matches: (line: Line) => boolean): Promise<Line> =>
    new Promise((resolve, reject) => {
      const look = (): void => {
        const found = lines.find(matches)
        if (found === undefined && !isOver) return
        listeners.delete(look)
        if (found === undefined) reject(new Error(`'${args.join(' ')}' ended first: ${errorText}`))
        else resolve(found)
      }
      listeners.add(look)
      look()
    })
  return {
    child,
    lines,
    line,
    event: (name) => line((candidate) => candidate['event'] === name),
    kill: async (signal) => {
      child.kill(signal)
      await ended
    },
    ended,
  }
}

/** Runs a command to its end. */
export const tributary = (
  args: readonly string[],
  options: Parameters<typeof start>[1] = {},
): Promise<Finished> => start(args, options).ended

export async function temporaryDirectory(): Promise<{
  readonly path: string
  remove(): Promise<void>
}> {
  const path = await mkdtemp(join(tmpdir(), 'tributary-e2e-'))
  return { path, remove: () => rm(path, { recursive: true, force: true }) }
}

/** A coordinator in `directory`, with what a person needs to talk to it. */
export async function startCoordinator(
  directory: string,
  port = 0,
): Promise<{ readonly running: Running; readonly url: string; readonly dataDir: string }> {
  const dataDir = join(directory, 'coordinator')
  const running = start(['coordinator', 'start', '--data-dir', dataDir, '--port', String(port)])
  const { url } = (await running.event('coordinator:listening')) as { url: string }
  return { running, url, dataDir }
}

/** Enrols (with a fresh code the first time) and joins with one share of `data`. */
export async function joinNode(
  directory: string,
  coordinator: { readonly url: string; readonly dataDir: string },
  node: { readonly name: string; readonly data: readonly string[]; readonly enrol?: boolean },
): Promise<Running> {
  const code = node.enrol === false ? [] : ['--code', await invite(coordinator)]
  const running = start([
    'client',
    'join',
    coordinator.url,
    ...code,
    '--name',
    node.name,
    '--state-dir',
    join(directory, node.name),
    ...node.data,
  ])
  await running.event('node:connected')
  return running
}
export async function invite(coordinator: {
  readonly url: string
  readonly dataDir: string
}): Promise<string> {
  const { result } = await tributary(['nodes', 'invite', '--data-dir', coordinator.dataDir])
  const [invitation] = result['invitations'] as readonly { code: string }[]
  return invitation?.code ?? ''
}
export const readJson = async <T>(path: string): Promise<T> =>
  JSON.parse(await readFile(path, 'utf8')) as T
