import type { Command } from 'commander'
import { FederationError } from '#protocol/errors.js'
import { SERVER_LIMITS } from '#coordinator/ops/limits.js'
import type { CoordinatorOptions } from '#coordinator/server.js'
import { integer } from './command.js'

/** How a coordinator is reached, and how much it takes. */
export interface ServeFlags {
  readonly tlsCert?: string
  readonly tlsKey?: string
  readonly tlsSelfSigned?: true
  readonly insecure?: true
  readonly trustedProxies?: readonly string[]
  readonly origin?: readonly string[]
  readonly metricsToken?: string
  readonly maxConnections: number
  readonly maxConnectionsPerAddress: number
  readonly uploadMemoryMb: number
  readonly drainSeconds: number
}
const BYTES_PER_MB = 1_000_000

export const serveOptions = (command: Command): Command =>
  limitOptions(
    command
      .option('--tls-cert <file>', 'certificate (PEM), with those that lead to its authority')
      .option('--tls-key <file>', 'its private key (PEM)')
      .option(
        '--tls-self-signed',
        'a certificate of its own, made on first use and kept in the data directory; nodes and people pin its fingerprint',
      )
      .option(
        '--insecure',
        'serve other machines without TLS: only where something in front encrypts the connection',
      )
      .option(
        '--trusted-proxies <list>',
        'addresses of proxies in front, like 10.0.0.7,10.1.0.0/16, whose x-forwarded-for is taken',
        (text) => text.split(','),
      )
      .option(
        '--origin <list>',
        'other addresses under which browsers reach it, like https://fl.example.org: their pages may write',
        (text) => text.split(','),
      )
      .option(
        '--metrics-token <file>',
        'a file with a token for reading /metrics from elsewhere than this machine',
      ),
  )

const limitOptions = (command: Command): Command =>
  command
    .option(
      '--max-connections <n>',
      'most connections at the same time',
      integer({ min: 1, max: 1_000_000 }),
      SERVER_LIMITS.connections,
    )
    .option(
      '--max-connections-per-address <n>',
      'most connections of one address at the same time',
      integer({ min: 1, max: 1_000_000 }),
      SERVER_LIMITS.connectionsPerAddress,
    )
    .option(
      '--upload-memory-mb <n>',
      'memory for updates that are being received; further uploads wait for their turn',
      integer({ min: 2, max: 100_000 }),
      SERVER_LIMITS.uploadBytes / BYTES_PER_MB,
    )
    .option(
      '--drain-seconds <n>',
      'told to stop, how long what is being handled may take to finish',
      integer({ min: 0, max: 3_600 }),
      SERVER_LIMITS.drainMs / 1_000,
    )

type Served = Pick<
  CoordinatorOptions,
  'tls' | 'insecure' | 'proxies' | 'origins' | 'monitoringTokenFile' | 'serverLimits'
>

/** Throws `usage/bad-value` for options that do not go together. */
export function serveSettings(flags: ServeFlags): Served {
  const { insecure, trustedProxies, origin, metricsToken } = flags
  const tls = tlsOf(flags)
  return {
    ...(tls === undefined ? {} : { tls }),
    ...(insecure === undefined ? {} : { insecure }),
    ...(trustedProxies === undefined ? {} : { proxies: trustedProxies }),
    ...(origin === undefined ? {} : { origins: origin }),
    ...(metricsToken === undefined ? {} : { monitoringTokenFile: metricsToken }),
    serverLimits: {
      connections: flags.maxConnections,
      connectionsPerAddress: flags.maxConnectionsPerAddress,
      uploadBytes: flags.uploadMemoryMb * BYTES_PER_MB,
      drainMs: flags.drainSeconds * 1_000,
    },
  }
}

function tlsOf({ tlsCert, tlsKey, tlsSelfSigned }: ServeFlags): CoordinatorOptions['tls'] {
  if (tlsCert !== undefined && tlsKey !== undefined && tlsSelfSigned === undefined)
    return { certFile: tlsCert, keyFile: tlsKey }
  if (tlsCert === undefined && tlsKey === undefined)
    return tlsSelfSigned === undefined ? undefined : 'self-signed'
  const message = 'Expected --tls-cert together with --tls-key, or --tls-self-signed alone'
  throw new FederationError('usage/bad-value', message)
}
