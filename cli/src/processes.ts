import { spawn, type ChildProcess } from 'node:child_process'
import { createWriteStream } from 'node:fs'
import { createInterface } from 'node:readline'
import { once } from 'node:events'
import { moduleCommand } from '#protocol/spawn.js'
import { FederationError } from '#protocol/errors.js'
import { isErrorCode } from '#protocol/errors.js'

type Line = Readonly<Record<string, unknown>>

/** A `tributary` command running as a process of its own, followed through its JSON lines. */
export interface Program {
  readonly pid: number
  /** Resolves with the first line of that event, past or future; rejects if the process ends before. */
  event(name: string): Promise<Line>
  /** Asks it to leave (SIGINT), waits until it has. */
  stop(): Promise<void>
  /** Ends it where it stands (SIGKILL), waits until it is gone. */
  kill(): Promise<void>
}

/** Starts `tributary ...args --json`; what it says to people goes to `logFile`. `env`: beside this process's own. */
export function startProgram(
  args: readonly string[],
  logFile: string,
  env: NodeJS.ProcessEnv = {},
): Program {
  const { file, execArgv } = moduleCommand(import.meta.url, './entry-main.js')
  const child = spawn(process.execPath, [...execArgv, file, ...args, '--json'], {
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: false,
    env: { ...process.env, ...env },
  })
  child.stderr.pipe(createWriteStream(logFile, { flags: 'a' }))
  return follow(child, args.slice(0, 2).join(' '), logFile)
}

function follow(child: ChildProcess, title: string, logFile: string): Program {
  const seen = new Map<string, Line>()
  const waiting = new Map<string, ((line: Line) => void)[]>()
  let ended: FederationError | null = null
  const rejects = new Set<(error: FederationError) => void>()
  const exited = once(child, 'exit')

  if (child.stdout !== null) {
    createInterface({ input: child.stdout }).on('line', (text) => {
      const line = JSON.parse(text) as Line
      const name = String(line['event'])
      seen.set(name, line)
      for (const resolve of waiting.get(name) ?? []) resolve(line)
      waiting.delete(name)
    })
  }
  child.on('exit', (code, signal) => {
    const error = seen.get('error')
    const reported = typeof error?.['code'] === 'string' ? error['code'] : ''
    ended = new FederationError(
      isErrorCode(reported) ? reported : 'internal/bug',
      `'tributary ${title}' ended with ${signal ?? `exit ${code}`}${error === undefined ? `; see ${logFile}` : `: ${String(error['message'])}`}`,
    )
    for (const reject of rejects) reject(ended)
  })
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return
    child.kill(signal)
    await exited
  }
  return {
    pid: child.pid ?? -1,
    event: (name) =>
      new Promise((resolve, reject) => {
        const past = seen.get(name)
        if (past !== undefined) return resolve(past)
        if (ended !== null) return reject(ended)
        waiting.set(name, [...(waiting.get(name) ?? []), resolve])
        return rejects.add(reject)
      }),
    stop: () => end('SIGINT'),
    kill: () => end('SIGKILL'),
  }
}
