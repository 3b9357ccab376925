import { moduleCommand } from '#protocol/spawn.js'
import { FederationError } from '#protocol/errors.js'
import { complaint, runCommand } from './command.js'

/** What a compiled backend did in a process of its own. */
export interface SelfCheck {
  /** Version of libtensorflow. */
  readonly tensorflow: string
  /** Whether TensorFlow found a GPU and places kernels there. */
  readonly computesOnGpu: boolean
  /** Largest absolute differences from what the definition gives; rounding makes them about 1e-6. */
  readonly matMulError: number
  readonly convolutionError: number
}

const TOLERANCE = 1e-3
const TIMEOUT_MS = 180_000

/** Loads the package and lets it multiply and convolve. Throws `backend/broken` when it cannot or the numbers are wrong. */
export async function selfCheck(directory: string): Promise<SelfCheck> {
  const { file, execArgv } = moduleCommand(import.meta.url, './self-check-main.js')
  const result = await runCommand(process.execPath, [...execArgv, file, directory], {
    timeoutMs: TIMEOUT_MS,
  })
  const line = result.stdout.trim().split('\n').at(-1)
  if (result.status !== 0 || !line?.startsWith('{')) {
    throw new FederationError('backend/broken', `${directory} does not work: ${complaint(result)}`)
  }
  const check = JSON.parse(line) as SelfCheck
  if (!(check.matMulError < TOLERANCE && check.convolutionError < TOLERANCE)) {
    throw new FederationError('backend/broken', `${directory} computes wrong numbers`, {
      details: { ...check },
    })
  }
  return check
}
