import type { Command, CommanderError } from 'commander'
import { FederationError } from '#protocol/errors.js'
import { createOutput, printError, type Output } from './output.js'

/** What every command gets: where its words go, and a signal that SIGINT and SIGTERM abort. */
export interface Session {
  readonly out: Output
  readonly signal: AbortSignal
}
type Action<Options> = (
  session: Session,
  options: Options,
  args: readonly string[],
) => Promise<void>

/** A command with `--json`, whose errors are printed with their code and decide the exit status. */
export function addCommand<Options extends object>(
  parent: Command,
  signature: string,
  setup: {
    readonly describe: string
    readonly options?: (command: Command) => Command
    readonly run: Action<Options>
  },
): Command {
  const command = parent.command(signature).description(setup.describe)
  const configured = setup.options?.(command) ?? command
  configured
    .option('--json', 'print JSON lines on standard output')
    .action(async (...received: unknown[]) => {
      const options = configured.opts<Options & { json?: boolean }>()
      const interrupt = new AbortController()
      const stop = (): void => {
        interrupt.abort()
      }
      process.once('SIGINT', stop).once('SIGTERM', stop)
      try {
        const session = { out: createOutput(options.json === true), signal: interrupt.signal }
        await setup.run(session, options, positional(received))
      } catch (error) {
        process.exitCode = printError(error, options.json === true)
      } finally {
        process.off('SIGINT', stop).off('SIGTERM', stop)
      }
    })
  return configured
}

/** Commander passes each positional argument, then the options, then the command. */
const positional = (received: readonly unknown[]): readonly string[] =>
  received
    .slice(0, -2)
    .flatMap((value) => (value === undefined ? [] : (value as string | string[])))

/** Commander's own complaints become errors of the table. */
export function fromCommander(error: CommanderError): FederationError | null {
  if (error.exitCode === 0) return null
  const code =
    error.code === 'commander.invalidArgument' ? 'usage/bad-value' : 'usage/unknown-option'
  return new FederationError(code, error.message.replace(/^error: /, ''))
}

/** Parsers for option values: they throw `usage/bad-value` with what was expected. */
export function integer(bounds: {
  readonly min: number
  readonly max: number
}): (text: string) => number {
  return (text) => {
    const value = Number(text)
    if (!Number.isInteger(value) || value < bounds.min || value > bounds.max) {
      throw new FederationError(
        'usage/bad-value',
        `Expected a whole number from ${bounds.min} to ${bounds.max}, got '${text}'`,
      )
    }
    return value
  }
}
export function positive({ max = Number.MAX_VALUE } = {}): (text: string) => number {
  return (text) => {
    const value = Number(text)
    if (value > 0 && value <= max) return value
    const most = max === Number.MAX_VALUE ? '' : ` and up to ${max}`
    throw new FederationError('usage/bad-value', `Expected a number above 0${most}, got '${text}'`)
  }
}
export function integerList(text: string): readonly number[] {
  return text.split(',').map(integer({ min: 0, max: 2 ** 31 - 1 }))
}

/** The sizes in text like 28x28x1, one to four of them. */
export function inputShape(text: string): readonly number[] {
  const sizes = text.split('x').map(Number)
  if (/^[1-9]\d{0,8}(x[1-9]\d{0,8}){0,3}$/.test(text)) return sizes
  throw new FederationError('usage/bad-value', `Expected a shape like 28x28x1, got '${text}'`)
}
