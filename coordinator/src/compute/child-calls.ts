import { fork, type ChildProcess } from 'node:child_process'
import { asFederationError, FederationError, type Problem } from '#protocol/errors.js'
import { moduleCommand } from '#protocol/spawn.js'
import { syncHasFailed } from '#coordinator/durable-files.js'

/** Calls to functions that another process serves. Arguments and results are copied (structured clone). */
export interface ChildCalls {
  /** Rejects with the child's own error, or with `algorithm/failed` when the child died twice over this call. */
  call<T>(method: string, ...args: readonly unknown[]): Promise<T>
  stop(): Promise<void>
  /** At once, in the middle of a call: for a child that keeps nothing. */
  kill(): Promise<void>
  /** The process that serves now; a new one after a crash. */
  readonly pid: number | null
}
export interface ChildModule {
  /** `import.meta.url` of the caller. */
  readonly parentUrl: string
  /** Relative path of the entry module, ending in `-main.js`. */
  readonly path: string
  readonly args?: readonly string[]
  /** What the child tells of its own accord. */
  readonly onNote?: (note: unknown) => void
}

interface Request {
  readonly id: number
  readonly method: string
  readonly args: readonly unknown[]
}
interface Note {
  readonly note: unknown
}
type Reply =
  | { readonly id: number; readonly ok: true; readonly value: unknown }
  | { readonly id: number; readonly ok: false; readonly problem: Problem }
interface Pending {
  readonly request: Request
  readonly resolve: (value: unknown) => void
  readonly reject: (error: FederationError) => void
  /** The child died while it had this call, once already. */
  isRepeated: boolean
}

/** Exit status of a child whose fsync has failed: what it was to write is not asked of another one. */
export const SYNC_FAILED = 74

/** Starts the child at the first call, and again after a crash: the calls it had are then repeated once. */
export function startChild(module: ChildModule): ChildCalls {
  return new Child(module)
}

class Child implements ChildCalls {
  readonly #module: ChildModule
  readonly #pending = new Map<number, Pending>()
  #process: ChildProcess | null = null
  #lastId = 0
  #isStopped = false

  constructor(module: ChildModule) {
    this.#module = module
  }
  get pid(): number | null {
    return this.#process?.pid ?? null
  }

  call<T>(method: string, ...args: readonly unknown[]): Promise<T> {
    if (this.#isStopped) return Promise.reject(stopped())
    this.#lastId += 1
    const request = { id: this.#lastId, method, args }
    return new Promise<T>((resolve, reject) => {
      this.#pending.set(request.id, {
        request,
        resolve: resolve as (value: unknown) => void,
        reject,
        isRepeated: false,
      })
      this.#send(request)
    })
  }

  stop(): Promise<void> {
    return this.#end((child) => {
      if (child.connected) child.disconnect()
    })
  }
  kill(): Promise<void> {
    return this.#end((child) => child.kill('SIGKILL'))
  }
  async #end(how: (child: ChildProcess) => void): Promise<void> {
    this.#isStopped = true
    const child = this.#process
    if (child?.exitCode !== null || child.signalCode !== null) return
    const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()))
    how(child)
    await gone
  }

  #send(request: Request): void {
    this.#process ??= this.#start()
    this.#process.send(request, (error) => {
      // A closed channel shows as an exit too, and that is where the call is repeated or given up.
      if (error !== null) this.#process?.kill('SIGKILL')
    })
  }

  #start(): ChildProcess {
    const { file, execArgv } = moduleCommand(this.#module.parentUrl, this.#module.path)
    const child = fork(file, [...(this.#module.args ?? [])], {
      execArgv: [...execArgv],
      serialization: 'advanced',
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    })
    child.on('message', (message) => {
      if ('note' in (message as Reply | Note)) this.#module.onNote?.((message as Note).note)
      else this.#settle(message as Reply)
    })
    child.once('exit', (code, signal) => {
      if (this.#process === child) this.#process = null
      if (code === SYNC_FAILED) this.#afterFailedSync()
      else this.#afterExit(signal ?? `status ${code ?? 'unknown'}`)
    })
    return child
  }

  #settle(reply: Reply): void {
    const pending = this.#pending.get(reply.id)
    this.#pending.delete(reply.id)
    if (reply.ok) pending?.resolve(reply.value)
    else pending?.reject(new FederationError(reply.problem.code, reply.problem.message))
  }

  #afterFailedSync(): void {
    const error = new FederationError(
      'store/io',
      'The process that computes could not make durable what it wrote',
    )
    for (const { reject } of this.#pending.values()) reject(error)
    this.#pending.clear()
    syncHasFailed(error)
  }

  #afterExit(how: string): void {
    for (const [id, pending] of [...this.#pending]) {
      if (this.#isStopped || pending.isRepeated) {
        this.#pending.delete(id)
        pending.reject(this.#isStopped ? stopped() : crashed(pending.request.method, how))
      } else {
        pending.isRepeated = true
        this.#send(pending.request)
      }
    }
  }
}

const stopped = (): FederationError =>
  new FederationError('algorithm/failed', 'The process that computes was stopped')
const crashed = (method: string, how: string): FederationError =>
  new FederationError(
    'algorithm/failed',
    `The process that computes died twice during ${method} (${how})`,
  )

/** The child's side: tells its parent something that nobody has asked for. */
export const tellParent = (note: unknown): void => void process.send?.({ note } satisfies Note)

/** The child's side: answers calls until its parent is gone. An interrupt is the parent's to handle. */
export function serveCalls(
  handlers: Readonly<Record<string, (...args: never[]) => Promise<unknown>>>,
): void {
  const answer = async ({ id, method, args }: Request): Promise<Reply> => {
    try {
      const handler = Object.hasOwn(handlers, method) ? handlers[method] : undefined
      if (handler === undefined)
        throw new FederationError('internal/bug', `No such call: ${method}`)
      return { id, ok: true, value: await handler(...(args as never[])) }
    } catch (error) {
      return { id, ok: false, problem: asFederationError(error, 'algorithm/failed').toProblem() }
    }
  }
  process.on('message', (request) => {
    void answer(request as Request).then((reply) => process.send?.(reply))
  })
  process.on('SIGINT', () => undefined)
  process.once('disconnect', () => process.exit(0))
}
