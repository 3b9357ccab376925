import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import type { DataCard } from '#protocol/data-card.js'
import { FederationError } from '#protocol/errors.js'
import { canonicalJson } from '#protocol/json.js'
import { moduleCommand } from '#protocol/spawn.js'
import type { Answers, NodeData, Note, Reply, Request } from './messages.js'

type Kind = Request['kind']
type Asked<K extends Kind> = Extract<Request, { kind: K }>
interface Waiting {
  readonly resolve: (value: Answers[Kind]) => void
  readonly reject: (error: FederationError) => void
}

/** The node's child process. If it dies, its open requests fail and the next request starts another one. */
export class Trainer {
  readonly #data: NodeData
  readonly #onNote: (note: Note) => void
  readonly #open = new Map<number, Waiting>()
  #child: ChildProcess | null = null
  #opened: Promise<DataCard> | null = null
  /** Of the first child: the coordinator was told that these are the data. */
  #card: DataCard | null = null
  #nextId = 1
  #isStopped = false

  constructor(data: NodeData, onNote: (note: Note) => void = () => undefined) {
    this.#data = data
    this.#onNote = onNote
  }

  /**
   * Loads the data in the child and tells what they are. Throws `data/…`; and `data/mismatch` when a later child finds
   * other data than the first.
   */
  start(): Promise<DataCard> {
    if (this.#opened !== null) return this.#opened
    const opened = this.#openData()
    this.#opened = opened
    opened.catch(() => {
      if (this.#opened === opened) this.#opened = null
    })
    return opened
  }
  /** Aborting the signal ends the child: training cannot be interrupted otherwise. */
  async perform(request: Asked<'perform'>, signal: AbortSignal): Promise<Answers['perform']> {
    const child = await this.#ready()
    signal.throwIfAborted()
    const end = (): void => void child.kill('SIGKILL')
    signal.addEventListener('abort', end, { once: true })
    try {
      return await this.#ask(child, request)
    } finally {
      signal.removeEventListener('abort', end)
    }
  }
  async settle(request: Asked<'settle'>): Promise<Answers['settle']> {
    return this.#ask(await this.#ready(), request)
  }
  /** Resolves when the child is gone. */
  async stop(): Promise<void> {
    this.#isStopped = true
    const child = this.#child
    if (child?.pid === undefined || child.exitCode !== null || child.signalCode !== null) return
    const gone = once(child, 'exit')
    child.kill('SIGKILL')
    await gone
  }

  async #openData(): Promise<DataCard> {
    if (this.#isStopped) throw leaving()
    const child = this.#spawn()
    try {
      const card = await this.#ask(child, { kind: 'open', data: this.#data })
      this.#card ??= card
      if (canonicalJson(card) === canonicalJson(this.#card)) return card
      throw new FederationError('data/mismatch', 'The data have changed since this node joined')
    } catch (error) {
      // A child without data is of no use; the next request tries again.
      child.kill('SIGKILL')
      throw error
    }
  }

  async #ready(): Promise<ChildProcess> {
    await this.start()
    if (this.#child === null) throw new FederationError('task/failed', 'The training process ended')
    return this.#child
  }

  #spawn(): ChildProcess {
    const { file, execArgv } = moduleCommand(import.meta.url, './task-main.js')
    const child = fork(file, [], {
      execArgv: [...execArgv],
      serialization: 'advanced',
      stdio: ['ignore', 2, 2, 'ipc'],
    })
    child.on('message', (message: Reply | Note) => this.#hear(message))
    child.on('error', (cause) => this.#lose(child, `The training process failed: ${cause.message}`))
    child.on('exit', (code, signal) =>
      this.#lose(child, `The training process ended with ${signal ?? `exit ${code}`}`),
    )
    this.#child = child
    return child
  }

  #hear(message: Reply | Note): void {
    if ('note' in message) {
      this.#onNote(message)
      return
    }
    const waiting = this.#open.get(message.id)
    this.#open.delete(message.id)
    if (message.ok) waiting?.resolve(message.value)
    else waiting?.reject(new FederationError(message.problem.code, message.problem.message))
  }

  #lose(child: ChildProcess, message: string): void {
    if (this.#child !== child) return
    this.#child = null
    this.#opened = null
    child.kill('SIGKILL')
    for (const { reject } of this.#open.values())
      reject(new FederationError('task/failed', message))
    this.#open.clear()
  }

  #ask<K extends Kind>(child: ChildProcess, request: Asked<K>): Promise<Answers[K]> {
    if (this.#isStopped) return Promise.reject(leaving())
    const id = this.#nextId
    this.#nextId += 1
    return new Promise((resolve, reject) => {
      this.#open.set(id, { resolve: resolve as (value: Answers[Kind]) => void, reject })
      child.send({ id, request }, (error) => {
        if (error !== null)
          this.#lose(child, `The training process cannot be reached: ${error.message}`)
      })
    })
  }
}

const leaving = (): FederationError => new FederationError('task/failed', 'The node is leaving')
