import type { IncomingMessage } from 'node:http'
import { BlockList, isIP, type Server, type Socket } from 'node:net'
import { FederationError } from '#protocol/errors.js'
import type { ServerLimits } from './limits.js'

/** Addresses of proxies whose word about the real address is taken. */
export class TrustedProxies {
  readonly #list = new BlockList()

  /** `10.0.0.7` or `10.0.0.0/8`. Throws `usage/bad-value`. */
  constructor(addresses: readonly string[] = []) {
    for (const text of addresses) {
      const [address = '', prefix] = text.split('/')
      const family = isIP(address) === 6 ? 'ipv6' : 'ipv4'
      try {
        if (prefix === undefined) this.#list.addAddress(address, family)
        else this.#list.addSubnet(address, Number(prefix), family)
      } catch (cause) {
        const message = `Expected the address of a proxy like 10.0.0.7 or 10.0.0.0/8, got '${text}'`
        throw new FederationError('usage/bad-value', message, { cause })
      }
    }
  }

  has(address: string): boolean {
    const plain = plainAddress(address)
    const kind = isIP(plain)
    return kind !== 0 && this.#list.check(plain, kind === 6 ? 'ipv6' : 'ipv4')
  }

  /** Who a request comes from: the last address that no trusted proxy vouches past. */
  addressOf(request: Pick<IncomingMessage, 'socket' | 'headers'>): string {
    const told = request.headers['x-forwarded-for']
    const hops = (Array.isArray(told) ? told.join(',') : (told ?? '')).split(',')
    let address = plainAddress(request.socket.remoteAddress ?? '')
    while (this.has(address)) {
      const next = plainAddress(hops.pop()?.trim() ?? '')
      if (isIP(next) === 0) break
      address = next
    }
    return address
  }
}

const plainAddress = (address: string): string => address.replace(/^::ffff:(?=\d+\.)/i, '')
export const isLoopback = (address: string): boolean =>
  /^127\.|^::1$|^localhost$/.test(plainAddress(address))

/** Of one peer as far as addresses tell: a home or a hospital has a whole network of IPv6 addresses. */
export function addressKey(address: string): string {
  const plain = plainAddress(address)
  if (isIP(plain) !== 6) return plain
  const [head = '', tail = ''] = plain.split('::')
  const [front, back] = [head.split(':').filter(Boolean), tail.split(':').filter(Boolean)]
  const zeros = plain.includes('::') ? Array<string>(8 - front.length - back.length).fill('0') : []
  return `${[...front, ...zeros, ...back].slice(0, 4).join(':')}::/64`
}

export interface ConnectionGuardOptions {
  readonly limits: Pick<ServerLimits, 'connections' | 'connectionsPerAddress'>
  readonly proxies: TrustedProxies
  readonly onRefused?: (reason: 'total' | 'address') => void
}

/** Caps on connections, before a byte of them is read: reliability specification §2, T11. */
export class ConnectionGuard {
  readonly #options: ConnectionGuardOptions
  readonly #byAddress = new Map<string, number>()
  #open = 0

  constructor(options: ConnectionGuardOptions) {
    this.#options = options
  }

  get open(): number {
    return this.#open
  }
  /** Addresses with a connection. */
  get addresses(): number {
    return this.#byAddress.size
  }

  watch(server: Server): void {
    const { limits, onRefused } = this.#options
    server.maxConnections = limits.connections
    server.on('drop', () => onRefused?.('total'))
    server.on('connection', (socket: Socket) => this.#enter(socket))
  }

  #enter(socket: Socket): void {
    const { limits, proxies, onRefused } = this.#options
    const address = socket.remoteAddress ?? ''
    const key = addressKey(address)
    const count = (this.#byAddress.get(key) ?? 0) + 1
    if (count > limits.connectionsPerAddress && !proxies.has(address)) {
      onRefused?.('address')
      socket.destroy()
      return
    }
    this.#open += 1
    this.#byAddress.set(key, count)
    socket.once('close', () => {
      this.#open -= 1
      const left = (this.#byAddress.get(key) ?? 1) - 1
      if (left === 0) this.#byAddress.delete(key)
      else this.#byAddress.set(key, left)
    })
  }
}
