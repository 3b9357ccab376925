/** Holds tests to a list of labels that a method's description gives: `it('I9: …')` is the test of I9. */
import { readdirSync, readFileSync } from 'node:fs'

/** A test that runs: at the start of a line, not skipped, not left to be written. */
const TITLE = /^[ \t]*it(?:\.each\([\s\S]*?\))?\(\s*['"`]([^:'"`\n]+):/gm

/** The labels of all tests in the test files of a folder. */
export function labelsIn(folder: URL): ReadonlySet<string> {
  const tests = readdirSync(folder).filter((name) => name.endsWith('.test.ts'))
  return new Set(
    tests.flatMap((name) =>
      [...readFileSync(new URL(name, folder), 'utf8').matchAll(TITLE)].map(
        ([, label = '']) => label,
      ),
    ),
  )
}

/** The same of a folder and all folders in it. */
export function labelsUnder(folder: URL): ReadonlySet<string> {
  const inner = readdirSync(folder, { withFileTypes: true }).filter((one) => one.isDirectory())
  const below = inner.flatMap(({ name }) => [...labelsUnder(new URL(`${name}/`, folder))])
  return new Set([...labelsIn(folder), ...below])
}

/** Those of `labels` that no test in the folder carries, in their order. `folder` ends with a slash. */
export function withoutTest(folder: URL, labels: readonly string[]): readonly string[] {
  const found = labelsIn(folder)
  return labels.filter((label) => !found.has(label))
}

/** `I1` … `I22` */
export const numbered = (prefix: string, count: number): readonly string[] =>
  Array.from({ length: count }, (_, i) => `${prefix}${i + 1}`)
