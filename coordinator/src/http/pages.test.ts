import { createHash } from 'node:crypto'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, request as requestHttp, type IncomingMessage, type Server } from 'node:http'
import { createRequire } from 'node:module'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { brotliCompressSync } from 'node:zlib'
import express from 'express'
import { afterEach, describe, expect, it } from 'vitest'
import { PAGE_POLICY, servePages } from './pages.js'

const PAGE = '<!doctype html><title>Tributary</title>'
const SCRIPT = 'console.log(1)'

/** Not `fetch`, which undoes compression and mends paths. */
const get = (server: Server, path: string, options: object = {}): Promise<IncomingMessage> =>
  new Promise((resolve, reject) => {
    const { port } = server.address() as AddressInfo
    requestHttp({ host: '127.0.0.1', port, path, ...options }, resolve)
      .on('error', reject)
      .end()
  })
const textOf = async (message: IncomingMessage): Promise<string> =>
  Buffer.concat((await message.toArray()) as Buffer[]).toString()

describe('the pages', () => {
  const directory = mkdtempSync(join(tmpdir(), 'pages-'))
  const servers: Server[] = []
  const serve = (at: string): Promise<Server> => {
    const app = express()
    app.use(servePages(at))
    app.use((_request, response) => void response.status(404).json({ problem: 'none' }))
    const server = createServer(app)
    servers.push(server)
    return new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(server)))
  }
  const built = (): string => {
    const at = join(directory, 'built')
    mkdirSync(join(at, 'assets'), { recursive: true })
    mkdirSync(join(at, '.vite'), { recursive: true })
    writeFileSync(join(at, 'index.html'), PAGE)
    writeFileSync(join(at, 'assets/main-abc.js'), SCRIPT)
    writeFileSync(join(at, 'assets/main-abc.js.br'), brotliCompressSync(SCRIPT))
    writeFileSync(join(at, '.vite/manifest.json'), '{}')
    writeFileSync(join(directory, 'secret.txt'), 'secret')
    return at
  }
  afterEach(() => {
    for (const server of servers.splice(0)) server.close()
    rmSync(directory, { recursive: true, force: true })
  })

  it('allow the one style that React Aria writes, as the version that is installed writes it', async () => {
    const written = createRequire(import.meta.url).resolve('react-aria/package.json')
    const source = readFileSync(
      join(dirname(written), 'dist/private/overlays/usePreventScroll.mjs'),
      'utf8',
    )
    const [, style = ''] = /style\.textContent = `([^`]+)`/.exec(source) ?? []
    expect(style.trim()).toMatch(/^@layer {\s+\* {\s+overscroll-behavior: contain;\s+}\s+}$/)
    const hash = createHash('sha256').update(style.trim()).digest('base64')
    expect(PAGE_POLICY.styleSrc).toEqual(["'self'", `'sha256-${hash}'`])
  })
  it('answers every address that is no file with the page, which may load from its origin alone', async () => {
    const server = await serve(built())
    for (const path of ['/', '/runs', '/runs/run-0123456789ab?tab=events']) {
      const answer = await get(server, path)
      expect([path, answer.statusCode, await textOf(answer)]).toEqual([path, 200, PAGE])
      expect(answer.headers).toMatchObject({
        'content-type': 'text/html;charset=utf-8',
        'cache-control': 'no-cache',
        'x-content-type-options': 'nosniff',
        'referrer-policy': 'no-referrer',
      })
      expect(answer.headers['content-security-policy']).toBe(
        "default-src 'none';script-src 'self';style-src 'self' 'sha256-gYiS/BvZvRcK27JIXTuwhZ3hs2+VJ1X+2gUlE+farlg=';img-src 'self' data: blob:;connect-src 'self';" +
          "font-src 'self';manifest-src 'self';base-uri 'none';form-action 'none';frame-ancestors 'none'",
      )
    }
  })
  it('sends assets compressed where that is understood, to be kept for ever', async () => {
    const server = await serve(built())
    const plain = await get(server, '/assets/main-abc.js')
    expect([await textOf(plain), plain.headers['cache-control']]).toEqual([
      SCRIPT,
      'public, max-age=31536000, immutable',
    ])
    expect(plain.headers).toMatchObject({
      'x-content-type-options': 'nosniff',
      'cross-origin-resource-policy': 'same-origin',
    })
    expect(plain.headers['content-security-policy']).toBeUndefined()
    const headers = { 'accept-encoding': 'gzip, br' }
    const small = await get(server, '/assets/main-abc.js', { headers })
    expect(small.headers).toMatchObject({ 'content-encoding': 'br', vary: 'Accept-Encoding' })
    const again = await get(server, '/assets/main-abc.js', {
      headers: { ...headers, 'if-none-match': small.headers.etag },
    })
    expect(again.statusCode).toBe(304)
  })
  it('leaves to others what is no page: the API, sockets, supervision, writes, files that are not there', async () => {
    const server = await serve(built())
    const paths = ['/api', '/api/none', '/socket.io/', '/healthz', '/assets/none.js', '/none.png']
    for (const path of [...paths, '/.vite/manifest.json'])
      expect([path, (await get(server, path)).statusCode]).toEqual([path, 404])
    expect((await get(server, '/', { method: 'POST' })).statusCode).toBe(404)
  })
  it('sends nothing from outside its folder, and takes no part of a file for a mistake of its own', async () => {
    const server = await serve(built())
    for (const path of ['/../secret.txt', '/..%2fsecret.txt', '/%2e%2e/secret.txt', '/%zz'])
      expect(await textOf(await get(server, path))).not.toContain('secret')
    for (const range of ['bytes=5-2', 'bytes=9999-', 'bytes=x'])
      expect((await get(server, '/', { headers: { range } })).statusCode).toBe(200)
  })
  it('says how pages are built where there are none', async () => {
    const server = await serve(join(directory, 'nothing'))
    expect(await textOf(await get(server, '/'))).toContain('npm run build')
    expect((await get(server, '/runs')).statusCode).toBe(404)
  })
})
