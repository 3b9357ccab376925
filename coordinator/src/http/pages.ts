import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import type { RequestHandler, Response } from 'express'
import helmet from 'helmet'
import sirv from 'sirv'
import { permissionOf } from '#coordinator/auth/permissions.js'
import { SUPERVISION } from './operations.js'

/** Where the build puts them, whether this runs from source or from `dist/`. */
const BUILT = join(
  dirname(createRequire(import.meta.url).resolve('tributary/package.json')),
  'dist',
)
export const PAGES_DIRECTORY = join(BUILT, 'dashboard')

/**
 * The one style that is written into the page, by React Aria while a window is open on an iPhone, so that what is behind it does
 * not scroll along: SHA-256 of its text, which says `overscroll-behavior: contain` and nothing else.
 */
const SCROLL_STYLE = 'gYiS/BvZvRcK27JIXTuwhZ3hs2+VJ1X+2gUlE+farlg='

/** Nothing but what this origin serves as a file: reliability specification §2, T14. */
export const PAGE_POLICY = {
  defaultSrc: ["'none'"],
  scriptSrc: ["'self'"],
  styleSrc: ["'self'", `'sha256-${SCROLL_STYLE}'`],
  imgSrc: ["'self'", 'data:', 'blob:'],
  connectSrc: ["'self'"],
  fontSrc: ["'self'"],
  manifestSrc: ["'self'"],
  baseUri: ["'none'"],
  formAction: ["'none'"],
  frameAncestors: ["'none'"],
} satisfies Readonly<Record<string, readonly string[]>>

/** The API's and the socket's own, where an unknown address is a refusal and no page. */
const isPage = (path: string): boolean =>
  !path.startsWith('/api/') &&
  path !== '/api' &&
  !path.startsWith('/socket.io') &&
  !SUPERVISION.has(path)

/**
 * The dashboard, as it was built: any address that is no file is a page, which the dashboard itself knows by its address.
 * Anyone may load it: it holds nothing of a federation.
 */
export function servePages(directory: string): RequestHandler {
  if (permissionOf('GET /').need !== 'anyone') throw new TypeError('pages are for anyone')
  const secure = helmet({
    contentSecurityPolicy: { useDefaults: false, directives: PAGE_POLICY },
    referrerPolicy: { policy: 'no-referrer' },
  })
  const files = existsSync(join(directory, 'index.html')) ? openFiles(directory) : tellUnbuilt
  return function servePage(request, response, next) {
    if ((request.method !== 'GET' && request.method !== 'HEAD') || !isPage(request.path)) {
      next()
      return
    }
    // Files are small: none is sent in parts.
    delete request.headers.range
    secure(request, response, () => files(request, response, next))
  }
}

/** Headers that say something of documents only. */
const OF_PAGES = [
  'content-security-policy',
  'cross-origin-opener-policy',
  'origin-agent-cluster',
  'referrer-policy',
  'x-dns-prefetch-control',
  'x-download-options',
  'x-frame-options',
  'x-permitted-cross-domain-policies',
  'x-xss-protection',
]

const openFiles = (directory: string): RequestHandler =>
  sirv(directory, {
    ...{ single: true, etag: true, brotli: true, gzip: true },
    setHeaders: (response, path) => {
      // Names of assets hold a hash of what is in them.
      const isAsset = path.startsWith('/assets/')
      const cache = isAsset ? 'public, max-age=31536000, immutable' : 'no-cache'
      response.setHeader('cache-control', cache)
      // What a page may do says the page; of dozens of files it would be more than what they hold.
      if (/\.(js|css|woff2)$/.test(path)) for (const name of OF_PAGES) response.removeHeader(name)
    },
  })

/** From source, before anything was built: programs go on, people are told. */
const tellUnbuilt: RequestHandler = (request, response: Response, next) => {
  if (request.path !== '/') {
    next()
    return
  }
  response
    .type('text/plain')
    .send('A coordinator of Tributary, without its pages: they are built with npm run build\n')
}
