import type { Output } from '#cli/output.js'

/** Everything that a command would show to people, line by line; rows of tables with bars between their cells. */
export function shownBy(print: (out: Output) => void): readonly string[] {
  const lines: string[] = []
  print({
    ...{ json: false, event: () => undefined, finish: () => undefined },
    say: (line) => void lines.push(line),
    table: (head, rows) => void lines.push(...[head, ...rows].map((row) => row.join(' | '))),
  })
  return lines
}
