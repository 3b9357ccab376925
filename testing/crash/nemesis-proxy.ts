/** A line between nodes and coordinator on which things go wrong: delay, cut and half-close. Carries HTTP and sockets alike. */
import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net'

interface Pair {
  readonly near: Socket
  readonly far: Socket
}

export class NemesisProxy {
  /** Nodes know this address; it stays the same while coordinators come and go. */
  readonly url: string
  readonly #server: Server
  readonly #pairs = new Set<Pair>()
  #port: number | null = null
  #delayMs = 0

  private constructor(server: Server) {
    this.#server = server
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    server.on('connection', (near) => this.#join(near))
  }
  static async open(): Promise<NemesisProxy> {
    const server = createServer({ allowHalfOpen: true })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    return new NemesisProxy(server)
  }

  /** Where it leads from now on; null: nowhere. */
  leadTo(url: string | null): void {
    this.#port = url === null ? null : Number(new URL(url).port)
  }
  /** Of every piece that passes, either way. */
  delay(milliseconds: number): void {
    this.#delayMs = milliseconds
  }
  /** Every connection breaks; new ones are taken. */
  cut(): void {
    for (const { near, far } of [...this.#pairs]) {
      near.destroy()
      far.destroy()
    }
  }
  /** One direction of every connection ends, the other goes on until its peer has had enough. */
  halfClose(side: 'node' | 'coordinator'): void {
    for (const { near, far } of [...this.#pairs]) (side === 'node' ? near : far).end()
  }
  async close(): Promise<void> {
    this.#server.close()
    this.cut()
    await once(this.#server, 'close')
  }

  #join(near: Socket): void {
    // A reset of a connection is what this is about.
    near.on('error', () => near.destroy())
    if (this.#port === null) {
      near.destroy()
      return
    }
    const far = connect({ port: this.#port, host: '127.0.0.1', allowHalfOpen: true })
    far.on('error', () => far.destroy())
    const pair = { near, far }
    this.#pairs.add(pair)
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      from.on('data', (piece: Buffer) => this.#carry(piece, from, to))
      from.on('end', () => this.#later(() => to.end()))
      from.on('close', () => {
        this.#pairs.delete(pair)
        to.destroy()
      })
    }
  }
  #carry(piece: Buffer, from: Socket, to: Socket): void {
    this.#later(() => {
      if (to.destroyed || !to.writable || to.write(piece)) return
      from.pause()
      to.once('drain', () => from.resume())
    })
  }
  /** In order: a shorter delay lets nothing overtake, because a delay changes for what comes after it only. */
  #later(then: () => void): void {
    const at = Math.max(performance.now() + this.#delayMs, this.#lastAt)
    this.#lastAt = at
    if (at <= performance.now()) then()
    else setTimeout(then, at - performance.now())
  }
  #lastAt = 0
}
