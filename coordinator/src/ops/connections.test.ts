import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { addressKey, ConnectionGuard, isLoopback, TrustedProxies } from './connections.js'

describe('an address', () => {
  it.each([
    ['192.0.2.7', '192.0.2.7'],
    ['::ffff:192.0.2.7', '192.0.2.7'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:db8:1:2::9', '2001:db8:1:2::/64'],
    ['2001:db8::9', '2001:db8:0:0::/64'],
    ['::1', '0:0:0:0::/64'],
  ])('%s counts as %s', (address, key) => expect(addressKey(address)).toBe(key))

  it('is of this machine only when it is', () => {
    for (const own of ['127.0.0.1', '127.9.9.9', '::1', '::ffff:127.0.0.1', 'localhost'])
      expect(isLoopback(own)).toBe(true)
    for (const other of ['10.0.0.1', '::', '0.0.0.0', '1127.0.0.1', 'localhost.example'])
      expect(isLoopback(other)).toBe(false)
  })

  const from = (remoteAddress: string, forwarded?: string) =>
    ({
      socket: { remoteAddress },
      headers: forwarded === undefined ? {} : { 'x-forwarded-for': forwarded },
    }) as never

  it('is taken from a proxy only if that is trusted, and only as far as trust goes', () => {
    const proxies = new TrustedProxies(['10.0.0.0/8', '::1'])
    expect(proxies.addressOf(from('192.0.2.7', '198.51.100.1'))).toBe('192.0.2.7')
    expect(proxies.addressOf(from('10.1.1.1', '198.51.100.1'))).toBe('198.51.100.1')
    expect(proxies.addressOf(from('10.1.1.1', '203.0.113.5, 198.51.100.1'))).toBe('198.51.100.1')
    expect(proxies.addressOf(from('::1', '198.51.100.1, 10.2.2.2'))).toBe('198.51.100.1')
    expect(proxies.addressOf(from('10.1.1.1'))).toBe('10.1.1.1')
    expect(proxies.addressOf(from('10.1.1.1', 'rubbish'))).toBe('10.1.1.1')
    expect(new TrustedProxies().addressOf(from('127.0.0.1', '198.51.100.1'))).toBe('127.0.0.1')
    expect(() => new TrustedProxies(['proxy'])).toThrow(/'proxy'/)
    expect(() => new TrustedProxies(['10.0.0.0/99'])).toThrow(/10\.0\.0\.0\/99/)
  })
})

describe('caps on connections', () => {
  let server: Server
  let guard: ConnectionGuard
  let refused: string[]
  const sockets: Socket[] = []
  const serve = async (
    limits: { connections: number; connectionsPerAddress: number },
    proxies: readonly string[] = [],
  ): Promise<void> => {
    guard = new ConnectionGuard({
      limits,
      proxies: new TrustedProxies(proxies),
      onRefused: (reason) => refused.push(reason),
    })
    guard.watch(server)
    server.listen(0, '0.0.0.0')
    await once(server, 'listening')
  }
  /** Whether the connection stays. */
  const open = async (localAddress = '127.0.0.1'): Promise<boolean> => {
    const { port } = server.address() as AddressInfo
    const socket = connect({ port, host: '127.0.0.1', localAddress })
    sockets.push(socket)
    socket.on('error', () => undefined)
    const greeted = once(socket, 'data').then(() => true)
    const closed = once(socket, 'close').then(() => false)
    return Promise.race([greeted, closed])
  }
  beforeEach(() => {
    refused = []
    server = createServer((socket) => {
      socket.on('error', () => undefined)
      setImmediate(() => {
        if (!socket.destroyed) socket.write('hello')
      })
    })
  })
  afterEach(async () => {
    for (const socket of sockets.splice(0)) socket.destroy()
    server.close()
    await once(server, 'close')
  })

  it('hold for one address, not for another', async () => {
    await serve({ connections: 100, connectionsPerAddress: 2 })
    expect([await open(), await open(), await open()]).toEqual([true, true, false])
    expect(await open('127.0.0.2')).toBe(true)
    expect([refused, guard.open, guard.addresses]).toEqual([['address'], 3, 2])
  })
  it('hold for all together', async () => {
    await serve({ connections: 2, connectionsPerAddress: 100 })
    expect([await open(), await open('127.0.0.2'), await open()]).toEqual([true, true, false])
    expect(refused).toEqual(['total'])
  })
  it('of an address do not count for a proxy, behind which are many', async () => {
    await serve({ connections: 100, connectionsPerAddress: 1 }, ['127.0.0.1'])
    expect([await open(), await open()]).toEqual([true, true])
  })
  it('leave nothing behind when connections end', async () => {
    await serve({ connections: 100, connectionsPerAddress: 1 })
    expect([await open(), await open('127.0.0.2')]).toEqual([true, true])
    for (const socket of sockets.splice(0)) socket.destroy()
    await expect.poll(() => [guard.open, guard.addresses]).toEqual([0, 0])
    expect(await open()).toBe(true)
  })
})
