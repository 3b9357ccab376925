import { fileURLToPath } from 'node:url'

/**
 * How to start another module of this program as a process of its own. From sources the child needs the same loader as
 * its parent; from a build it needs nothing.
 */
export function moduleCommand(
  parentUrl: string,
  relativePath: string,
): { readonly file: string; readonly execArgv: readonly string[] } {
  const fromSources = parentUrl.endsWith('.ts')
  const file = fileURLToPath(
    new URL(fromSources ? relativePath.replace(/\.js$/, '.ts') : relativePath, parentUrl),
  )
  return { file, execArgv: fromSources ? ['--conditions=source', '--import', 'tsx'] : [] }
}
