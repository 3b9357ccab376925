import { readFile } from 'node:fs/promises'
import type { Command } from 'commander'
import { FederationError } from '#protocol/errors.js'
import { normalFingerprint, trustOf, type Trust } from '#client/transport/trust.js'

export interface TrustOptions {
  readonly fingerprint?: readonly string[]
  readonly ca?: string
}

/** Which certificate the coordinator may show; for every command that talks to one. */
export const trustOptions = (command: Command): Command =>
  command
    .option(
      '--fingerprint <sha256>',
      "the coordinator's certificate, told by its administrator; several, separated by commas, while it is being changed; remembered",
      (text) => text.split(',').map(normalFingerprint),
    )
    .option('--ca <file>', "the certificate (PEM) of the coordinator's own authority; remembered")

/** What was told on the command line, or by $TRIBUTARY_FINGERPRINT; undefined: nothing. Throws `tls/unreadable`. */
export async function toldTrust({ fingerprint, ca }: TrustOptions): Promise<Trust | undefined> {
  if (fingerprint !== undefined) return { fingerprints: fingerprint }
  if (ca !== undefined) return { ca: await readAuthority(ca) }
  const fromEnvironment = process.env['TRIBUTARY_FINGERPRINT']
  if (fromEnvironment === undefined) return undefined
  return { fingerprints: fromEnvironment.split(',').map(normalFingerprint) }
}

/** What a node's command line needs beside the address: the fingerprints that this machine goes by. */
export function fingerprintFlag(url: string): string {
  const { fingerprints = [] } = trustOf(url)
  return fingerprints.length === 0 ? '' : ` --fingerprint ${fingerprints.join(',')}`
}

async function readAuthority(path: string): Promise<string> {
  try {
    const text = await readFile(path, 'utf8')
    if (text.includes('-----BEGIN CERTIFICATE-----')) return text
  } catch (cause) {
    throw new FederationError('tls/unreadable', `Cannot read ${path}`, { cause })
  }
  throw new FederationError('tls/unreadable', `${path} holds no certificate in PEM`)
}
