/** Peers that hold connections and say nothing with them: threat T11 of the reliability specification, §2. */
import { randomBytes } from 'node:crypto'
import { connect, type Socket } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'

export interface SlowSetting {
  readonly url: string
  /** HTTP requests whose headers never end: one more byte a second. */
  readonly halfOpen: number
  /** WebSockets that were opened and never say who they are. */
  readonly silent: number
}
export interface SlowStanding {
  /** Open now, of either kind. */
  readonly halfOpen: number
  readonly silent: number
  /** Opened since the attack began: those that the coordinator ended came again. */
  readonly opened: number
  /** Ended by the coordinator. */
  readonly ended: number
}
type Kind = 'halfOpen' | 'silent'

const BYTE_MS = 1000
/** Connections of one attack are opened this many at a time, this often. */
const WAVE = { size: 50, everyMs: 50 }
/** Where they come from: not from where the honest are, or what one address may have would be used up for those. */
const FROM = Array.from({ length: 8 }, (_, i) => `127.0.0.${i + 2}`)

export class SlowPeers {
  readonly #open = new Map<Socket, Kind>()
  #setting: SlowSetting | null = null
  #opened = 0
  #ended = 0
  #over: Promise<void> = Promise.resolve()

  /** Goes on in the background, each connection that was ended opened again, until `retreat`. */
  async attack(setting: SlowSetting): Promise<void> {
    this.#setting = setting
    this.#over = this.#keepOpen(setting)
  }
  async standing(): Promise<SlowStanding> {
    const kinds = [...this.#open.values()]
    const count = (kind: Kind): number => kinds.filter((one) => one === kind).length
    return {
      halfOpen: count('halfOpen'),
      silent: count('silent'),
      opened: this.#opened,
      ended: this.#ended,
    }
  }
  async retreat(): Promise<void> {
    this.#setting = null
    await this.#over
    for (const socket of this.#open.keys()) socket.destroy()
    this.#open.clear()
  }

  async #keepOpen(setting: SlowSetting): Promise<void> {
    let last = performance.now()
    while (this.#setting === setting) {
      const { halfOpen, silent } = await this.standing()
      this.#add('halfOpen', Math.min(WAVE.size, setting.halfOpen - halfOpen))
      this.#add('silent', Math.min(WAVE.size, setting.silent - silent))
      if (performance.now() - last >= BYTE_MS) {
        last = performance.now()
        for (const [socket, kind] of this.#open) if (kind === 'halfOpen') socket.write('a')
      }
      await pause(WAVE.everyMs)
    }
  }
  #add(kind: Kind, count: number): void {
    const { hostname, port, host } = new URL(this.#setting?.url ?? '')
    for (let i = 0; i < count; i += 1) {
      const localAddress = FROM[this.#opened % FROM.length] ?? '127.0.0.1'
      const socket = connect({ host: hostname, port: Number(port), localAddress })
      this.#opened += 1
      this.#open.set(socket, kind)
      socket.on('connect', () => socket.write(kind === 'halfOpen' ? headOf(host) : upgrade(host)))
      socket.resume()
      // What ends a connection is counted when it is closed.
      socket.on('error', () => undefined)
      socket.on('close', () => {
        if (this.#open.delete(socket)) this.#ended += 1
      })
    }
  }
}

const headOf = (host: string): string => `GET /api/status HTTP/1.1\r\nHost: ${host}\r\nX-Slow: `
const upgrade = (host: string): string =>
  [
    'GET /socket.io/?EIO=4&transport=websocket HTTP/1.1',
    `Host: ${host}`,
    'Connection: Upgrade',
    'Upgrade: websocket',
    'Sec-WebSocket-Version: 13',
    `Sec-WebSocket-Key: ${randomBytes(16).toString('base64')}`,
    '\r\n',
  ].join('\r\n')
