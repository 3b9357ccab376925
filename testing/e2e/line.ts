import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'

/** A line between a node and its coordinator. What is cut is the socket over which tasks and updates travel; HTTP goes on. */
export interface Line {
  /** What the node takes for the coordinator's address. */
  readonly url: string
  cut(): void
  restore(): void
  close(): void
}

const isSocketIo = (first: Buffer): boolean =>
  first.subarray(0, 15).toString('latin1').startsWith('GET /socket.io/')

export async function layLine(coordinatorUrl: string): Promise<Line> {
  const port = Number(new URL(coordinatorUrl).port)
  const all = new Set<Socket>()
  const sockets = new Set<Socket>()
  let isCut = false
  const server = createServer((near) => {
    const far = connect(port, '127.0.0.1')
    for (const [end, other] of [
      [near, far],
      [far, near],
    ] as const) {
      all.add(end)
      end.on('error', () => end.destroy())
      end.on('close', () => {
        all.delete(end)
        sockets.delete(end)
        other.destroy()
      })
    }
    near.once('data', (first: Buffer) => {
      if (isSocketIo(first)) {
        if (isCut) {
          near.destroy()
          return
        }
        sockets.add(near)
      }
      far.write(first)
      near.pipe(far)
      far.pipe(near)
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    cut: () => {
      isCut = true
      for (const socket of [...sockets]) socket.destroy()
    },
    restore: () => {
      isCut = false
    },
    close: () => {
      server.close()
      for (const socket of [...all]) socket.destroy()
    },
  }
}
