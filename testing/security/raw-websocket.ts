/** A WebSocket without a library, so that it can send what no library would. */
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { request } from 'node:http'
import type { Socket } from 'node:net'

export interface RawFrame {
  readonly opcode: number
  readonly payload: Buffer
}
export const [TEXT, BINARY, CLOSE, PING] = [1, 2, 8, 9]

/** One frame from a client; `flags` are FIN and the reserved bits. */
export function frame(opcode: number, payload: Uint8Array | string, flags = 0x80): Buffer {
  const body = Buffer.from(payload as Uint8Array)
  const length = body.length
  const head =
    length < 126
      ? Buffer.from([flags | opcode, 0x80 | length])
      : length < 65_536
        ? Buffer.from([flags | opcode, 0x80 | 126, length >> 8, length & 255])
        : Buffer.concat([Buffer.from([flags | opcode, 0x80 | 127]), bigEndian64(length)])
  const mask = randomBytes(4)
  const masked = Buffer.from(body)
  for (let i = 0; i < masked.length; i += 1) masked[i]! ^= mask[i & 3]!
  return Buffer.concat([head, mask, masked])
}
const bigEndian64 = (value: number): Buffer => {
  const bytes = Buffer.alloc(8)
  bytes.writeBigUInt64BE(BigInt(value))
  return bytes
}

export class RawWebSocket {
  readonly frames: RawFrame[] = []
  /** The code with which the other side closed; null: none yet, 1006: without one. */
  closeCode: number | null = null
  #rest = Buffer.alloc(0)
  #waiting: (() => void)[] = []

  static readonly #open = new Set<RawWebSocket>()
  /** Ends, without a goodbye, what tests have left open. */
  static endAll(): void {
    for (const raw of RawWebSocket.#open) raw.end()
  }

  private constructor(
    readonly socket: Socket,
    /** Of the answer to the handshake. */
    readonly headers: Readonly<Record<string, string | string[] | undefined>>,
  ) {
    RawWebSocket.#open.add(this)
    socket.on('data', (bytes) => this.#read(bytes))
    socket.on('error', () => undefined)
    socket.on('close', () => {
      RawWebSocket.#open.delete(this)
      this.closeCode ??= 1006
      this.#wake()
    })
  }

  /** Upgrades; rejects with the status of the answer when the server does not. */
  static async open(
    url: string,
    {
      headers = {},
      path = '/socket.io/?EIO=4&transport=websocket',
    }: { readonly headers?: Readonly<Record<string, string>>; readonly path?: string } = {},
  ): Promise<RawWebSocket> {
    const sent = request(new URL(path, url), {
      headers: {
        ...{ connection: 'Upgrade', upgrade: 'websocket', 'sec-websocket-version': '13' },
        'sec-websocket-key': randomBytes(16).toString('base64'),
        ...headers,
      },
    })
    const refused = once(sent, 'response').then(([response]) => {
      const { statusCode } = response as { statusCode: number }
      sent.destroy()
      throw new Error(`HTTP ${statusCode}`)
    })
    const upgraded = once(sent, 'upgrade').then(([response, socket, first]: unknown[]) => {
      const { headers: answered } = response as { headers: RawWebSocket['headers'] }
      const raw = new RawWebSocket(socket as Socket, answered)
      raw.#read(first as Buffer)
      return raw
    })
    sent.end()
    try {
      return await Promise.race([upgraded, refused])
    } finally {
      refused.catch(() => undefined)
      upgraded.catch(() => undefined)
    }
  }
  /** Opens, and connects to the namespace of nodes; rejects when it is refused there. */
  static async node(url: string, token: string): Promise<RawWebSocket> {
    const raw = await RawWebSocket.open(url)
    raw.text(`40/fl,${JSON.stringify({ token })}`)
    await raw.until(() => raw.isClosed || raw.texts.some((text) => /^4[04]\/fl/.test(text)))
    if (raw.texts.some((text) => text.startsWith('40/fl'))) return raw
    throw new Error('Refused')
  }

  get isClosed(): boolean {
    return this.closeCode !== null
  }
  get texts(): readonly string[] {
    return this.frames
      .filter(({ opcode }) => opcode === TEXT)
      .map(({ payload }) => payload.toString())
  }
  text(payload: string): void {
    this.socket.write(frame(TEXT, payload))
  }
  /** Resolves when all bytes were handed over, or the connection has ended. */
  async write(bytes: Buffer): Promise<void> {
    if (this.socket.destroyed || this.socket.write(bytes)) return
    // An error is followed by the end.
    await new Promise<void>((resolve) => {
      this.socket.once('drain', resolve).once('close', () => resolve())
    })
  }
  async until(holds: () => boolean): Promise<void> {
    while (!holds()) await new Promise<void>((resolve) => this.#waiting.push(resolve))
  }
  end(): void {
    this.socket.destroy()
  }

  #wake(): void {
    for (const wake of this.#waiting.splice(0)) wake()
  }
  #read(bytes: Buffer): void {
    this.#rest = Buffer.concat([this.#rest, bytes])
    for (;;) {
      const [first, second] = this.#rest
      if (first === undefined || second === undefined) break
      const short = second & 127
      const start = short === 126 ? 4 : short === 127 ? 10 : 2
      if (this.#rest.length < start) break
      const length =
        short === 126
          ? this.#rest.readUInt16BE(2)
          : short === 127
            ? Number(this.#rest.readBigUInt64BE(2))
            : short
      if (this.#rest.length < start + length) break
      const payload = this.#rest.subarray(start, start + length)
      this.#rest = this.#rest.subarray(start + length)
      this.#take({ opcode: first & 15, payload })
    }
    this.#wake()
  }
  #take(one: RawFrame): void {
    this.frames.push(one)
    if (one.opcode === CLOSE)
      this.closeCode = one.payload.length < 2 ? 1005 : one.payload.readUInt16BE(0)
    // The heartbeat of engine.io: a client that does not answer is thrown out.
    if (one.opcode === TEXT && one.payload.toString() === '2') this.text('3')
  }
}
