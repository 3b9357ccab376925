/** Regular expressions in source text: where they are, and how deep their repetitions are nested. */
import ts from 'typescript'

/** The bodies of all literals. */
export function regexesIn(source: string): readonly string[] {
  const found: string[] = []
  const visit = (node: ts.Node): void => {
    if (ts.isRegularExpressionLiteral(node))
      found.push(node.text.slice(1, node.text.lastIndexOf('/')))
    ts.forEachChild(node, visit)
  }
  visit(ts.createSourceFile('source.ts', source, ts.ScriptTarget.Latest))
  return found
}

/**
 * How deep repetitions without an upper bound are nested. From two on, matching may take exponential time; with one, at most
 * quadratic. `?` and `{m,n}` have a bound.
 */
export function starHeight(pattern: string): number {
  const heights = [0]
  let last = 0
  for (let at = 0; at < pattern.length; at += 1) {
    const character = pattern.charAt(at)
    const top = heights.length - 1
    const close = (height: number): void => {
      last = height
      heights[top] = Math.max(heights[top] ?? 0, height)
    }
    if (character === '\\') {
      at += 1
      close(0)
    } else if (character === '[') {
      while (pattern.charAt(at) !== ']') at += pattern.charAt(at) === '\\' ? 2 : 1
      close(0)
    } else if (character === '(') {
      heights.push(0)
    } else if (character === ')') {
      last = heights.pop() ?? 0
      heights[top - 1] = Math.max(heights[top - 1] ?? 0, last)
    } else if (character === '*' || character === '+' || /^\{\d*,\}/.test(pattern.slice(at))) {
      // A second one in a row makes it lazy.
      if (!/[*+}]/.test(pattern.charAt(at - 1)) || pattern.charAt(at - 2) === '\\') close(last + 1)
    } else if (!'?|'.includes(character)) {
      close(0)
    }
  }
  return heights[0] ?? 0
}
