/**
 * `npm run test:gpu`: values, gradients, a second derivative and one training step on `cuda` and `webgpu`, compared with
 * `cpu`. A backend that is not here is skipped and said so; one that is named (`npm run test:gpu -- webgpu`) must be here.
 * Exit 1 when a comparison fails. Each backend runs in a process of its own, since a driver can end it.
 */
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { isBackendName, type BackendName } from '#algorithms/tensor/backends.js'
import { asFederationError } from '#protocol/errors.js'
import { compareWithCpu, versions, type Report } from './compare.js'

type Outcome =
  { readonly report: Report } | { readonly skipped: string } | { readonly failed: string }
const CHILD = '--child'
const say = (line: string): void => {
  process.stdout.write(`${line}\n`)
}

async function child(backend: BackendName): Promise<Outcome> {
  try {
    return { report: await compareWithCpu(backend) }
  } catch (error) {
    const { code, message } = asFederationError(error)
    return code === 'backend/missing' ? { skipped: message } : { failed: message }
  }
}

function runChild(backend: BackendName): Outcome {
  const args = [...process.execArgv, fileURLToPath(import.meta.url), CHILD, backend]
  // Newer NVIDIA GPUs round float32 products to 10 bits unless told otherwise; kernels are compared at full precision.
  const env = { ...process.env, NVIDIA_TF32_OVERRIDE: '0' }
  const { stdout, signal, status } = spawnSync(process.execPath, args, {
    encoding: 'utf8',
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const line = stdout.trim().split('\n').at(-1)
  if (line?.startsWith('{')) return JSON.parse(line) as Outcome
  return { failed: `its process ended with ${signal ?? `status ${status}`}` }
}

/** Prints one backend's rows; true when nothing failed. */
function print(backend: BackendName, outcome: Outcome, isRequired: boolean): boolean {
  if ('skipped' in outcome) {
    say(`${backend}: ${isRequired ? 'FAILED' : 'skipped'}: ${outcome.skipped}`)
    return !isRequired
  }
  if ('failed' in outcome) {
    say(`${backend}: FAILED: ${outcome.failed}`)
    return false
  }
  const { engine, comparisons } = outcome.report
  say(`${backend}: ${engine.version}`)
  for (const { kind, name, error, problem } of comparisons) {
    const measured = error === null ? '' : error.toExponential(1)
    say(
      `  ${(problem === null ? 'ok' : 'FAILED').padEnd(7)} ${kind.padEnd(18)} ${name.padEnd(52)} ${measured} ${problem ?? ''}`.trimEnd(),
    )
  }
  const failures = comparisons.filter(({ problem }) => problem !== null).length
  say(`${backend}: ${comparisons.length - failures} passed, ${failures} failed`)
  return failures === 0
}

const [first, second] = process.argv.slice(2)
if (first === CHILD && second !== undefined && isBackendName(second)) {
  process.stdout.write(`${JSON.stringify(await child(second))}\n`)
} else {
  const named = process.argv.slice(2)
  const unknown = named.filter((name) => !isBackendName(name))
  if (unknown.length > 0) {
    say(`usage/bad-value: no backend is called ${unknown.join(', ')}`)
    process.exit(2)
  }
  say(`${versions()}; error = largest difference from cpu, relative to the largest number`)
  const backends: readonly BackendName[] =
    named.length > 0 ? named.filter(isBackendName) : ['cuda', 'webgpu']
  const passed = backends.map((backend) => print(backend, runChild(backend), named.length > 0))
  process.exitCode = passed.every(Boolean) ? 0 : 1
}
