/**
 * For tests of crashes only: with `TRIBUTARY_FAULT=point[:nth][:kind]` in its environment a process dies, or its disk fails,
 * at the nth time that it passes the named point (protocol/fault-points.ts; reliability specification §3). Its child
 * processes load the same, so that points within them count too; what kills a child kills the process that started it.
 */
import { writeSync } from 'node:fs'
import { FederationError } from '#protocol/errors.js'
import {
  AUDIT_FAULT_POINTS,
  CLIENT_FAULT_POINTS,
  COORDINATOR_FAULT_POINTS,
  setFaultHook,
  type FaultPoint,
} from '#protocol/fault-points.js'

/**
 * kill: SIGKILL to the process, and to the one whose child it is. throw: an error that nothing expects. enospc, eio: what the
 * operating system says of a full or broken disk. stop: SIGSTOP; somebody else has to continue the process.
 */
const KINDS = ['kill', 'throw', 'enospc', 'eio', 'stop'] as const
export type FaultKind = (typeof KINDS)[number]
export interface Fault {
  readonly point: FaultPoint
  /** 1: the first time. */
  readonly nth: number
  readonly kind: FaultKind
}

const POINTS: readonly string[] = [
  ...COORDINATOR_FAULT_POINTS,
  ...CLIENT_FAULT_POINTS,
  ...AUDIT_FAULT_POINTS,
]
const isPoint = (text: string): text is FaultPoint => POINTS.includes(text)
const isKind = (text: string): text is FaultKind => (KINDS as readonly string[]).includes(text)

/** Throws `usage/bad-value` for what names no point, count or kind. */
export function parseFault(text: string): Fault {
  const [point = '', ...rest] = text.split(':')
  const [nth = '1', kind = 'kill'] = /^\d+$/.test(rest[0] ?? '') ? rest : ['1', ...rest]
  if (!isPoint(point) || !isKind(kind) || Number(nth) < 1 || rest.length > 2)
    throw new FederationError(
      'usage/bad-value',
      `TRIBUTARY_FAULT is point[:nth][:kind], with kind one of ${KINDS.join(', ')}; got '${text}'`,
    )
  return { point, nth: Number(nth), kind }
}

/** What a hook does when the fault's time has come; another one in tests of the hook itself. */
export type Strike = (fault: Fault) => void

/** Counts how often its point was passed and strikes once. */
export function faultHook(fault: Fault, strike: Strike): (point: FaultPoint) => void {
  let passed = 0
  return (point) => {
    if (point !== fault.point) return
    passed += 1
    if (passed === fault.nth) strike(fault)
  }
}

/** The process id of whoever must die with a child, as its parent put it into the environment. */
const PARENT = 'TRIBUTARY_FAULT_PARENT'

/** Sets the hook that the environment names, in this process and in those it will start. Without one nothing happens. */
export function installFaults(env: NodeJS.ProcessEnv): void {
  const text = env['TRIBUTARY_FAULT'] ?? ''
  if (text === '') return
  const parent = env[PARENT]
  setFaultHook(faultHook(parseFault(text), (fault) => strike(fault, Number(parent ?? 0))))
  if (parent !== undefined) return
  env[PARENT] = String(process.pid)
  const main = import.meta.url.replace(/faults\.(js|ts)$/, 'faults-main.$1')
  // From sources the loader has to be there first.
  const loader = main.endsWith('.ts') ? '--conditions=source --import=tsx' : ''
  env['NODE_OPTIONS'] = [env['NODE_OPTIONS'] ?? '', loader, `--import=${main}`].join(' ').trim()
}

function strike({ point, nth, kind }: Fault, parent: number): void {
  // The line says that the fault happened, and where: the process has no later chance.
  writeSync(2, `${JSON.stringify({ fault: point, nth, kind, pid: process.pid })}\n`)
  if (kind === 'kill') die(parent)
  else if (kind === 'stop') process.kill(process.pid, 'SIGSTOP')
  else throw failure(point, kind)
}

/** Nothing runs after this line: not in this thread, and not in the process that waits for its answer. */
function die(parent: number): never {
  if (parent > 0) process.kill(parent, 'SIGKILL')
  process.kill(process.pid, 'SIGKILL')
  for (;;) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)
}

const OF_THE_DISK = {
  enospc: { code: 'ENOSPC', text: 'no space left on device' },
  eio: { code: 'EIO', text: 'i/o error' },
} as const

function failure(point: FaultPoint, kind: 'throw' | 'enospc' | 'eio'): Error {
  if (kind === 'throw')
    return new FederationError('internal/bug', `A fault was injected at ${point}`)
  const { code, text } = OF_THE_DISK[kind]
  return Object.assign(new Error(`${code}: ${text}, injected at ${point}`), { code })
}
