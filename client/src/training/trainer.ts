import { fork, type ChildProcess } from 'node:child_process'
import type { DataCard } from '#protocol/data-card.js'
import { FederationError } from '#protocol/errors.js'
import { moduleCommand } from '#protocol/spawn.js'
import type { Answers, NodeData, Note, Reply, Request } from './messages.js'

type Kind = Request['kind']
type Asked<K extends Kind> = Extract<Request, { kind: K }>

/** The node's child process. If it dies, its open requests fail and the next request starts another one. */
export class Trainer {
  readonly #data: NodeData
  #child: ChildProcess | null = null
  #opened: Promise<DataCard> | null = null
  #nextId = 1
  readonly #open = new Map<
    number,
    { resolve(value: Answers[Kind]): void; reject(error: FederationError): void }
  >()
  #isStopped = false

  readonly #onNote: (note: Note['note']) => void

  constructor(data: NodeData, onNote: (note: Note['note']) => void = () => undefined) {
    this.#data = data
    this.#onNote = onNote
  }

  /** Loads the data in the child and tells what they are. */
  start(): Promise<DataCard> {
    this.#opened ??= this.#ask(this.#spawn(), { kind: 'open', data: this.#data })
    return this.#opened
  }
  async perform(request: Asked<'perform'>): Promise<Answers['perform']> {
    return this.#ask(await this.#ready(), request)
  }
  async settle(request: Asked<'settle'>): Promise<Answers['settle']> {
    return this.#ask(await this.#ready(), request)
  }
  stop(): void {
    this.#isStopped = true
    this.#child?.kill('SIGKILL')
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
    child.on('message', (reply: Reply | Note) => {
      if ('note' in reply) {
        this.#onNote(reply.note)
        return
      }
      const waiting = this.#open.get(reply.id)
      this.#open.delete(reply.id)
      if (reply.ok) waiting?.resolve(reply.value)
      else waiting?.reject(new FederationError(reply.problem.code, reply.problem.message))
    })
    child.on('error', (cause) => this.#lose(child, `The training process failed: ${cause.message}`))
    child.on('exit', (code, signal) =>
      this.#lose(child, `The training process ended with ${signal ?? `exit ${code}`}`),
    )
    this.#child = child
    return child
  }

  #lose(child: ChildProcess, message: string): void {
    if (this.#child !== child) return
    this.#child = null
    this.#opened = null
    for (const { reject } of this.#open.values())
      reject(new FederationError('task/failed', message))
    this.#open.clear()
  }

  #ask<K extends Kind>(child: ChildProcess, request: Asked<K>): Promise<Answers[K]> {
    if (this.#isStopped)
      return Promise.reject(new FederationError('task/failed', 'The node is leaving'))
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
