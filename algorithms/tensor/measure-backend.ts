import { fork } from 'node:child_process'
import { asFederationError } from '#protocol/errors.js'
import { moduleCommand } from '#protocol/spawn.js'
import type { BackendName } from './backends.js'
import type { Measurement, Trial } from './choose-backend.js'

export interface TrialRequest {
  readonly backend: BackendName
  readonly trial: Trial
}
export type TrialReply =
  { readonly ok: true; readonly stepMs: number } | { readonly ok: false; readonly reason: string }

/** Loading, compiling and a dozen steps of the largest model take seconds; beyond this a backend is no candidate. */
const PATIENCE_MS = 60_000

/** Times a backend in a process of its own: a crash in a native library ends that process only, and becomes the reason. */
export async function measureInChild(backend: BackendName, trial: Trial): Promise<Measurement> {
  const reply = await ask({ backend, trial })
  return reply.ok
    ? { backend, stepMs: reply.stepMs, reason: null }
    : { backend, stepMs: null, reason: reply.reason }
}

function ask(request: TrialRequest): Promise<TrialReply> {
  const { file, execArgv } = moduleCommand(import.meta.url, './trial-main.js')
  const child = fork(file, [], {
    execArgv: [...execArgv],
    serialization: 'advanced',
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  })
  let errors = ''
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    errors = (errors + text).slice(-2000)
  })
  return new Promise((resolve) => {
    const failed = (reason: string) => {
      resolve({ ok: false, reason })
    }
    const patience = setTimeout(() => {
      failed(`gave no result in ${PATIENCE_MS / 1000} s`)
      child.kill('SIGKILL')
    }, PATIENCE_MS)
    // A tensor library may keep its process alive for long after the answer: nothing is lost by ending it.
    child.once('message', (reply) => {
      resolve(reply as TrialReply)
      child.kill('SIGKILL')
    })
    child.once('error', (error) => {
      failed(asFederationError(error).message)
    })
    child.once('close', (code, signal) => {
      clearTimeout(patience)
      failed(crashReason(signal ?? `code ${code ?? 'unknown'}`, errors))
    })
    child.send(request)
  })
}

function crashReason(end: string, errors: string): string {
  const last = errors.trim().split('\n').at(-1) ?? ''
  return `the trial process ended with ${end}${last === '' ? '' : `: ${last}`}`
}
