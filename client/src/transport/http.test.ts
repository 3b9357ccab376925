import { once } from 'node:events'
import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { sha256 } from '#protocol/ids.js'
import { newKeyPair } from '#protocol/proof.js'
import { enrol, fetchBlob, fetchToken } from './http.js'

const { signal } = new AbortController()
const { privateKey } = newKeyPair()
const BYTES = Buffer.from('a model')
const BLOB = { hash: sha256(BYTES), bytes: BYTES.length }

describe('requests of a node', () => {
  let server: Server
  let url: string
  const serve = async (listener: RequestListener): Promise<void> => {
    server = createServer(listener).listen(0, '127.0.0.1')
    await once(server, 'listening')
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  }
  afterEach(() => {
    server.closeAllConnections()
    server.close()
  })
  const blob = () => fetchBlob({ url, token: 't', signal }, BLOB)

  it('check a blob against its address', async () => {
    let body = BYTES
    await serve((_request, response) => void response.end(body))
    expect(Buffer.from(await blob())).toEqual(BYTES)
    body = Buffer.from('a mordel')
    await expect(blob()).rejects.toMatchObject({ code: 'asset/corrupt', retryable: true })
  })

  it('may be tried again when the connection breaks in the middle of a body', async () => {
    await serve((_request, response) => {
      response.writeHead(200, { 'content-length': 100 })
      response.write('a mo', () => response.destroy())
    })
    await expect(blob()).rejects.toMatchObject({ code: 'coordinator/unreachable' })
  })

  it('keep the code of a problem', async () => {
    await serve((_request, response) => {
      response.writeHead(401).end('{"problem":{"code":"auth/expired-code","message":"too old"}}')
    })
    await expect(enrol(url, { code: 'c', name: 'n', privateKey }, signal)).rejects.toMatchObject({
      code: 'auth/expired-code',
      message: 'too old',
    })
  })

  it.each([
    ['a page', 200, '<html>'],
    ['another object', 200, '{"hello":1}'],
    ['nothing', 200, 'null'],
    ['the error of a proxy', 502, 'Bad gateway'],
    ['a problem of another version', 400, '{"problem":{"code":"new/code","message":"?"}}'],
  ])('take %s for the answer of something that is no coordinator', async (_what, status, body) => {
    await serve((_request, response) => void response.writeHead(status).end(body))
    await expect(fetchToken(url, { nodeId: 'n', privateKey }, signal)).rejects.toMatchObject({
      code: 'coordinator/unreachable',
    })
  })
})
