/** Program: installs the backend named by the first argument (default `native`) unless it works already. */
import { asFederationError, FederationError } from '#protocol/errors.js'
import { installNative } from './install.js'
import { installSoftwareWebgpu } from './install-webgpu.js'

const INSTALL = { native: installNative, webgpu: installSoftwareWebgpu }
const say = (line: string): void => {
  process.stderr.write(`${line}\n`)
}

try {
  const name = process.argv[2] ?? 'native'
  if (name !== 'native' && name !== 'webgpu') {
    throw new FederationError('usage/bad-value', `Expected native or webgpu, got '${name}'`)
  }
  await INSTALL[name]({ onProgress: say })
} catch (error) {
  const problem = asFederationError(error)
  say(`error ${problem.code}: ${problem.message}\n  ${problem.advice}`)
  process.exitCode = problem.exitCode
}
