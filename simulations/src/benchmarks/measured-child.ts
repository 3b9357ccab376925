import { fork } from 'node:child_process'
import { asFederationError, FederationError, type Problem } from '#protocol/errors.js'
import { moduleCommand } from '#protocol/spawn.js'

type Answer<Result> =
  | { readonly kind: 'done'; readonly result: Result }
  | { readonly kind: 'failed'; readonly problem: Problem }

/**
 * Lets a process of its own answer one request, so that its peak memory is that of this work alone. `main`: a module beside
 * this one that calls `answerParent`. Rejects with that process's error, or when `signal` aborts.
 */
export function askChild<Result>(
  main: string,
  request: object,
  signal?: AbortSignal,
): Promise<Result> {
  const { file, execArgv } = moduleCommand(import.meta.url, main)
  const child = fork(file, [], {
    execArgv: [...execArgv],
    serialization: 'advanced',
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  })
  const died = (how: string): FederationError =>
    new FederationError('algorithm/failed', `The process that was measured ended early (${how})`)
  const running = new Promise<Result>((resolve, reject) => {
    child.once('message', (message) => {
      const answer = message as Answer<Result>
      if (answer.kind === 'done') resolve(answer.result)
      else reject(new FederationError(answer.problem.code, answer.problem.message))
    })
    child.once('error', (cause) => reject(died(cause.message)))
    child.once('exit', (code, by) => reject(died(by ?? `status ${code ?? 'unknown'}`)))
    const interrupt = (): void => reject(died('interrupted'))
    if (signal?.aborted === true) interrupt()
    signal?.addEventListener('abort', interrupt, { once: true })
    child.send(request)
  })
  return running.finally(() => child.kill('SIGKILL'))
}

/** In the entry of such a process: does what it is asked, once. */
export function answerParent<Request, Result>(work: (request: Request) => Promise<Result>): void {
  const tell = (answer: Answer<Result>): void => void process.send?.(answer)
  process.once('message', (request) => {
    work(request as Request).then(
      (result) => tell({ kind: 'done', result }),
      (error: unknown) =>
        tell({ kind: 'failed', problem: asFederationError(error, 'algorithm/failed').toProblem() }),
    )
  })
  process.once('disconnect', () => process.exit(0))
}
