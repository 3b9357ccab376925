import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { FederationError } from '#protocol/errors.js'

const require = createRequire(import.meta.url)

/** A directory inside an installed package. Throws data/not-found when the package is not there. */
export function packageDirectory(name: string, inside: string): string {
  try {
    return join(dirname(require.resolve(`${name}/package.json`)), inside)
  } catch (cause) {
    throw new FederationError(
      'data/not-found',
      `The package ${name} is not installed; run: npm install ${name}`,
      {
        cause,
      },
    )
  }
}
