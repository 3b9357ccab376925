import { spawn } from 'node:child_process'

export interface CommandResult {
  /** Exit status; null when a signal ended the command or it could not be started. */
  readonly status: number | null
  readonly stdout: string
  readonly stderr: string
}
interface CommandOptions {
  readonly cwd?: string
  readonly env?: NodeJS.ProcessEnv
  /** The command is killed after so many milliseconds. */
  readonly timeoutMs?: number
}

/** Runs a command to its end and collects what it printed. Never rejects. */
export function runCommand(
  command: string,
  args: readonly string[],
  { cwd, env = process.env, timeoutMs }: CommandOptions = {},
): Promise<CommandResult> {
  return new Promise((resolve) => {
    const child = spawn(command, args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      env,
      ...(cwd === undefined ? {} : { cwd }),
      ...(timeoutMs === undefined ? {} : { timeout: timeoutMs, killSignal: 'SIGKILL' }),
    })
    const texts = { stdout: '', stderr: '' }
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => (texts.stdout += chunk))
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => (texts.stderr += chunk))
    child.once('error', (error) => {
      resolve({ status: null, stdout: '', stderr: error.message })
    })
    child.once('close', (status, signal) => {
      if (signal !== null) texts.stderr += `\nended by ${signal}`
      resolve({ status, ...texts })
    })
  })
}

export const succeeds = async (
  command: string,
  args: readonly string[],
  env?: NodeJS.ProcessEnv,
): Promise<boolean> => (await runCommand(command, args, env && { env })).status === 0

/** The first of the commands that answers `args` with success, or null. */
export async function firstWorking(
  commands: readonly (string | undefined)[],
  args: readonly string[],
  env?: NodeJS.ProcessEnv,
): Promise<string | null> {
  for (const command of commands) {
    if (command && (await succeeds(command, args, env))) return command
  }
  return null
}

/** The last lines of what a command complained about, for an error message. */
export function complaint({ stderr, stdout }: CommandResult): string {
  const lines = (stderr.trim() || stdout.trim() || 'it printed nothing').split('\n')
  return lines.slice(-8).join('\n')
}
