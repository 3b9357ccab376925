import Table from 'cli-table3'
import colors from 'picocolors'
import { asFederationError } from '#protocol/errors.js'
import { printableLines } from './printable.js'

export type Data = Readonly<Record<string, unknown>>

/**
 * Where a command's words go. People read standard error; scripts read JSON lines on standard output, the last of which
 * carries `"event":"<command>:finished"`.
 */
export interface Output {
  readonly json: boolean
  /** One JSON line for scripts; nothing for people. */
  event(name: string, data: Data): void
  /** One line for people; nothing for scripts. */
  say(line: string): void
  table(head: readonly string[], rows: readonly (readonly (string | number)[])[]): void
  /** The result: the last JSON line. */
  finish(command: string, result: Data): void
}

export function createOutput(json: boolean): Output {
  const line = (data: Data): void => {
    process.stdout.write(`${JSON.stringify(data)}\n`)
  }
  return {
    json,
    event: (event, data) => {
      if (json) line({ event, ...data })
    },
    say: (text) => {
      if (!json) process.stderr.write(`${printableLines(text)}\n`)
    },
    table: (head, rows) => {
      if (!json) process.stderr.write(`${printableLines(formatTable(head, rows))}\n`)
    },
    finish: (command, result) => {
      if (json) line({ event: `${command}:finished`, ...result })
    },
  }
}

const RULES = {
  top: '',
  'top-mid': '',
  'top-left': '',
  'top-right': '',
  bottom: '',
  'bottom-mid': '',
  'bottom-left': '',
  'bottom-right': '',
  left: '',
  'left-mid': '',
  mid: '',
  'mid-mid': '',
  right: '',
  'right-mid': '',
  middle: '  ',
}
/** Columns without rules; numbers to the right. */
export function formatTable(
  head: readonly string[],
  rows: readonly (readonly (string | number)[])[],
): string {
  // A dash stands for a number that is not there.
  const isNumeric = head.map((_, column) => {
    const cells = rows.map((row) => String(row[column] ?? '')).filter((cell) => cell !== '–')
    return cells.length > 0 && cells.every((cell) => /^[-+±]?[\d.,]/.test(cell))
  })
  const table = new Table({
    head: head.map((title) => colors.bold(title)),
    chars: RULES,
    style: { 'padding-left': 0, 'padding-right': 0, head: [], border: [] },
    colAligns: isNumeric.map((numeric) => (numeric ? 'right' : 'left')),
  })
  table.push(...rows.map((row) => row.map(String)))
  return table.toString()
}

/** Prints what happened, why and what to do, with the code, and returns the exit status. */
export function printError(cause: unknown, json: boolean): number {
  const error = asFederationError(cause)
  if (json) {
    process.stdout.write(
      `${JSON.stringify({ event: 'error', code: error.code, message: error.message, advice: error.advice })}\n`,
    )
  }
  process.stderr.write(
    `${colors.red('error')} ${colors.bold(error.code)}: ${printableLines(error.message)}\n  ${error.advice}\n`,
  )
  if (error.code === 'internal/bug' || process.env['TRIBUTARY_TRACE'] !== undefined) {
    process.stderr.write(
      `${(error.cause instanceof Error ? error.cause.stack : error.stack) ?? ''}\n`,
    )
  }
  return error.exitCode
}
